"""The settings of the earlier systems are understood."""

import pytest

from libs.common.errors import ConfigurationError
from libs.common.settings import load_settings
from services.ingest_osdr.settings import IngestOsdrSettings

BASE = "https://visualization.osdr.nasa.gov/biodata/api/v2"


@pytest.mark.parametrize(
    "url", [BASE, f"{BASE}/", f"{BASE}/datasets/?format=json", f"{BASE}/datasets?format=json"]
)
def test_the_address_of_the_listing_is_taken_as_the_base(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """The Rust collector was given the listing's own address."""
    monkeypatch.setenv("NASA_API_URL", url)
    monkeypatch.setenv("FETCH_EVERY_SECONDS", "600")
    settings = load_settings(IngestOsdrSettings)
    assert str(settings.osdr_url).rstrip("/") == BASE
    assert settings.osdr_poll_seconds == 600


def test_any_other_query_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would go with every call and every link is no base address."""
    monkeypatch.setenv("NASA_API_URL", f"{BASE}/datasets/?format=json&key=hunter2")
    with pytest.raises(ConfigurationError, match="expected a base address"):
        load_settings(IngestOsdrSettings)
