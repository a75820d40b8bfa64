"""ingest_astro answers for any place and window, while it keeps polling."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from faststream.redis import RedisBroker

from libs.common.broker import create_broker
from libs.common.events import AstroKind, AstroObserver
from libs.common.questions import AstroEventsAnswer, AstroEventsQuestion, Question
from libs.common.requests import ReplyStatus, RequestRefusedError, ask
from libs.common.topology import COMMANDS_ASTRO_EVENTS
from services.ingest_astro.computed.catalogue import events_for
from tests.integration.astro import World, astro_world

PATIENCE_S = 30.0
START = datetime(2026, 8, 1, tzinfo=UTC)


@pytest.fixture
async def broker(valkey_url: str) -> AsyncIterator[RedisBroker]:
    """A broker to ask over, with a service behind it."""
    made = create_broker(valkey_url, "asker")
    async with astro_world(valkey_url) as world, made, serving(world):
        yield made


def serving(world: World) -> Any:
    """Run the service without places of its own."""
    return world.service(astro_observers="")


async def answer(broker: RedisBroker, question: Question) -> AstroEventsAnswer:
    """Ask for events."""
    return await ask(
        broker, COMMANDS_ASTRO_EVENTS, question, AstroEventsAnswer, timeout_s=PATIENCE_S
    )


async def test_a_year_of_one_place(broker: RedisBroker) -> None:
    """Every event of every kind, as the computation gives them."""
    question = AstroEventsQuestion(
        latitude_deg=48.8566,
        longitude_deg=2.3522,
        start=START,
        end=START + timedelta(days=366),
    )
    place = AstroObserver(name="48.8566, 2.3522", latitude_deg=48.8566, longitude_deg=2.3522)
    given = await answer(broker, question)
    expected = events_for(place, question.start, question.end)
    assert [(h.time, h.event) for h in given.events] == [tuple(h) for h in expected]
    assert given.provider == "astronomy-engine"
    assert len(given.events) > 2_000


async def test_one_kind_for_the_whole_earth(broker: RedisBroker) -> None:
    """Without a place there are no local events."""
    question = AstroEventsQuestion(
        start=START,
        end=START + timedelta(days=31),
        kinds=frozenset({AstroKind.SOLAR_ECLIPSE, AstroKind.SUN_RISE_SET}),
    )
    given = await answer(broker, question)
    assert [(h.event.kind, h.event.observer) for h in given.events] == [
        (AstroKind.SOLAR_ECLIPSE, None)
    ]


class Anything(Question):
    """A question with fields that the desk does not allow."""

    latitude_deg: float | None = None
    longitude_deg: float | None = None
    start: str = "2026-01-01T00:00:00Z"
    end: str = "2026-02-01T00:00:00Z"
    kinds: list[str] | None = None


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"end": "2027-01-03T00:00:00Z"}, "366 days"),
        ({"end": "2025-01-01T00:00:00Z"}, "after start"),
        ({"start": "2026-01-01T00:00:00"}, "start"),
        ({"latitude_deg": 10.0}, "both or neither"),
        ({"latitude_deg": 91.0, "longitude_deg": 0.0}, "latitude_deg"),
        ({"kinds": ["comets"]}, "kinds"),
        ({"kinds": []}, "kinds"),
        ({"start": "1700-01-01T00:00:00Z", "end": "1700-02-01T00:00:00Z"}, "1900 to 2100"),
    ],
)
async def test_a_wrong_question_is_refused(
    broker: RedisBroker, fields: dict[str, Any], reason: str
) -> None:
    """The reason says what was expected."""
    with pytest.raises(RequestRefusedError, match=reason) as caught:
        await answer(broker, Anything(**fields))
    assert caught.value.status is ReplyStatus.INVALID
