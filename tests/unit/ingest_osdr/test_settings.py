"""The settings of the earlier systems are understood."""

import pytest

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
