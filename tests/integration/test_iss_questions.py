"""ingest_iss answers for any place: passes and the ground track, and says from which elements."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from faststream.redis import RedisBroker

from libs.common.broker import create_broker
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

NOBODY = "http://127.0.0.1:9"
PATIENCE_S = 30.0
START = shipped_elements().epoch


@pytest.fixture
async def broker(valkey_url: str) -> AsyncIterator[RedisBroker]:
    """A broker to ask over, with a service behind it that has no network."""
    runtime = Runtime()
    settings = IngestIssSettings(
        redis_url=valkey_url,
        CASSIOPEIA_WHERETHEISS_URL=NOBODY,
        celestrak_url=NOBODY,
    )
    made = create_broker(valkey_url, "asker")
    async with made, bootstrap(settings, runtime):
        runtime.started()
        try:
            yield made
        finally:
            runtime.stop.set()
    await runtime.finish()
    assert runtime.failure is None


async def test_passes_of_ten_days(broker: RedisBroker) -> None:
    """They come with the elements' epoch and age."""
    question = PassesQuestion(latitude_deg=55.7558, longitude_deg=37.6176, start=START)
    answer = await ask(broker, COMMANDS_ISS_PASSES, question, PassesAnswer, timeout_s=PATIENCE_S)
    assert answer.start == START
    assert answer.end == START + timedelta(days=10)
    assert len(answer.passes) > 20
    assert answer.elements.epoch == START
    assert answer.elements.age_s == pytest.approx(
        (datetime.now(UTC) - START).total_seconds(), abs=60
    )


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


async def test_a_time_that_the_elements_say_nothing_of_is_refused(broker: RedisBroker) -> None:
    """Decades ahead SGP4 has no position: asking again does not help, another time does."""
    far = START + timedelta(days=36_525)
    question = PassesQuestion(latitude_deg=0, longitude_deg=0, start=far, days=1)
    with pytest.raises(RequestRefusedError, match="SGP4") as caught:
        await ask(broker, COMMANDS_ISS_PASSES, question, PassesAnswer, timeout_s=PATIENCE_S)
    assert str(caught.value).startswith("start: ")
    assert caught.value.status is ReplyStatus.INVALID
