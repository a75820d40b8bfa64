"""Which database the broker knows: the one that holds what the sources have published."""

from redis.asyncio import Redis

from libs.common.broker import text
from libs.common.clock import Clock
from libs.common.database import Pool
from libs.common.logging import get_logger
from libs.common.polling.published import forget_published

_log = get_logger(__name__)

_KNOWN_KEY = "cassiopeia:database"
# The server, its database and the schema in that: if any of them differs, it is another database.
IDENTITY = """
SELECT concat_ws('/', system_identifier, d.oid, to_regclass('public.alembic_version')::oid)
FROM pg_control_system(), pg_database AS d WHERE datname = current_database()
"""


async def recognize(redis: Redis, pool: Pool, clock: Clock) -> None:
    """Make the sources publish everything again if the broker knew another database.

    Raises:
        redis.exceptions.RedisError: The broker does not answer.
    """
    async with pool.connection() as connection:
        [(identity,)] = await (await connection.execute(IDENTITY)).fetchall()
    known = await redis.get(_KNOWN_KEY)
    # If none is known, this is the first start, or the first with a release that remembers it.
    if known and text(known) != identity:
        sources = await forget_published(redis, clock)
        _log.warning("another_database", publish_again=sources)
    # Only now: if the process dies before this, the next one makes the sources publish again.
    await remember(redis, identity)


async def remember(redis: Redis, identity: str) -> None:
    """Note which database holds what was published."""
    await redis.set(_KNOWN_KEY, identity)
