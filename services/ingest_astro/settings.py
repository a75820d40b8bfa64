"""Settings of ingest_astro."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, HttpUrl, SecretStr, model_validator

from libs.common.events import AstroObserver
from libs.common.settings import ServiceSettings, UpstreamUrl
from services.ingest_astro.observers import parse_observers


def _checked(text: str) -> str:
    parse_observers(text)
    return text


class IngestAstroSettings(ServiceSettings):
    """The settings of ingest_astro."""

    astro_observers: Annotated[str, AfterValidator(_checked)] = Field(
        # The default place of the earlier systems.
        default="Moscow:55.7558:37.6176",
        description="Places for rise, set and eclipses: Name:latitude:longitude[:metres],...",
    )
    astro_poll_seconds: Annotated[float, Field(ge=60, le=604_800)] = Field(
        # Each day adds one day of rise and set, and one day at the end of the 400.
        default=86_400.0,
        description="Period of the computation, and of the calls to AstronomyAPI.",
    )
    astronomyapi_url: UpstreamUrl = Field(
        default=HttpUrl("https://api.astronomyapi.com/api/v2"),
        description="Base address of AstronomyAPI.",
    )
    astronomyapi_id: SecretStr = Field(
        default=SecretStr(""), description="Application id; without it everything is computed."
    )
    astronomyapi_secret: SecretStr = Field(
        default=SecretStr(""), description="The secret that belongs to the application id."
    )

    @model_validator(mode="after")
    def _whole_credentials(self) -> Self:
        if bool(self.astronomyapi_id.get_secret_value()) is not self.has_credentials:
            raise ValueError(
                "CASSIOPEIA_ASTRONOMYAPI_ID, CASSIOPEIA_ASTRONOMYAPI_SECRET: expected both or none"
            )
        return self

    @property
    def has_credentials(self) -> bool:
        """Whether AstronomyAPI can be asked."""
        return bool(self.astronomyapi_secret.get_secret_value())

    @property
    def observers(self) -> tuple[AstroObserver, ...]:
        """The places."""
        return parse_observers(self.astro_observers)
