"""Settings of ingest_osdr."""

import re
from typing import Annotated

from pydantic import AliasChoices, Field, HttpUrl, field_validator

from libs.common.settings import Seconds, ServiceSettings, UpstreamUrl

_LISTING = re.compile(r"/datasets/?(\?format=json)?$")


class IngestOsdrSettings(ServiceSettings):
    """What ingest_osdr is told; the second name of a variable is the earlier systems'."""

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
        # Studies are released some times a month, and a crawl is one call for each study.
        default=21_600.0,
        validation_alias=AliasChoices("CASSIOPEIA_OSDR_POLL_SECONDS", "FETCH_EVERY_SECONDS"),
        description="Pause between two crawls of the catalogue.",
    )
    osdr_pause_seconds: Annotated[float, Field(ge=0, le=60)] = Field(
        # 630 studies take five minutes and a half.
        default=0.5,
        description="Pause between two calls of a crawl.",
    )
    osdr_retry_seconds: Seconds = Field(
        # The upstream is slow to recover, and nobody waits for a catalogue.
        default=60.0,
        description="First pause after a failure; it doubles up to an hour.",
    )
    osdr_timeout_seconds: Annotated[float, Field(gt=0, le=120)] = Field(
        # Slow, but not for one study. With the five seconds in which a part of a crawl begins its
        # calls, that is how long a source may stay silent.
        default=25.0,
        description="How long the repository may take to answer.",
    )

    @field_validator("osdr_url", mode="before")
    @classmethod
    def _without_listing(cls, url: object) -> object:
        """Take the address of the listing, which the earlier systems were given, as the base's."""
        return _LISTING.sub("", url) if isinstance(url, str) else url
