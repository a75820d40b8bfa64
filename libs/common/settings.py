"""Settings: environment variables with the prefix `CASSIOPEIA_`, read once, then frozen."""

import os
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, AliasChoices, Field, HttpUrl, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from libs.common.broker_url import BrokerUrl
from libs.common.errors import ConfigurationError, expectation
from libs.common.layout import Layout
from libs.common.secrets import Redactor, environment_with_secrets

PREFIX = "CASSIOPEIA_"

Seconds = Annotated[float, Field(gt=0, le=31_536_000, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=0, le=65_535)]

_Settings = TypeVar("_Settings", bound="ServiceSettings")

# Up to the last @, since a password may have been written with a slash in it.
_USER_INFO = re.compile(r"(?<=://)\S*@")
_QUERY = re.compile(r"\?\S*")


def _redis_url(url: SecretStr) -> SecretStr:
    BrokerUrl.parse(url.get_secret_value())
    return url


def _upstream_url(url: HttpUrl) -> HttpUrl:
    if url.username is not None or url.password is not None:
        raise ValueError(
            "expected an address without user and password: it is published as that of the data"
        )
    if url.query is not None or url.fragment is not None:
        raise ValueError("expected a base address, without `?` and `#`")
    return url


UpstreamUrl = Annotated[HttpUrl, AfterValidator(_upstream_url)]
"""Base address of an upstream. Events and links hold it, so it holds no secret."""


def _header_value(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ValueError("expected printable ASCII without spaces")
    return secret


HeaderSecret = Annotated[SecretStr, AfterValidator(_header_value)]
"""A key or a token that travels in a header; empty for none."""


def _partitions(value: str) -> str:
    Layout.parse(value)
    return value


def _database_url(url: SecretStr) -> SecretStr:
    # Only the services that have a database install its client.
    from psycopg import ProgrammingError  # noqa: PLC0415
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    try:
        known = conninfo_to_dict(url.get_secret_value())
    except ProgrammingError:
        known = {}
    if not known:
        raise ValueError("expected postgresql://user[:password]@host[:port]/database")
    return url


class _EnvironmentAndSecretFiles(EnvSettingsSource):
    """The environment; `NAME` gets the content of the file that `<NAME>_FILE` points to."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in environment_with_secrets(PREFIX).items()}


class ServiceSettings(BaseSettings):
    """The settings of every service; a service adds its own in a subclass."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    redis_url: Annotated[SecretStr, AfterValidator(_redis_url)] = Field(
        default=SecretStr("redis://127.0.0.1:6379/0"),
        description="Broker: a Redis or Valkey URL, of a server, a cluster or sentinels.",
    )
    stream_partitions: Annotated[str, AfterValidator(_partitions)] = Field(
        default="",
        description="Partitions of event streams, such as `iss=4,osdr=2`; one each by default. The"
        " same for every process.",
    )
    replica: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")] = Field(
        default="0",
        description="Which replica of its service this process is. It names the stream consumer, so"
        " it must be different for each and stay the same over restarts.",
    )
    metrics_host: str = Field(
        default="127.0.0.1", description="Address of /live, /ready and /metrics."
    )
    metrics_port: Port = Field(
        default=0, description="Port of /live, /ready and /metrics; 0 takes a free one."
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto", description="`auto` is JSON unless standard output is a terminal."
    )
    stop_seconds: Annotated[float, Field(gt=0, le=60)] = Field(
        # Docker kills a process 10 s after the stop signal. Cleaning up takes up to 1.5 s more
        # (`runtime.py`), so half a second is left.
        default=8.0,
        description="How long work in progress may take to finish after a stop signal.",
    )
    watchdog_seconds: Annotated[float, Field(ge=1, le=3_600)] = Field(
        # The longest blocking step known is a garbage collection of well under a second.
        default=30.0,
        description="A process whose event loop stands still for this long ends with exit code 70.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - replaced by ours
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - not read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - not read
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take arguments first, then the environment; nothing else, no `.env` file."""
        return init_settings, _EnvironmentAndSecretFiles(settings_cls)

    @property
    def layout(self) -> Layout:
        """How the event streams are divided."""
        return Layout.parse(self.stream_partitions)

    def name_of(self, service: str) -> str:
        """Return what servers call this process of a service."""
        return f"{service}-{self.replica}"

    def secret_values(self) -> list[str]:
        """Return every secret among the settings, for the log's redactor."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]


class DatabaseSettings(ServiceSettings):
    """The settings of a service that uses PostgreSQL."""

    database_url: Annotated[SecretStr, AfterValidator(_database_url)] = Field(
        default=SecretStr("postgresql://cassiopeia@127.0.0.1:5432/cassiopeia"),
        description="PostgreSQL URL.",
    )
    database_pool_size: Annotated[int, Field(ge=1, le=100)] = Field(
        # Ten replicas of each service together stay below the 100 connections that the earlier
        # system allowed.
        default=4,
        description="Connections that this process keeps at most.",
    )


def load_settings(model: type[_Settings]) -> _Settings:
    """Read a service's settings from the environment and from `<NAME>_FILE` secrets.

    Raises:
        ConfigurationError: One line per wrong variable: its name, its value unless it is a secret,
            and what was expected.
    """
    try:
        return model()
    except ValidationError as error:
        lines = [_complaint(model, detail) for detail in error.errors(include_url=False)]
        raise ConfigurationError("\n".join(lines)) from None


def _complaint(model: type[ServiceSettings], detail: Any) -> str:  # noqa: ANN401 - as pydantic types it
    if not detail["loc"]:
        return expectation(detail["msg"])  # concerns several settings together
    place = str(detail["loc"][0])
    field, info = next(
        (name, info)
        for name, info in model.model_fields.items()
        if place in (name, *_variables(name, info))
    )
    names = _variables(field, info)
    variable = next((name for name in names if name in os.environ), names[0])
    shown = "***" if info.annotation is SecretStr else _shown(str(detail["input"]))
    return f"{variable}={shown}: {expectation(detail['msg'])}"


def _shown(value: str) -> str:
    """Return a wrong value without what may be a secret in it."""
    if "://" in value:
        value = _QUERY.sub("?***", _USER_INFO.sub("***@", value))
    return Redactor()(value)


def _variables(field: str, info: FieldInfo) -> list[str]:
    """Return the variables that set a field, the current name first."""
    if isinstance(info.validation_alias, AliasChoices):
        return [str(choice) for choice in info.validation_alias.choices]
    return [PREFIX + field.upper()]
