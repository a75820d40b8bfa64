"""Whole batches of undecodable entries in the middle of the events."""

import time

from libs.common.broker import connect
from tests.chaos.audit import audit
from tests.chaos.load import Load, publishing
from tests.chaos.progress import until_settled
from tests.chaos.scenario import Report, Stage
from tests.processes import Replicas

_MOST_EVENTS = 10_000
_BATCH = 200
_BATCHES = 3
_SETTLED_WITHIN_S = 60.0


class PoisonBatch:
    """A producer that went wrong for a moment: all that it sent is dead, all else is stored."""

    name = "poison batch"

    async def run(self, stage: Stage) -> Report:
        """Publish, poison for three batches in a row, publish on."""
        url = stage.environment["CASSIOPEIA_REDIS_URL"]
        count = min(stage.events, _MOST_EVENTS)
        async with connect(url, "chaos") as redis, publishing(url) as publisher:
            load = Load(publisher, count, stage.choose, [count * 3 // 4] * (_BATCH * _BATCHES))
            environment = {**stage.environment, "CASSIOPEIA_BATCH_SIZE": f"{_BATCH}"}
            async with Replicas(
                "persistence", 1, environment=environment, logs=stage.logs
            ) as replicas:
                for process in replicas.processes:
                    await process.wait_until_ready()
                began = time.monotonic()
                for part in load.parts([self.name]):
                    await load.publish_part(part)
                await until_settled(redis, _SETTLED_WITHIN_S)
                took_s = time.monotonic() - began
                for process in replicas.processes:
                    await process.wait_until_ready()
            report = await audit(redis, stage.database_url, load)
        for row in report.rows:
            row.recovery_s = took_s
        report.check("no process ended unasked", replicas.surprises, [])
        return report
