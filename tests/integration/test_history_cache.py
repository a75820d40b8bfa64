"""The cache of history: fresh, stale, missing, shared by replicas, without its servers."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from deploy.embedded.servers import free_ports
from services.gateway.cache import HistoryCache, Kept, Kind
from services.gateway.cache.shared import KEY_PREFIX, MAX_BYTES
from services.gateway.prepared import PreparedAnswer
from tests.clocks import MovingClock
from tests.waiting import wait_until

KIND = Kind("test", fresh_s=60, stale_s=600, changed_by=frozenset({"changed"}))
START = datetime(2026, 3, 1, tzinfo=UTC)


class Query:
    """A query of the database that counts how often it runs."""

    def __init__(self, clock: MovingClock) -> None:
        self.runs = 0
        self.fails = False
        self.is_empty = False
        self.gate = asyncio.Event()
        self.gate.set()
        self._clock = clock

    async def __call__(self) -> PreparedAnswer | None:
        """Return the number of the run."""
        self.runs += 1
        run = self.runs
        await self.gate.wait()
        if self.fails:
            raise psycopg.OperationalError("the server closed the connection")
        return None if self.is_empty else PreparedAnswer.of(b"%d" % run, self._clock.now())


@pytest.fixture
def clock() -> MovingClock:
    """Give a clock that stands still."""
    return MovingClock(START)


@pytest.fixture
def query(clock: MovingClock) -> Query:
    """Give a query."""
    return Query(clock)


@pytest_asyncio.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    """Give a client of an empty Valkey."""
    client = Redis.from_url(valkey_url)
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def caches(redis: Redis, clock: MovingClock) -> AsyncIterator[list[HistoryCache]]:
    """Give the caches of three replicas."""
    replicas = [HistoryCache(redis, clock, 1_000_000) for _ in range(3)]
    yield replicas
    for replica in replicas:
        await replica.close()


def body(kept: Kept) -> bytes:
    """Return the body of an answer that must be there."""
    assert kept.ready is not None
    return kept.ready.body


async def test_one_query_serves_all_who_ask_at_once_on_all_replicas(
    caches: list[HistoryCache], query: Query
) -> None:
    """Sixty requests, three replicas, one query."""
    query.gate.clear()
    asking = [
        asyncio.create_task(cache.get(KIND, "key", query)) for cache in caches for _ in range(20)
    ]
    await wait_until(lambda: _has_run(query, 1), 5, "the query")
    await asyncio.sleep(0.2)
    query.gate.set()
    answers = await asyncio.gather(*asking)
    assert {body(kept) for kept in answers} == {b"1"}
    assert query.runs == 1


async def _has_run(query: Query, times: int) -> bool:
    return query.runs == times


async def test_a_stale_answer_is_served_while_a_new_one_is_made(
    caches: list[HistoryCache], query: Query, clock: MovingClock
) -> None:
    """Nobody waits for the database, and the next one has the new answer."""
    cache = caches[0]
    assert (await cache.get(KIND, "key", query)).how == "fwd=miss"
    clock.move(61)
    query.gate.clear()
    stale = await cache.get(KIND, "key", query)
    assert (body(stale), stale.is_stale) == (b"1", True)
    query.gate.set()

    async def renewed() -> bool:
        return body(await cache.get(KIND, "key", query)) == b"2"

    await wait_until(renewed, 5, "the new answer")
    fresh = await cache.get(KIND, "key", query)
    assert (fresh.is_stale, query.runs) == (False, 2)


async def test_an_answer_that_is_too_old_is_not_served(
    caches: list[HistoryCache], query: Query, clock: MovingClock
) -> None:
    """Beyond its time and its grace it is made anew while the client waits."""
    await caches[0].get(KIND, "key", query)
    clock.move(661)
    assert body(await caches[0].get(KIND, "key", query)) == b"2"


async def test_an_event_makes_stale_what_it_changes_and_nothing_else(
    caches: list[HistoryCache], query: Query, clock: MovingClock
) -> None:
    """Also what was made so soon after it that its row may have been missing."""
    cache = caches[0]
    other = Query(clock)
    unchanged = Kind("other", fresh_s=60, changed_by=frozenset({"another"}))
    await cache.get(KIND, "key", query)
    await cache.get(unchanged, "other", other)
    clock.move(10)
    cache.changed("changed", clock.now())
    assert (await cache.get(KIND, "key", query)).is_stale
    await wait_until(lambda: _has_run(query, 2), 5, "the renewal")
    clock.move(1.1)
    # Made in the second of the event: its row may not have been there.
    assert (await cache.get(KIND, "key", query)).is_stale
    await wait_until(lambda: _has_run(query, 3), 5, "the second renewal")
    await wait_until(lambda: _fresh(cache, query), 5, "a fresh answer")
    assert (query.runs, other.runs) == (3, 1)


async def test_soon_after_a_change_an_answer_is_good_for_seconds_only(
    caches: list[HistoryCache], query: Query, clock: MovingClock
) -> None:
    """The row may come late: persistence may have been away. Later, the whole time holds."""
    cache = caches[0]
    cache.changed("changed", clock.now())
    clock.move(10)
    await cache.get(KIND, "key", query)
    clock.move(4)
    assert not (await cache.get(KIND, "key", query)).is_stale
    clock.move(2)
    assert (await cache.get(KIND, "key", query)).is_stale
    clock.move(300)
    await wait_until(lambda: _fresh(cache, query), 5, "an answer of after that")
    clock.move(50)
    assert not (await cache.get(KIND, "key", query)).is_stale


async def test_a_change_of_before_the_start_counts(
    redis: Redis, query: Query, clock: MovingClock
) -> None:
    """A process that starts learns when events came last, and distrusts what is older."""
    before = HistoryCache(redis, clock, 1_000_000)
    await before.get(KIND, "key", query)
    await before.close()
    clock.move(10)
    changed_at = clock.now()
    clock.move(10)
    after = HistoryCache(redis, clock, 1_000_000)
    after.changed("changed", changed_at)
    after.changed("changed", changed_at - timedelta(hours=1))
    assert body(await after.get(KIND, "key", query)) == b"2"
    await after.close()


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{}", id="no time"),
        pytest.param(b"[1]", id="a list"),
        pytest.param(b"\xff", id="no text"),
        pytest.param(b'{"made_at": "x"}', id="a wrong time"),
        pytest.param(b'{"made_at": "2026-03-01T00:00:00"}', id="no zone"),
        pytest.param(b"{}\nx", id="a body"),
        pytest.param(b"[" * 100_000, id="too deep"),
    ],
)
async def test_what_is_no_answer_of_ours_is_made_anew(
    redis: Redis, query: Query, clock: MovingClock, value: bytes
) -> None:
    """A foreign or damaged value costs a query, and no error."""
    cache = HistoryCache(redis, clock, 1_000_000)
    await redis.set(f"{KEY_PREFIX}key", value)
    assert body(await cache.get(KIND, "key", query)) == b"1"
    await cache.close()


async def test_the_broker_is_not_filled(redis: Redis, clock: MovingClock) -> None:
    """Large answers stay here, all have an end, and none is shared while it is half full."""
    cache = HistoryCache(redis, clock, 10_000_000)
    long = Kind("long", fresh_s=86_400)

    async def small() -> PreparedAnswer:
        return PreparedAnswer.of(b"x", clock.now())

    async def large() -> PreparedAnswer:
        return PreparedAnswer.of(b"x" * (MAX_BYTES + 1), clock.now())

    async def nothing() -> None:
        return None

    await cache.get(long, "small", small)
    await cache.get(long, "large", large)
    await cache.get(long, "nothing", nothing)
    assert 0 < await redis.ttl(f"{KEY_PREFIX}small") <= 3_600
    assert 0 < await redis.ttl(f"{KEY_PREFIX}nothing") <= 10
    assert not await redis.exists(f"{KEY_PREFIX}large")
    await cache.close()
    bound = (await redis.config_get("maxmemory"))["maxmemory"] or 0
    used = int((await redis.info("memory"))["used_memory"])
    await redis.config_set("maxmemory", int(used * 1.5))
    try:
        full = HistoryCache(redis, clock, 10_000_000)
        await full.get(long, "other", small)
        assert not await redis.exists(f"{KEY_PREFIX}other")
        await full.close()
    finally:
        await redis.config_set("maxmemory", bound)


async def _fresh(cache: HistoryCache, query: Query) -> bool:
    return not (await cache.get(KIND, "key", query)).is_stale


async def test_what_does_not_exist_is_asked_for_again_soon(
    caches: list[HistoryCache], query: Query, clock: MovingClock
) -> None:
    """Ten seconds, on all replicas."""
    query.is_empty = True
    for cache in caches:
        assert (await cache.get(KIND, "key", query)).ready is None
    assert query.runs == 1
    query.is_empty = False
    clock.move(11)
    assert body(await caches[0].get(KIND, "key", query)) == b"2"


async def test_without_the_database_the_last_answer_is_served_and_says_so(
    caches: list[HistoryCache], redis: Redis, query: Query, clock: MovingClock
) -> None:
    """On a replica that never made it, too; and it recovers by itself."""
    await caches[0].get(KIND, "key", query)
    query.fails = True
    clock.move(600)
    for cache in caches:
        kept = await cache.get(KIND, "key", query)
        assert (body(kept), kept.is_stale) == (b"1", True)
    # Its time in the broker is over; what a replica has in its memory stays.
    await redis.flushdb()
    clock.move(3_000)
    for cache in caches:
        kept = await cache.get(KIND, "key", query)
        assert (body(kept), kept.is_stale) == (b"1", True)
    runs = query.runs
    again = await caches[0].get(KIND, "key", query)
    assert (again.is_stale, query.runs) == (True, runs)
    query.fails = False
    clock.move(10)
    assert body(await caches[0].get(KIND, "key", query)) == b"%d" % query.runs


async def test_without_the_database_what_was_never_made_is_an_error(
    caches: list[HistoryCache], query: Query
) -> None:
    """It becomes 503, for all who wait."""
    query.fails = True
    answers = await asyncio.gather(
        *(caches[0].get(KIND, "key", query) for _ in range(5)), return_exceptions=True
    )
    assert all(isinstance(answer, psycopg.OperationalError) for answer in answers)


async def test_without_the_broker_memory_serves(clock: MovingClock, query: Query) -> None:
    """Each replica makes its own answers meanwhile."""
    redis = Redis(port=free_ports(1)[0], socket_connect_timeout=0.2)
    cache = HistoryCache(redis, clock, 1_000_000)
    for _ in range(3):
        assert body(await cache.get(KIND, "key", query)) == b"1"
    await cache.close()
    await redis.aclose()


async def test_a_client_that_goes_away_takes_the_answer_from_nobody(
    caches: list[HistoryCache], query: Query
) -> None:
    """The query goes on for those who still wait."""
    query.gate.clear()
    leaving = asyncio.create_task(caches[0].get(KIND, "key", query))
    staying = asyncio.create_task(caches[0].get(KIND, "key", query))
    await wait_until(lambda: _has_run(query, 1), 5, "the query")
    leaving.cancel()
    query.gate.set()
    assert body(await staying) == b"1"
    assert query.runs == 1


async def test_memory_holds_no_more_than_it_may(redis: Redis, clock: MovingClock) -> None:
    """What was asked for last stays; the rest is in the broker."""
    cache = HistoryCache(redis, clock, 50_000)
    runs = 0

    async def make() -> PreparedAnswer:
        nonlocal runs
        runs += 1
        return PreparedAnswer.of(b"x" * 10_000, clock.now())

    for index in range(20):
        await cache.get(KIND, f"key {index}", make)
    assert runs == 20
    await redis.flushdb()
    await cache.get(KIND, "key 19", make)
    assert runs == 20
    await cache.get(KIND, "key 0", make)
    assert runs == 21
    await cache.close()


def test_what_the_broker_keeps_is_what_was_made() -> None:
    """Body, validators, link and times survive."""
    ready = PreparedAnswer.of(b'{"a":\n1}', START, link='</next>; rel="next"')
    kept = Kept(ready, START + timedelta(seconds=1))
    assert Kept.decode(kept.encode()) == kept
    missing = Kept(None, START)
    assert Kept.decode(missing.encode()) == missing
