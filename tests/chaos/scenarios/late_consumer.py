"""Events that were published before any consumer ever started are stored when one does."""

import time

from libs.common.broker import connect
from tests.chaos.audit import audit
from tests.chaos.load import Load, publishing
from tests.chaos.progress import until_settled
from tests.chaos.scenario import Report, Stage
from tests.processes import Replicas

# A larger backlog shows nothing that a smaller one does not.
_MOST_EVENTS = 10_000
_SETTLED_WITHIN_S = 60.0


class LateConsumer:
    """Neither stream nor group exists when the first event comes."""

    name = "late consumer"

    async def run(self, stage: Stage) -> Report:
        """Publish, then start one replica for the first time."""
        url = stage.environment["CASSIOPEIA_REDIS_URL"]
        count = min(stage.events, _MOST_EVENTS)
        async with connect(url, "chaos") as redis, publishing(url) as publisher:
            load = Load(publisher, count, stage.choose)
            for part in load.parts([self.name]):
                await load.publish_part(part)
            stage.say(f"published {count:,} events; no consumer has ever run")
            began = time.monotonic()
            async with Replicas(
                "persistence", 1, environment=stage.environment, logs=stage.logs
            ) as replicas:
                await until_settled(redis, _SETTLED_WITHIN_S)
                took_s = time.monotonic() - began
                for process in replicas.processes:
                    await process.wait_until_ready()
            report = await audit(redis, stage.database_url, load)
        for row in report.rows:
            row.recovery_s = took_s
        report.check("no process ended unasked", replicas.surprises, [])
        stage.say(f"all of them are handled {took_s:.1f} s after the start of the first one")
        return report
