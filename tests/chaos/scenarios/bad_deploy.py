"""A version that can take nothing is deployed, and later the right one again."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from libs.common.broker import connect
from libs.common.consuming.dead_letter_limit import LetterLimit
from libs.common.topology import EVENTS_DEAD
from tests.chaos.audit import audit
from tests.chaos.load import Load, publishing
from tests.chaos.moved_clock import command
from tests.chaos.progress import until_settled
from tests.chaos.scenario import Report, Stage
from tests.processes import Replicas
from tests.servers import CHECKOUT
from tests.waiting import wait_until

_MOST_EVENTS = 6_000
# To a service that lives in another year, every event comes from the future.
_WRONG_BY = timedelta(days=-400)
_STANDS_STILL_WITHIN_S = 30.0
_SETTLED_WITHIN_S = 60.0


class BadDeploy:
    """Everything is invalid to the new version: it stops instead of diverting everything."""

    name = "bad deploy"

    async def run(self, stage: Stage) -> Report:
        """Store, deploy badly, notice, deploy well, replay the letters that were made."""
        url = stage.environment["CASSIOPEIA_REDIS_URL"]
        count = min(stage.events, _MOST_EVENTS)
        async with connect(url, "chaos") as redis, publishing(url) as publisher:
            load = Load(publisher, count, stage.choose, places=())
            good, bad, mended = load.parts([self.name] * 3)
            async with _deployed(stage, command("persistence")) as first:
                await load.publish_part(good)
                await until_settled(redis, _SETTLED_WITHIN_S)
            async with _deployed(stage, command("persistence", _WRONG_BY)) as second:
                await load.publish_part(bad)
                await wait_until(
                    partial(_stands_still, second), _STANDS_STILL_WITHIN_S, "it stands still"
                )
            diverted = int(await redis.xlen(EVENTS_DEAD.key))
            began = time.monotonic()
            async with _deployed(stage, command("persistence")) as third:
                await load.publish_part(mended)
                await asyncio.to_thread(_replay, stage.environment)
                await until_settled(redis, _SETTLED_WITHIN_S)
                took_s = time.monotonic() - began
            report = await audit(redis, stage.database_url, load)
        for row in report.rows:
            row.dead, row.recovery_s = diverted, took_s
        within = diverted <= LetterLimit().count
        report.check("it made no more letters than its limit", within, expected=True)
        ended = [*first.surprises, *second.surprises, *third.surprises]
        report.check("no process ended unasked", ended, [])
        report.remarks.append(
            f"of {bad.stop - bad.start:,} events {diverted:,} became letters before it stood still;"
            " they were replayed"
        )
        return report


@asynccontextmanager
async def _deployed(stage: Stage, version: Sequence[str]) -> AsyncIterator[Replicas]:
    async with Replicas(
        "persistence", 1, environment=stage.environment, logs=stage.logs, command=version
    ) as replicas:
        for process in replicas.processes:
            await process.wait_until_ready()
        yield replicas


async def _stands_still(replicas: Replicas) -> bool:
    return not any([await process.is_ready() for process in replicas.processes])


def _replay(environment: Mapping[str, str]) -> None:
    subprocess.run(
        [sys.executable, "-m", "services.persistence", "dead", "replay", "--all"],
        cwd=CHECKOUT,
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        check=True,
    )
