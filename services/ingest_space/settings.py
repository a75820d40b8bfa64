"""Settings of ingest_space."""

from typing import Annotated

from pydantic import AliasChoices, Field, HttpUrl, SecretStr

from libs.common.settings import HeaderSecret, Seconds, ServiceSettings, UpstreamUrl

Period = Annotated[float, Field(ge=60, le=604_800)]


class IngestSpaceSettings(ServiceSettings):
    """The settings of ingest_space; the second name of a variable is that of the earlier systems.

    Without a key of its own, an address may make 50 calls a day to api.nasa.gov. The default
    periods make at most 44: 4 for the picture, each perhaps with a second one for the day before,
    and 12 each for asteroids, flares and ejections.
    """

    nasa_url: UpstreamUrl = Field(
        default=HttpUrl("https://api.nasa.gov"),
        description="Base address of api.nasa.gov: APOD, NeoWs, DONKI.",
    )
    nasa_api_key: HeaderSecret = Field(
        default=SecretStr(""),
        validation_alias=AliasChoices("CASSIOPEIA_NASA_API_KEY", "NASA_API_KEY"),
        description="Key of api.nasa.gov; without one DEMO_KEY is used, within its 50 calls a day.",
    )
    launchlibrary_url: UpstreamUrl = Field(
        default=HttpUrl("https://ll.thespacedevs.com/2.3.0"),
        description="Base address of Launch Library 2, with its version.",
    )
    launchlibrary_token: HeaderSecret = Field(
        default=SecretStr(""),
        description="Token of Launch Library 2; without one its limit is shared by an address.",
    )
    apod_poll_seconds: Period = Field(
        # There is one picture a day, at varying hours; with this period it is found within six.
        default=21_600.0,
        validation_alias=AliasChoices("CASSIOPEIA_APOD_POLL_SECONDS", "APOD_EVERY_SECONDS"),
        description="Period of the picture of the day.",
    )
    neo_poll_seconds: Period = Field(
        # Passages are known weeks ahead; distances are refined a few times a day.
        default=7_200.0,
        validation_alias=AliasChoices("CASSIOPEIA_NEO_POLL_SECONDS", "NEO_EVERY_SECONDS"),
        description="Period of the asteroids.",
    )
    donki_poll_seconds: Period = Field(
        # Twice the earlier systems' hour, at which two sources alone make 48 of the 50 calls.
        default=7_200.0,
        validation_alias=AliasChoices("CASSIOPEIA_DONKI_POLL_SECONDS", "DONKI_EVERY_SECONDS"),
        description="Period of the flares, and of the mass ejections.",
    )
    launches_poll_seconds: Period = Field(
        # A poll takes up to eight of the 15 calls an hour.
        default=3_600.0,
        validation_alias=AliasChoices("CASSIOPEIA_LAUNCHES_POLL_SECONDS", "SPACEX_EVERY_SECONDS"),
        description="Period of the launches.",
    )
    nasa_timeout_seconds: Seconds = Field(
        # DONKI has been seen to take 40 s.
        default=60.0,
        description="How long api.nasa.gov may take to answer.",
    )
    launchlibrary_timeout_seconds: Seconds = Field(
        default=30.0, description="How long Launch Library may take for a page."
    )
    neo_days: Annotated[int, Field(ge=0, le=7)] = Field(
        # As in the earlier systems; the feed takes at most seven.
        default=2,
        description="How many days before today the asteroids cover.",
    )
    donki_days: Annotated[int, Field(ge=0, le=30)] = Field(
        # As in the earlier systems; later revisions go unnoticed.
        default=5,
        description="How many days before today flares and mass ejections cover.",
    )

    @property
    def has_nasa_key(self) -> bool:
        """Whether an own key, not DEMO_KEY, is used for api.nasa.gov."""
        return self.nasa_api_key.get_secret_value() not in ("", DEMO_KEY)


# The key that api.nasa.gov gives to everybody.
DEMO_KEY = "DEMO_KEY"
