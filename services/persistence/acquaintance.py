"""Which database the broker knows: the one that has what the sources believe to have published."""

from redis.asyncio import Redis

from libs.common.answers import forget_published
from libs.common.broker import text
from libs.common.clock import Clock
from libs.common.database import Pool
from libs.common.logging import get_logger

_log = get_logger(__name__)

_KNOWN_KEY = "cassiopeia:database"
# The server, the database in it, and the schema in that: another one of any is another database.
IDENTITY = """
SELECT concat_ws('/', system_identifier, d.oid, to_regclass('public.alembic_version')::oid)
FROM pg_control_system(), pg_database AS d WHERE datname = current_database()
"""


async def get_acquainted(redis: Redis, pool: Pool, clock: Clock) -> None:
    """Make the sources publish everything again where the broker knew another database.

    Raises:
        redis.exceptions.RedisError: The broker does not answer.
    """
    async with pool.connection() as connection:
        [(identity,)] = await (await connection.execute(IDENTITY)).fetchall()
    known = await redis.get(_KNOWN_KEY)
    # Where none is known, it is the first one, or that of an earlier release.
    if known and text(known) != identity:
        sources = await forget_published(redis, clock)
        _log.warning("another_database", publish_again=sources)
    # Not before: a process that dies in between leaves it to the next.
    await remember(redis, identity)


async def remember(redis: Redis, identity: str) -> None:
    """Note which database has what was published."""
    await redis.set(_KNOWN_KEY, identity)
