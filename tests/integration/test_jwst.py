"""ingest_jwst end to end: archives, stream, table; trouble, and its end."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from pydantic import HttpUrl, SecretStr
from redis.asyncio import Redis

from libs.common.polling.source_state import SourceState
from libs.common.topology import EVENTS_DEAD
from services.ingest_jwst.providers.shipped import shipped_images
from tests.integration.jwst import Clock, poll_once, published, settings, stored
from tests.upstreams.faults import Fault
from tests.upstreams.jwstapi import KEY, JwstApi, file_stem
from tests.upstreams.mast import Mast, mjd
from tests.upstreams.server import running

DAY_S = 86_400
KEYED = {"jwstapi_key": SecretStr(KEY)}


@pytest.fixture
def clock() -> Clock:
    """Give a clock that a test may move."""
    return Clock()


@pytest_asyncio.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    """Give a client of an empty Valkey."""
    client = Redis.from_url(valkey_url)
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def mast(clock: Clock) -> AsyncIterator[Mast]:
    """Give an archive with 200 days of releases, beyond what one poll reads."""
    async with running(Mast(clock=clock.unix, enforce_limits=True)) as simulator:
        yield simulator


@pytest_asyncio.fixture
async def jwstapi(clock: Clock) -> AsyncIterator[JwstApi]:
    """Give the other archive."""
    async with running(JwstApi(clock=clock.unix, enforce_limits=True)) as simulator:
        yield simulator


async def test_everything_public_is_stored_and_nothing_twice(
    valkey_url: str, database_url: str, redis: Redis, mast: Mast, clock: Clock
) -> None:
    """Two polls read the whole history, newest first; the rows are what the archive holds."""
    chosen = settings(valkey_url, mast_url=HttpUrl(mast.url))
    status = await poll_once(redis, chosen, clock)
    assert (status.state, status.provider, status.origin) == (SourceState.OK, "mast", "live")
    first = await published(redis)
    assert first[0].time > clock.now() - timedelta(days=31)
    assert len(first) < len(mast.public_rows())
    for _ in range(3):
        status = await poll_once(redis, chosen, clock)
    events = await published(redis)
    rows = await stored(database_url, events)
    expected = {_stem(row): row for row in mast.public_rows()}
    assert rows.keys() == expected.keys()
    assert len(events) == len(expected)
    for image_id, row in expected.items():
        _assert_same(rows[image_id], row)
    assert status.content_time == max(event.time for event in events)
    assert mast.log.violations == 0
    for _ in range(2):
        await poll_once(redis, chosen, clock)
    assert len(await published(redis)) == len(events)


async def test_what_changed_is_published_again(
    valkey_url: str, database_url: str, redis: Redis, mast: Mast, clock: Clock
) -> None:
    """A new release is one event, and the row of a revised one is replaced."""
    chosen = settings(valkey_url, mast_url=HttpUrl(mast.url), jwst_history_days=30.0)
    await poll_once(redis, chosen, clock)
    before = await published(redis)
    revised = mast.public_rows()[0]["obs_id"]
    honest = mast.row

    def row(index: int) -> dict[str, Any]:
        found = honest(index)
        return found | {"t_exptime": 1.5} if found["obs_id"] == revised else found

    mast.row = row  # type: ignore[method-assign]
    await poll_once(redis, chosen, clock)
    (news,) = (await published(redis))[len(before) :]
    assert news.subject == _stem(mast.public_rows()[0])
    rows = await stored(database_url, await published(redis))
    assert rows[news.subject]["exposure_s"] == 1.5
    assert len(rows) == len(before)


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (Fault.ERROR_500, SourceState.FAILING),
        (Fault.TOO_MANY_429, SourceState.BLOCKED),
        (Fault.TOO_MANY_429_RETRY_AFTER, SourceState.BLOCKED),
        (Fault.FORBIDDEN_403, SourceState.BLOCKED),
        (Fault.HTML_200, SourceState.FAILING),
        (Fault.ERROR_OBJECT_200, SourceState.FAILING),
        (Fault.TRUNCATED_JSON, SourceState.FAILING),
        (Fault.HUGE_BODY, SourceState.FAILING),
        (Fault.HUGE_BODY_GZIP, SourceState.FAILING),
        (Fault.HANG, SourceState.FAILING),
        (Fault.SLOW_BODY, SourceState.FAILING),
        (Fault.RESET, SourceState.FAILING),
        (Fault.MISSING_KEYS, SourceState.FAILING),
        (Fault.NULL_VALUES, SourceState.FAILING),
    ],
)
async def test_trouble_keeps_what_is_known(
    valkey_url: str, redis: Redis, mast: Mast, clock: Clock, fault: Fault, state: SourceState
) -> None:
    """The state tells the trouble, the last good data and their giver stay, and it ends."""
    mast.retry_after_s = 1
    chosen = settings(
        valkey_url,
        mast_url=HttpUrl(mast.url),
        jwst_history_days=30.0,
        jwst_timeout_seconds=0.4 if fault in (Fault.HANG, Fault.SLOW_BODY) else 5.0,
    )
    good = await poll_once(redis, chosen, clock)
    events = await published(redis)
    mast.fault = fault
    bad = await poll_once(redis, chosen, clock)
    assert bad.state is state
    assert bad.reason
    assert (bad.provider, bad.origin, bad.last_live) == ("mast", "live", good.last_live)
    assert await published(redis) == events
    mast.fault = None
    await redis.delete("cassiopeia:upstream:{mast}:blocked")
    recovered = await poll_once(redis, chosen, clock)
    assert (recovered.state, recovered.reason) == (SourceState.OK, None)


async def test_an_archive_that_stands_still_is_frozen(
    valkey_url: str, redis: Redis, mast: Mast, clock: Clock
) -> None:
    """After a month without a release the source says so, however well it answers."""
    chosen = settings(valkey_url, mast_url=HttpUrl(mast.url), jwst_history_days=40.0)
    newest = (await poll_once(redis, chosen, clock)).content_time
    clock.ahead += timedelta(days=31)
    status = await poll_once(redis, chosen, clock)
    assert status.state is SourceState.FROZEN
    assert status.content_time == newest


async def test_a_machine_without_network_shows_the_snapshot_until_there_is_better(
    valkey_url: str, database_url: str, redis: Redis, mast: Mast, clock: Clock
) -> None:
    """The shipped images come once, say what they are, and leave the gallery for live ones."""
    chosen = settings(valkey_url)
    status = await poll_once(redis, chosen, clock)
    assert (status.state, status.origin) == (SourceState.FAILING, "snapshot")
    await poll_once(redis, chosen, clock)
    events = await published(redis)
    assert events == shipped_images()
    gallery = await stored(database_url, events, "jwst_gallery")
    assert {row["origin"] for row in gallery.values()} == {"snapshot"}
    assert {row["upstream_body"] for row in gallery.values()} == {None}
    status = await poll_once(redis, settings(valkey_url, mast_url=HttpUrl(mast.url)), clock)
    assert (status.state, status.origin) == (SourceState.OK, "live")
    gallery = await stored(database_url, await published(redis), "jwst_gallery")
    assert gallery
    assert {row["origin"] for row in gallery.values()} == {"live"}


async def test_one_broken_row_is_kept_apart(
    valkey_url: str, redis: Redis, mast: Mast, clock: Clock
) -> None:
    """It goes to the dead letters with its reason, once; the rest of the page is taken."""
    honest = mast.row
    mast.row = lambda index: honest(index) | ({"t_min": "yesterday"} if index == 3 else {})  # type: ignore[method-assign]
    chosen = settings(valkey_url, mast_url=HttpUrl(mast.url), jwst_history_days=30.0)
    for _ in range(2):
        assert (await poll_once(redis, chosen, clock)).state is SourceState.OK
    broken = _stem(honest(3))
    subjects = {event.subject for event in await published(redis)}
    assert broken not in subjects
    assert _stem(honest(2)) in subjects
    letters: Any = await redis.xrange(EVENTS_DEAD.key)
    assert [(fields[b"source"], fields[b"reason"][:6]) for _, fields in letters] == [
        (b"jwst", b"t_min:")
    ]
    assert honest(3)["obs_id"].encode() in letters[0][1][b"body"]


async def test_with_a_key_jwstapi_is_preferred(
    valkey_url: str, database_url: str, redis: Redis, jwstapi: JwstApi, clock: Clock
) -> None:
    """All its pictures are stored, page after page, and the second round publishes nothing."""
    chosen = settings(valkey_url, jwstapi_url=HttpUrl(jwstapi.url), **KEYED)
    status = await poll_once(redis, chosen, clock)
    assert (status.state, status.provider) == (SourceState.OK, "jwstapi.com")
    rows = await stored(database_url, await published(redis))
    assert rows.keys() == {file_stem(index) for index in range(jwstapi.count)}
    assert {instrument for row in rows.values() for instrument in row["instruments"]} == {
        "NIRCam",
        "MIRI",
        "NIRSpec",
        "NIRISS",
        "FGS",
    }
    assert all(row["upstream_body"]["id"] == f"{stem}.jpg" for stem, row in rows.items())
    assert jwstapi.log.violations == 0
    await poll_once(redis, chosen, clock)
    assert len(await published(redis)) == jwstapi.count


@pytest.mark.parametrize("in_envelope", [False, True])
async def test_a_refused_key_makes_mast_stand_in_and_is_written_nowhere(
    valkey_url: str,
    redis: Redis,
    mast: Mast,
    jwstapi: JwstApi,
    clock: Clock,
    in_envelope: bool,  # noqa: FBT001 - the parameter of the test
) -> None:
    """The source says that it is blocked; the key, which the archive echoes, is in no place."""
    secret = "wrong-key-0815-4711"
    jwstapi.key = secret if in_envelope else KEY
    jwstapi.envelope_status = 403 if in_envelope else None
    chosen = settings(
        valkey_url,
        jwstapi_url=HttpUrl(jwstapi.url),
        mast_url=HttpUrl(mast.url),
        jwstapi_key=SecretStr(secret),
        jwst_history_days=30.0,
    )
    status = await poll_once(redis, chosen, clock)
    assert (status.state, status.provider) == (SourceState.BLOCKED, "mast")
    assert status.reason
    assert "***" in status.reason
    assert await published(redis)
    assert secret.encode() not in await _everything(redis)


async def test_without_a_key_nothing_is_missing(
    valkey_url: str, redis: Redis, mast: Mast, jwstapi: JwstApi, clock: Clock
) -> None:
    """jwstapi.com is not called, and the source is well."""
    chosen = settings(
        valkey_url,
        jwstapi_url=HttpUrl(jwstapi.url),
        mast_url=HttpUrl(mast.url),
        jwst_history_days=30.0,
    )
    assert (await poll_once(redis, chosen, clock)).state is SourceState.OK
    assert jwstapi.calls == 0


def _stem(row: dict[str, Any]) -> str:
    suffix = "_s3d" if row["dataproduct_type"] == "cube" else "_i2d"
    return f"{row['obs_id']}{suffix}"


def _assert_same(stored_row: dict[str, Any], row: dict[str, Any]) -> None:
    assert stored_row["program"] == int(row["proposal_id"])
    assert stored_row["target"] == row["target_name"]
    assert stored_row["exposure_s"] == row["t_exptime"]
    assert stored_row["ra_deg"] == row["s_ra"]
    assert stored_row["dec_deg"] == row["s_dec"]
    assert stored_row["wavelength_max_nm"] == row["em_max"]
    assert stored_row["archive_id"] == str(row["obsid"])
    assert stored_row["title"] == f"Survey & deep imaging {row['proposal_id']}"
    assert stored_row["product_type"] == row["dataproduct_type"]
    assert stored_row["instruments"][0].upper() == row["instrument_name"].partition("/")[0]
    if row["filters"]:
        wanted = [name for name in row["filters"].split(";") if name != "CLEAR"]
        assert stored_row["filters"] == wanted
    _assert_time(stored_row["released_at"], row["t_obs_release"])
    _assert_time(stored_row["observed_from"], row["t_min"])
    assert stored_row["time"] == stored_row["released_at"]
    assert stored_row["image_url"].endswith(f"uri=mast:JWST/product/{_stem(row)}.jpg")
    assert stored_row["data_url"].endswith(f"uri={row['dataURL']}")
    assert stored_row["origin"] == "live"
    # MAST left out what was null in all rows of the page.
    assert stored_row["upstream_body"].items() <= row.items()
    assert {key for key, value in row.items() if value is not None} <= set(
        stored_row["upstream_body"]
    )


def _assert_time(moment: datetime, as_mjd: float) -> None:
    assert mjd(moment.timestamp()) == pytest.approx(as_mjd, abs=1 / DAY_S)


async def _everything(redis: Redis) -> bytes:
    """Return all that is in the broker."""
    found = b""
    async for key in redis.scan_iter():
        found += key + (await redis.dump(key) or b"")
        kind = await redis.type(key)
        values: Any = b""
        match kind:
            case b"stream":
                values = await redis.xrange(key)
            case b"hash":
                values = await redis.hgetall(key)
            case b"string":
                values = await redis.get(key)
        found += repr(values).encode()
    return found
