"""The setting that names the places."""

import pytest

from libs.common.events import AstroObserver
from services.ingest_astro.observers import MAX_OBSERVERS, parse_observers
from services.ingest_astro.settings import IngestAstroSettings


def test_places_are_read() -> None:
    """With and without elevation, with spaces, to four digits."""
    assert parse_observers(" Moscow:55.75581:37.6176, Paranal : -24.6272:-70.4042:2635 ,") == (
        AstroObserver(name="Moscow", latitude_deg=55.7558, longitude_deg=37.6176),
        AstroObserver(
            name="Paranal", latitude_deg=-24.6272, longitude_deg=-70.4042, elevation_m=2635.0
        ),
    )
    assert parse_observers("") == ()


@pytest.mark.parametrize(
    "text",
    [
        "Moscow",
        "Moscow:55.7558",
        "Moscow:north:east",
        "Moscow:91:0",
        "Moscow:0:181",
        "Moscow:nan:0",
        ":1:2",
        "A:1:2:3:4",
        "A:1:2:90000",
        "A:1:2,B:1:2",
        ",".join(f"P{n}:{n}:0" for n in range(MAX_OBSERVERS + 1)),
    ],
)
def test_what_is_no_list_of_places_is_refused(text: str) -> None:
    """The message says what was expected."""
    with pytest.raises(ValueError, match="expected"):
        parse_observers(text)


def test_without_settings_nothing_is_asked() -> None:
    """There is a place, and there are no credentials."""
    settings = IngestAstroSettings()
    assert [observer.name for observer in settings.observers] == ["Moscow"]
    assert not settings.has_credentials
