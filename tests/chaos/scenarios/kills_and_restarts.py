"""Processes killed and halted, servers restarted, at random moments while events keep coming."""

from functools import partial

from libs.common.broker import connect
from tests.chaos.faults import Outages, crash, killed, stopped
from tests.chaos.scenario import Report, Stage
from tests.chaos.storm import storm
from tests.processes import Replicas

REPLICAS = 2


class KillsAndRestarts:
    """kill -9 and SIGSTOP of persistence; restarts of both servers; a locked table."""

    name = "kills and restarts"

    async def run(self, stage: Stage) -> Report:
        """Strike with all of them while two replicas store."""
        url = stage.environment["CASSIOPEIA_REDIS_URL"]
        broker, database = stage.servers.valkey, stage.servers.postgres
        outages = Outages()
        async with (
            connect(url, "chaos") as redis,
            Replicas(
                "persistence", REPLICAS, environment=stage.environment, logs=stage.logs
            ) as replicas,
        ):
            faults = [
                outages.restarted("SIGTERM of the broker", broker.restart),
                outages.restarted("kill -9 of the broker", partial(crash, broker)),
                outages.restarted("fast shutdown of the database", database.restart),
                outages.restarted("kill -9 of the postmaster", partial(crash, database)),
                outages.locked("a locked table, kill -9", stage.database_url, replicas.processes),
                stopped(replicas.processes, redis, stage.choose),
            ]
            faults += [
                killed(stage.choose.choice(replicas.processes), outages) for _ in range(stage.kills)
            ]
            report = await storm(stage, faults, replicas, url, overlapping=True)
        report.check("no process ended unasked", replicas.surprises, [])
        return report
