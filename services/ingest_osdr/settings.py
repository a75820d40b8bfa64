"""Settings of ingest_osdr."""

import re
from typing import Annotated

from pydantic import AliasChoices, Field, HttpUrl, field_validator

from libs.common.settings import Seconds, ServiceSettings, UpstreamUrl

_LISTING = re.compile(r"/datasets/?(\?format=json)?$")


class IngestOsdrSettings(ServiceSettings):
    """The settings of ingest_osdr; the second name of a variable is that of the earlier systems."""

    osdr_url: UpstreamUrl = Field(
        default=HttpUrl("https://visualization.osdr.nasa.gov/biodata/api/v2"),
        validation_alias=AliasChoices("CASSIOPEIA_OSDR_URL", "NASA_API_URL"),
        description="Base address of the biodata API.",
    )
    osdr_search_url: UpstreamUrl = Field(
        default=HttpUrl("https://osdr.nasa.gov/osdr/data"),
        description="Base address of the study API, which knows release dates.",
    )
    osdr_poll_seconds: Seconds = Field(
        # Studies are released a few times a month, and a crawl takes one call per study.
        default=21_600.0,
        validation_alias=AliasChoices("CASSIOPEIA_OSDR_POLL_SECONDS", "FETCH_EVERY_SECONDS"),
        description="Pause between two crawls of the catalogue.",
    )
    osdr_pause_seconds: Annotated[float, Field(ge=0, le=60)] = Field(
        # A crawl of 630 studies then takes five and a half minutes.
        default=0.5,
        description="Pause between two calls of a crawl.",
    )
    osdr_retry_seconds: Seconds = Field(
        # The upstream recovers slowly, and nobody waits for a catalogue.
        default=60.0,
        description="First pause after a failure; it doubles up to an hour.",
    )
    osdr_timeout_seconds: Annotated[float, Field(gt=0, le=120)] = Field(
        # The repository is slow, but not this slow for a single study. A part of a crawl starts
        # calls for five seconds, so it takes 30 s at most.
        default=25.0,
        description="How long the repository may take to answer.",
    )

    @field_validator("osdr_url", mode="before")
    @classmethod
    def _without_listing(cls, url: object) -> object:
        """Reduce the address of the listing, which the earlier systems had, to the base address."""
        return _LISTING.sub("", url) if isinstance(url, str) else url
