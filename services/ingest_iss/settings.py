"""Settings of ingest_iss."""

from typing import Annotated

from pydantic import AliasChoices, Field, HttpUrl

from libs.common.settings import Seconds, ServiceSettings, UpstreamUrl

MIN_ELEMENTS_PERIOD_S = 7_200


class IngestIssSettings(ServiceSettings):
    """The settings of ingest_iss; the second name of a variable is that of the earlier systems."""

    wheretheiss_url: UpstreamUrl = Field(
        default=HttpUrl("https://api.wheretheiss.at/v1"),
        validation_alias=AliasChoices("CASSIOPEIA_WHERETHEISS_URL", "WHERE_ISS_URL"),
        description="Base address of the position API.",
    )
    celestrak_url: UpstreamUrl = Field(
        default=HttpUrl("https://celestrak.org"), description="Base address of Celestrak."
    )
    iss_poll_seconds: Annotated[float, Field(ge=1, le=3_600)] = Field(
        # The upstream allows about one call a second and 350 in 5 minutes; this makes 60 of them.
        default=5.0,
        validation_alias=AliasChoices("CASSIOPEIA_ISS_POLL_SECONDS", "ISS_EVERY_SECONDS"),
        description="Period of the positions.",
    )
    iss_timeout_seconds: Seconds = Field(
        # Shorter than the period, so that positions stay as frequent when the upstream hangs.
        default=3.0,
        description="How long the position API may take to answer.",
    )
    iss_stale_seconds: Seconds = Field(
        # In 10 s the station moves 77 km; the recorded answers were at most 1 s old.
        default=10.0,
        description="A position whose time is further than this from ours is stale.",
    )
    iss_elements_seconds: Annotated[float, Field(ge=MIN_ELEMENTS_PERIOD_S, le=604_800)] = Field(
        # Celestrak updates every 2 h, refuses a repeated download, and blocks clients that insist.
        default=7_500.0,
        description="Period of the orbital elements; Celestrak asks for at least 2 h.",
    )
    iss_elements_max_age_days: Annotated[float, Field(gt=0, le=3_650)] = Field(
        default=30.0,
        description="Positions computed from older elements say that they are not to be trusted.",
    )
