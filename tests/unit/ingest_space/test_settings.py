"""The settings of ingest_space."""

import pytest

from libs.common.errors import ConfigurationError
from libs.common.settings import load_settings
from services.ingest_space.providers.launchlibrary import LIMITS, MAX_PAGES
from services.ingest_space.providers.nasa import DEMO_LIMITS
from services.ingest_space.settings import IngestSpaceSettings

_DAY_S = 86_400


def test_the_default_periods_fit_what_everybody_may_call() -> None:
    """A day of polls makes at most the 50 calls of DEMO_KEY, an hour of launches at most 15."""
    settings = IngestSpaceSettings()
    calls = (
        # The day before is a second call.
        2 * _DAY_S / settings.apod_poll_seconds
        + _DAY_S / settings.neo_poll_seconds
        + 2 * _DAY_S / settings.donki_poll_seconds
    )
    assert calls == 44
    assert calls <= DEMO_LIMITS[1].calls
    assert MAX_PAGES * 3_600 / settings.launches_poll_seconds <= LIMITS[0].calls


@pytest.mark.parametrize(("key", "own"), [("", False), ("DEMO_KEY", False), ("a1b2c3d4", True)])
def test_which_key_is_ones_own(monkeypatch: pytest.MonkeyPatch, key: str, *, own: bool) -> None:
    """An empty variable, as compose files pass it on, and DEMO_KEY are none."""
    monkeypatch.setenv("CASSIOPEIA_NASA_API_KEY", key)
    assert load_settings(IngestSpaceSettings).has_nasa_key is own


def test_the_names_of_the_earlier_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their variables for the key and the periods are understood."""
    monkeypatch.setenv("NASA_API_KEY", "a1b2c3d4")
    for variable in ("APOD", "NEO", "DONKI", "SPACEX"):
        monkeypatch.setenv(f"{variable}_EVERY_SECONDS", "4000")
    settings = load_settings(IngestSpaceSettings)
    assert settings.nasa_api_key.get_secret_value() == "a1b2c3d4"
    assert settings.apod_poll_seconds == settings.neo_poll_seconds == 4_000
    assert settings.donki_poll_seconds == settings.launches_poll_seconds == 4_000


@pytest.mark.parametrize(
    "variable", ["CASSIOPEIA_NASA_API_KEY", "NASA_API_KEY", "CASSIOPEIA_LAUNCHLIBRARY_TOKEN"]
)
def test_a_key_that_fits_no_header(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """It is refused at the start, by name, and is not shown."""
    monkeypatch.setenv(variable, "secret\nX-Other: 1")
    with pytest.raises(ConfigurationError, match=rf"^{variable}=\*\*\*: expected printable ASCII"):
        load_settings(IngestSpaceSettings)
