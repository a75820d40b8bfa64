"""ingest_iss answers for any place: passes and the ground track, and says from which elements."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from faststream.redis import RedisBroker

from libs.common.broker import create_broker
from libs.common.clock import SYSTEM_CLOCK, Clock
from libs.common.questions import (
    PassesAnswer,
    PassesQuestion,
    Question,
    TrackAnswer,
    TrackQuestion,
)
from libs.common.requests import ReplyStatus, RequestRefusedError, ask
from libs.common.runtime import Runtime
from libs.common.topology import COMMANDS_ISS_PASSES, COMMANDS_ISS_TRACK
from services.ingest_iss.bootstrap import bootstrap
from services.ingest_iss.orbit import position_at
from services.ingest_iss.providers.shipped import shipped_elements
from services.ingest_iss.settings import IngestIssSettings
from tests.clocks import WrongClock

NOBODY = "http://127.0.0.1:9"
PATIENCE_S = 30.0
START = shipped_elements().epoch


@asynccontextmanager
async def answering_broker(
    valkey_url: str, clock: Clock = SYSTEM_CLOCK
) -> AsyncIterator[RedisBroker]:
    """A broker to ask over, with a service behind it that has no network."""
    runtime = Runtime()
    settings = IngestIssSettings(
        redis_url=valkey_url,
        CASSIOPEIA_WHERETHEISS_URL=NOBODY,
        celestrak_url=NOBODY,
    )
    made = create_broker(valkey_url, "asker")
    async with made, bootstrap(settings, runtime, clock):
        runtime.started()
        try:
            yield made
        finally:
            runtime.stop.set()
    await runtime.finish()
    assert runtime.failure is None


@pytest.fixture
async def broker(valkey_url: str) -> AsyncIterator[RedisBroker]:
    """The same, by the machine's clock."""
    async with answering_broker(valkey_url) as made:
        yield made


async def test_passes_of_ten_days(broker: RedisBroker) -> None:
    """They come with the elements' epoch and age."""
    question = PassesQuestion(latitude_deg=55.7558, longitude_deg=37.6176, start=START)
    answer = await ask(broker, COMMANDS_ISS_PASSES, question, PassesAnswer, timeout_s=PATIENCE_S)
    assert answer.start == START
    assert answer.end == START + timedelta(days=10)
    assert len(answer.passes) > 20
    assert answer.elements.epoch == START
    assert answer.elements.age_s == timedelta(days=10).total_seconds()
    assert answer.elements.trusted is True


async def test_ground_track(broker: RedisBroker) -> None:
    """Each step has a point, where the orbit model has the station."""
    question = TrackQuestion(start=START.replace(microsecond=0), duration_s=5_400, step_s=60)
    answer = await ask(broker, COMMANDS_ISS_TRACK, question, TrackAnswer, timeout_s=PATIENCE_S)
    assert len(answer.points) == 91
    for index, point in enumerate(answer.points):
        state = position_at(
            shipped_elements(), START.replace(microsecond=0) + timedelta(minutes=index)
        )
        assert point.time == state.time
        assert point.latitude_deg == pytest.approx(state.latitude_deg, abs=1e-4)
        assert point.longitude_deg == pytest.approx(state.longitude_deg, abs=1e-4)
        assert point.sunlit == (state.visibility == "daylight")


class Anything(Question):
    """A question with fields that the station's desk does not allow."""

    latitude_deg: float = 0.0
    longitude_deg: float = 0.0
    days: float = 1.0
    min_elevation_deg: float = 10.0


@pytest.mark.parametrize(
    "fields",
    [
        {"latitude_deg": 91},
        {"longitude_deg": 181},
        {"days": 11},
        {"days": 0},
        {"min_elevation_deg": 90},
    ],
)
async def test_a_wrong_question_is_refused(broker: RedisBroker, fields: dict[str, float]) -> None:
    """The reason names the field."""
    with pytest.raises(RequestRefusedError, match=next(iter(fields))) as caught:
        await ask(
            broker, COMMANDS_ISS_PASSES, Anything(**fields), PassesAnswer, timeout_s=PATIENCE_S
        )
    assert caught.value.status is ReplyStatus.INVALID


# Days from the epoch to the start of a window of ten days, its age in days, whether to trust it.
WINDOWS = [
    (0, 10, True),
    (19, 29, True),
    (21, 31, False),
    (-29, -29, True),
    (-31, -31, False),
    # The end is further away here, from which the elements lie in between.
    (-4, 6, True),
    (356, 366, False),
    (-365, -365, False),
]


@pytest.mark.parametrize(("days", "age_days", "trusted"), WINDOWS)
async def test_elements_age_with_the_distance_of_the_window(
    broker: RedisBroker,
    days: float,
    age_days: float,
    trusted: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """From the epoch to the further end of what was asked for; what is too old is not trusted."""
    start = START + timedelta(days=days)
    passes = await ask(
        broker,
        COMMANDS_ISS_PASSES,
        PassesQuestion(latitude_deg=0, longitude_deg=0, start=start, days=10),
        PassesAnswer,
        timeout_s=PATIENCE_S,
    )
    track = await ask(
        broker,
        COMMANDS_ISS_TRACK,
        TrackQuestion(start=start, duration_s=864_000, step_s=86_400),
        TrackAnswer,
        timeout_s=PATIENCE_S,
    )
    for elements in (passes.elements, track.elements):
        assert elements.age_s == pytest.approx(timedelta(days=age_days).total_seconds(), abs=1)
        assert elements.trusted is trusted


@pytest.mark.parametrize(
    "start",
    [
        # The years before the epoch at which SGP4 goes on without an error, to anywhere.
        datetime(1960, 1, 1, tzinfo=UTC),
        datetime(1990, 1, 1, tzinfo=UTC),
        START - timedelta(days=367),
        # Its last day is too far.
        START + timedelta(days=357),
        datetime(2100, 1, 1, tzinfo=UTC),
    ],
)
async def test_a_time_that_the_elements_say_nothing_of_is_refused(
    broker: RedisBroker, start: datetime
) -> None:
    """Asking again does not help, another time does."""
    passes = PassesQuestion(latitude_deg=0, longitude_deg=0, start=start)
    track = TrackQuestion(start=start, duration_s=864_000, step_s=86_400)
    for stream, question, answer in (
        (COMMANDS_ISS_PASSES, passes, PassesAnswer),
        (COMMANDS_ISS_TRACK, track, TrackAnswer),
    ):
        with pytest.raises(RequestRefusedError, match=r"^start: .* elements are of") as caught:
            await ask(broker, stream, question, answer, timeout_s=PATIENCE_S)
        assert caught.value.status is ReplyStatus.INVALID


async def test_without_elements_of_this_time_nobody_has_asked_wrongly(valkey_url: str) -> None:
    """On a machine that is years behind, the present is not there to be asked for: later it is."""
    clock = WrongClock(timedelta(days=3 * 366))
    async with answering_broker(valkey_url, clock) as broker:
        with pytest.raises(RequestRefusedError, match="elements are of") as caught:
            await ask(
                broker,
                COMMANDS_ISS_TRACK,
                TrackQuestion(),
                TrackAnswer,
                timeout_s=PATIENCE_S,
                clock=clock,
            )
    assert caught.value.status is ReplyStatus.UNAVAILABLE
