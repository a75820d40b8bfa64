"""The database's disk is full: nothing is lost, and all is stored when there is room again."""

import asyncio
import time
from pathlib import Path

from libs.common.broker import connect
from tests.chaos.audit import audit, group_state
from tests.chaos.load import Load, publishing
from tests.chaos.progress import until_settled
from tests.chaos.scenario import Report, Stage
from tests.chaos.small_disk import SmallDisk, small_disk, unavailable
from tests.processes import Replicas
from tests.waiting import wait_until

_MOST_EVENTS = 10_000
_REPLICAS = 2
_NOTICED_WITHIN_S = 30.0
_SETTLED_WITHIN_S = 60.0
# As the driver words SQLSTATE 53100.
_DISK_FULL = "No space left on device"


class FullDisk:
    """PostgreSQL reports that no space is left on its device, until somebody makes room."""

    name = "full disk"

    async def run(self, stage: Stage) -> Report:
        """Fill the disk between two halves of the events; make room when the services noticed."""
        if reason := await asyncio.to_thread(unavailable, stage.logs):
            return Report(skipped=reason)
        with small_disk(stage.servers) as disk:
            return await self._run(stage, disk)

    async def _run(self, stage: Stage, disk: SmallDisk) -> Report:
        url = stage.environment["CASSIOPEIA_REDIS_URL"]
        count = min(stage.events, _MOST_EVENTS)
        environment = {**stage.environment, "CASSIOPEIA_DATABASE_URL": disk.url}
        async with connect(url, "chaos") as redis, publishing(url) as publisher:
            load = Load(publisher, count, stage.choose)
            before, after = load.parts([self.name] * 2)
            async with Replicas(
                "persistence", _REPLICAS, environment=environment, logs=stage.logs
            ) as replicas:
                for process in replicas.processes:
                    await process.wait_until_ready()
                await load.publish_part(before)
                await asyncio.to_thread(disk.fill)
                await load.publish_part(after)
                await wait_until(
                    lambda: _noticed(stage.logs), _NOTICED_WITHIN_S, "the services notice"
                )
                waiting = await group_state(redis)
                struck_at = time.monotonic()
                await asyncio.to_thread(disk.free)
                await until_settled(redis, _SETTLED_WITHIN_S)
                recovery_s = time.monotonic() - struck_at
                for process in replicas.processes:
                    await process.wait_until_ready()
            report = await audit(redis, disk.url, load)
        for row in report.rows:
            row.recovery_s = recovery_s
        report.check("no process ended unasked", replicas.surprises, [])
        report.remarks.append(f"{waiting.pending + waiting.unread:,} entries waited for room")
        return report


def _noticed(logs: Path) -> bool:
    return any(_DISK_FULL in log.read_text(errors="replace") for log in logs.iterdir())
