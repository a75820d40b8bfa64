"""The providers of both sources: each asks what it should, and says where its data come from."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from libs.common.broker import connect
from libs.common.clock import SystemClock
from libs.common.errors import (
    AccessRefusedError,
    BodyRejectedError,
    NotUpdatedError,
    StaleContentError,
    UpstreamError,
)
from libs.common.events import IssElementsEvent, IssPositionEvent, Origin, Provenance
from libs.common.polling.budget import Budget
from libs.common.polling.fence import Fence
from libs.common.polling.published import LastAnswer, Published
from libs.common.upstream.client import ClientOptions, UpstreamClient
from services.ingest_iss.normalize import position_event
from services.ingest_iss.providers import celestrak, wheretheiss
from services.ingest_iss.providers.celestrak import Celestrak
from services.ingest_iss.providers.computed import ComputedPosition, newest_elements
from services.ingest_iss.providers.shipped import ShippedElements, shipped_elements
from services.ingest_iss.providers.wheretheiss import WhereTheIss
from tests.clocks import MovingClock
from tests.factories import START, elements_event
from tests.factories import position_event as any_position
from tests.upstreams import elements as simulated
from tests.upstreams.celestrak import Celestrak as CelestrakSimulator
from tests.upstreams.faults import Fault
from tests.upstreams.server import running
from tests.upstreams.wheretheiss import WhereTheIss as WhereTheIssSimulator

TEN_SECONDS = timedelta(seconds=10)
MONTH = timedelta(days=30)


@pytest_asyncio.fixture
async def broker_client(valkey_url: str) -> AsyncIterator[Redis]:
    """Give a client of an empty broker."""
    async with connect(valkey_url, "test") as client:
        yield client


@pytest_asyncio.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Give an HTTP client."""
    async with aiohttp.ClientSession() as client:
        yield client


@pytest.fixture
def known(broker_client: Redis) -> LastAnswer:
    """Give the elements that are known, which are none."""
    return LastAnswer(broker_client, "iss_elements")


@pytest.fixture
def fence(broker_client: Redis) -> Fence:
    """Give what the elements are kept behind."""
    return Fence(broker_client, "iss_elements")


def client_of(
    url: str, session: aiohttp.ClientSession, redis: Redis, name: str = "demo"
) -> UpstreamClient:
    """Return the client of an upstream with the real limits."""
    limits = celestrak.LIMITS if name == "celestrak" else wheretheiss.LIMITS
    return UpstreamClient(
        session,
        base_url=url,
        budget=Budget(redis, upstream=name, limits=limits),
        options=ClientOptions(timeout_s=5),
        clock=SystemClock(),
    )


async def test_wheretheiss_is_asked_for_kilometres(
    broker_client: Redis, session: aiohttp.ClientSession
) -> None:
    """One call for the one satellite, with the unit named; its answer is a live position."""
    async with running(WhereTheIssSimulator()) as simulator:
        provider = WhereTheIss(client_of(simulator.url, session, broker_client), TEN_SECONDS)
        (event,) = (await provider.poll()).events
        (call,) = simulator.log.calls
        assert (call.path, call.query) == ("/satellites/25544", "units=kilometers")
        assert isinstance(event, IssPositionEvent)
        assert (event.provider, event.origin) == (provider.name, Origin.LIVE)
        assert event.data.source_url == f"{simulator.url}/satellites/25544"
        assert event.data.elements_epoch is None


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(Fault.STALE, StaleContentError), (Fault.NULL_VALUES, BodyRejectedError)],
    ids=str,
)
async def test_a_wrong_position_is_no_position(
    broker_client: Redis,
    session: aiohttp.ClientSession,
    fault: Fault,
    kind: type[UpstreamError],
) -> None:
    """What the normalizer refuses is stale content, or a rejected body with its bytes."""
    async with running(WhereTheIssSimulator()) as simulator:
        simulator.fault = fault
        provider = WhereTheIss(client_of(simulator.url, session, broker_client), TEN_SECONDS)
        with pytest.raises(kind) as caught:
            await provider.poll()
    if isinstance(caught.value, BodyRejectedError):
        assert caught.value.body.startswith(b'{"name":"iss"')


async def test_celestrak_is_asked_for_json(
    broker_client: Redis, session: aiohttp.ClientSession, known: LastAnswer
) -> None:
    """One call for the one satellite in JSON; its answer is the live set of elements."""
    async with running(CelestrakSimulator()) as simulator:
        client = client_of(simulator.url, session, broker_client, "celestrak")
        (event,) = (await Celestrak(client, known).poll()).events
        (call,) = simulator.log.calls
        assert (call.path, call.query) == ("/NORAD/elements/gp.php", "CATNR=25544&FORMAT=JSON")
    assert isinstance(event, IssElementsEvent)
    assert (event.provider, event.origin) == ("celestrak", Origin.LIVE)
    assert event.data.epoch.timestamp() == pytest.approx(simulator.epoch, abs=1)
    assert event.data.upstream_body == simulated.omm(simulator.epoch)


@pytest.mark.parametrize("fault", [None, Fault.NOT_UPDATED_403, Fault.NOT_UPDATED_200], ids=str)
async def test_celestraks_prose_means_keep_what_you_have(
    broker_client: Redis,
    session: aiohttp.ClientSession,
    known: LastAnswer,
    fence: Fence,
    fault: Fault | None,
) -> None:
    """A second download before its time, and the prose under either status, is no error."""
    async with running(CelestrakSimulator()) as simulator:
        client = client_of(simulator.url, session, broker_client, "celestrak")
        provider = Celestrak(client, known)
        await known.save((await provider.poll()).events, fence)
        simulator.fault = fault
        with pytest.raises(NotUpdatedError):
            await provider.poll()
        assert len(simulator.downloads) == 1


@pytest.mark.parametrize("fault", [Fault.NOT_UPDATED_403, Fault.NOT_UPDATED_200], ids=str)
async def test_who_has_nothing_cannot_keep_it(
    broker_client: Redis,
    session: aiohttp.ClientSession,
    known: LastAnswer,
    fence: Fence,
    fault: Fault,
) -> None:
    """Where no elements of Celestrak are known, and the shipped ones are not, it is a refusal."""
    (shipped,) = (await ShippedElements(known, MovingClock()).poll()).events
    async with running(CelestrakSimulator()) as simulator:
        simulator.fault = fault
        client = client_of(simulator.url, session, broker_client, "celestrak")
        for events in ([], [shipped]):
            await known.save(events, fence)
            with pytest.raises(AccessRefusedError, match="which is not known here"):
                await Celestrak(client, known).poll()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(Fault.FORBIDDEN_403, AccessRefusedError), (Fault.HTML_200, BodyRejectedError)],
    ids=str,
)
async def test_celestraks_refusal_is_a_refusal(
    broker_client: Redis,
    session: aiohttp.ClientSession,
    known: LastAnswer,
    fault: Fault,
    kind: type[UpstreamError],
) -> None:
    """A 403 and a page without that prose stay what they are."""
    async with running(CelestrakSimulator()) as simulator:
        simulator.fault = fault
        client = client_of(simulator.url, session, broker_client, "celestrak")
        with pytest.raises(kind):
            await Celestrak(client, known).poll()


async def test_a_position_is_computed_from_the_newest_elements(
    known: LastAnswer, fence: Fence
) -> None:
    """The position is that of the present whole second, with its elements' epoch and age."""
    newer = elements_event(epoch=shipped_elements().epoch + timedelta(days=1))
    await known.save([newer], fence)
    now = newer.time.replace(microsecond=700_000) + timedelta(hours=3)
    (event,) = (await ComputedPosition(known, MONTH, MovingClock(now)).poll()).events
    assert isinstance(event, IssPositionEvent)
    assert (event.provider, event.origin) == ("sgp4", Origin.COMPUTED)
    assert (event.time, event.fetchedat) == (now.replace(microsecond=0), now)
    assert event.data.source_url == "computed:sgp4"
    assert event.data.elements_epoch == newer.data.epoch
    assert event.data.elements_age_s == (event.time - newer.data.epoch).total_seconds()
    assert event.data.elements_trusted is True


@pytest.mark.parametrize(
    ("days", "trusted"), [(0, True), (29.9, True), (30.1, False), (300, False)]
)
async def test_old_elements_are_used_and_not_trusted(
    known: LastAnswer,
    days: float,
    trusted: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Elements older than the limit still give a position, which says not to trust it."""
    clock = MovingClock(shipped_elements().epoch + timedelta(days=days, seconds=1))
    (event,) = (await ComputedPosition(known, MONTH, clock).poll()).events
    assert isinstance(event, IssPositionEvent)
    assert event.data.elements_trusted is trusted
    assert event.data.elements_age_s == pytest.approx(days * 86_400, abs=2)


async def test_elements_of_the_future_are_not_trusted_either(known: LastAnswer) -> None:
    """The distance to the epoch counts on both sides."""
    clock = MovingClock(shipped_elements().epoch - timedelta(days=31))
    (event,) = (await ComputedPosition(known, MONTH, clock).poll()).events
    assert isinstance(event, IssPositionEvent)
    assert event.data.elements_trusted is False
    assert event.data.elements_age_s is not None
    assert event.data.elements_age_s < 0


async def test_a_computed_body_reads_like_the_upstreams(known: LastAnswer) -> None:
    """The body that old clients get of a computed position is one that the normalizer takes."""
    clock = MovingClock(shipped_elements().epoch + timedelta(hours=1))
    (event,) = (await ComputedPosition(known, MONTH, clock).poll()).events
    assert isinstance(event, IssPositionEvent)
    again = position_event(
        event.data.upstream_body,
        Provenance("sgp4", Origin.COMPUTED, clock.now()),
        source_url="computed:sgp4",
        stale_after=TEN_SECONDS,
    )
    assert again.id == event.id
    assert (
        again.data.model_copy(
            update={
                field: getattr(event.data, field)
                for field in ("elements_epoch", "elements_age_s", "elements_trusted")
            }
        )
        == event.data
    )


async def test_elements_that_decay_are_an_error_of_the_provider(
    known: LastAnswer, fence: Fence
) -> None:
    """Elements that SGP4 cannot carry that far make an error that a poller understands."""
    falling = elements_event(
        epoch=shipped_elements().epoch + timedelta(days=1),
        mean_motion_rev_per_day=16.9,
        mean_motion_dot=0.5,
        bstar=0.5,
    )
    await known.save([falling], fence)
    clock = MovingClock(falling.time + timedelta(days=60))
    with pytest.raises(UpstreamError):
        await ComputedPosition(known, MONTH, clock).poll()


@pytest.mark.parametrize("year", [1970, 1990])
async def test_a_clock_that_is_decades_off_makes_no_position(known: LastAnswer, year: int) -> None:
    """SGP4 sees no fault in a place that no station can have; the poller is told of one."""
    clock = MovingClock(datetime(year, 1, 1, tzinfo=UTC))
    with pytest.raises(UpstreamError, match="km high"):
        await ComputedPosition(known, MONTH, clock).poll()


def test_the_newest_elements_are_chosen_by_their_epoch() -> None:
    """Newer ones from anywhere go before the shipped ones, older ones do not."""
    shipped = shipped_elements()
    newer = elements_event(epoch=shipped.epoch + timedelta(hours=1))
    older = elements_event(epoch=shipped.epoch - timedelta(hours=1))
    assert newest_elements([older, newer, any_position()]) == newer.data
    assert newest_elements([older]) == shipped
    assert newest_elements([]) == shipped


async def test_shipped_elements_are_given_once(known: LastAnswer, fence: Fence) -> None:
    """They are a snapshot for a machine that knows none; who knows any does not get them."""
    provider = ShippedElements(known, MovingClock())
    (event,) = (await provider.poll()).events
    assert isinstance(event, IssElementsEvent)
    assert (event.provider, event.origin) == ("shipped", Origin.SNAPSHOT)
    assert event.data == shipped_elements()
    assert event.data.upstream_body is None
    await known.save([event], fence)
    with pytest.raises(NotUpdatedError):
        await provider.poll()


async def test_what_changed_is_found_by_content(
    known: LastAnswer, fence: Fence, valkey_url: str
) -> None:
    """The same elements again are no change, those of another set are, also when they return."""
    client = connect(valkey_url, "test")
    published = Published(client, "iss_elements")
    first, second = elements_event(0), elements_event(1)
    assert await published.is_empty()
    assert await published.changed([first]) == [first]
    await published.save([first], fence)
    assert not await published.is_empty()
    mirror = Provenance("mirror", Origin.SNAPSHOT, START)
    again = elements_event(0, provenance=mirror, upstream_body={"spelt": "otherwise"})
    assert await published.changed([again]) == []
    assert await published.changed([second]) == [second]
    await published.save([second], fence)
    assert await published.changed([first]) == [first]
    assert await published.changed([]) == []
    await known.save([first], fence)
    await known.save([second], fence)
    assert await known.load() == [second]
    await client.aclose()
