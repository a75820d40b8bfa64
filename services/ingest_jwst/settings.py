"""Settings of ingest_jwst."""

from typing import Annotated

from pydantic import Field, HttpUrl, SecretStr

from libs.common.settings import HeaderSecret, Seconds, ServiceSettings, UpstreamUrl


class IngestJwstSettings(ServiceSettings):
    """The settings of ingest_jwst."""

    mast_url: UpstreamUrl = Field(
        default=HttpUrl("https://mast.stsci.edu"), description="Base address of MAST."
    )
    jwstapi_url: UpstreamUrl = Field(
        default=HttpUrl("https://api.jwstapi.com"), description="Base address of jwstapi.com."
    )
    jwstapi_key: HeaderSecret = Field(
        default=SecretStr(""),
        description="Key of jwstapi.com. With one it is preferred and MAST stands in; without one"
        " MAST is all that is needed.",
    )
    jwst_poll_seconds: Annotated[float, Field(ge=60, le=604_800)] = Field(
        # A few dozen are released every day; a year of history takes about fifteen polls.
        default=3_600.0,
        description="Period of the images.",
    )
    jwst_timeout_seconds: Seconds = Field(
        # A page of 250 rows is about 400 KB, and MAST is slow on some days.
        default=60.0,
        description="How long an archive may take to answer.",
    )
    jwst_history_days: Annotated[float, Field(gt=0, le=36_525)] = Field(
        # About ten thousand images, of which the broker keeps about 1 KB each.
        default=365.0,
        description="How old a release may be that is still collected from MAST.",
    )
    jwstapi_max_pages: Annotated[int, Field(ge=1, le=100_000)] = Field(
        # As many images as MAST has for a year.
        default=100,
        description="Pages of 100 images that are collected from jwstapi.com.",
    )
