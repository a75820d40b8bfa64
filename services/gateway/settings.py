"""Settings of the gateway."""

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from libs.common.settings import DatabaseSettings, Port, UpstreamUrl
from services.gateway.access.addresses import Network
from services.gateway.access.apikeys import Burst, PerMinute, parse_api_keys
from services.gateway.access.tokens import SHORTEST_SECRET_BYTES, read_public_keys

_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|\*")


def _networks(value: object) -> object:
    try:
        return tuple(ip_network(text) for text in _listed(value))
    except ValueError as error:
        raise ValueError(
            f"expected addresses or CIDR blocks, separated by commas: {error}"
        ) from None


def _origins(value: object) -> object:
    origins = _listed(value)
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"expected origins such as https://example.org, separated by commas, or *;"
                f" got {origin!r}"
            )
    return origins


def _listed(value: object) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise ValueError("expected a list, separated by commas")
    return tuple(text for part in parts if (text := str(part).strip()))


def _api_keys(value: SecretStr) -> SecretStr:
    parse_api_keys(value.get_secret_value())
    return value


def _token_secret(value: SecretStr) -> SecretStr:
    length = len(value.get_secret_value().encode())
    if 0 < length < SHORTEST_SECRET_BYTES:
        raise ValueError(
            f"expected at least {SHORTEST_SECRET_BYTES} bytes, got {length};"
            " `openssl rand -hex 32` makes some"
        )
    return value


def _jwks_path(path: Path | None) -> Path | None:
    if path is not None:
        read_public_keys(path)
    return path


class GatewaySettings(DatabaseSettings):
    """The settings of the gateway."""

    host: str = Field(
        default="127.0.0.1", description="Address to listen on; 0.0.0.0 for every interface."
    )
    port: Port = Field(default=8080, description="Port to listen on; replicas share it.")
    live_connection_seconds: Annotated[float, Field(ge=1, le=86_400)] = Field(
        # Long enough to be rare, short enough that a forgotten tab does not hold a socket for days.
        default=600.0,
        description="A live stream is ended after this time; clients come back by themselves.",
    )
    live_queue_length: Annotated[int, Field(ge=1, le=100_000)] = Field(
        # The bytes are shared: 256 events of 1 KiB for 1,000 clients are 256 references for each.
        default=256,
        description="Events that wait for a slow client at most; older ones are dropped.",
    )
    refresh_wait_seconds: Annotated[float, Field(gt=0, le=60)] = Field(
        # The position API has 3 s to answer, and the command takes milliseconds.
        default=4.0,
        description="How long a client that asks for fresh data waits for them.",
    )
    open_triggers: bool = Field(
        # Clients of the earlier systems have no token, and the limits of the pollers hold anyway.
        default=True,
        description="Whether everybody may ask for fresh data; otherwise a token with the scope"
        " `refresh` is needed.",
    )
    osdr_list_limit: Annotated[int, Field(ge=1, le=100)] = Field(
        default=20,
        validation_alias=AliasChoices("CASSIOPEIA_OSDR_LIST_LIMIT", "OSDR_LIST_LIMIT"),
        description="Datasets of a page of `/osdr/list` whose client says nothing.",
    )
    cache_memory_bytes: Annotated[int, Field(ge=1_000_000, le=10**10)] = Field(
        # 32 MB hold the 500 pages of 100 positions that were asked for last.
        default=32_000_000,
        description="Answers from history that this process keeps in memory at most.",
    )
    question_wait_seconds: Annotated[float, Field(gt=0, le=10)] = Field(
        # Passes of ten days take 0.1 s, a year of the sky 1.5 s, and other clients may be asking.
        # With more than 10 s the lock of an answer would expire before the answer is made.
        default=8.0,
        description="How long a computation by another service is waited for.",
    )
    thumbnail_folder: Path = Field(
        default=Path(".cassiopeia/thumbnails"),
        description="Folder of the thumbnails; replicas may share it.",
    )
    thumbnail_cache_bytes: Annotated[int, Field(ge=1_000_000, le=10**13)] = Field(
        # A few thousand previews; the least recently used go first.
        default=500_000_000,
        description="Size of that folder at most.",
    )
    thumbnail_max_bytes: Annotated[int, Field(ge=10_000, le=10**9)] = Field(
        # The previews of MAST are whole mosaics of up to a few megabytes.
        default=10_000_000,
        description="Size of one thumbnail at most.",
    )
    thumbnail_mirror_url: UpstreamUrl | None = Field(
        default=None,
        description="Address that stands in for the archives of pictures, with the archive's host"
        " as the first part of the path; for machines without a way to them.",
    )
    limit_per_minute: PerMinute = Field(
        # A page that asks for the position every second has another 60 for everything else.
        default=120,
        description="Quota of a client without an API key.",
    )
    limit_burst: Burst = Field(
        default=60, description="What such a client may ask at once, after it was quiet."
    )
    api_keys: Annotated[SecretStr, AfterValidator(_api_keys)] = Field(
        default=SecretStr(""),
        description="Clients with quotas of their own: JSON of names to"
        ' {"key" or "sha256", "per_minute", "burst"}.',
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)] = Field(
        default=(),
        description="CIDR blocks of the proxies whose X-Forwarded-For is believed.",
    )
    token_secret: Annotated[SecretStr, AfterValidator(_token_secret)] = Field(
        default=SecretStr(""), description="Secret of tokens signed with HS256; 32 bytes at least."
    )
    token_jwks_path: Annotated[Path | None, AfterValidator(_jwks_path)] = Field(
        default=None, description="JWKS file with the public keys of EdDSA and RS256 tokens."
    )
    token_issuer: Annotated[str, Field(min_length=1)] = Field(
        default="cassiopeia", description="The `iss` that a token must have."
    )
    token_audience: Annotated[str, Field(min_length=1)] = Field(
        default="cassiopeia", description="The `aud` that a token must have."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_origins)] = Field(
        default=(), description="Origins whose pages may read answers; * for every."
    )
    behind_tls: bool = Field(
        default=False,
        description="Whether a proxy terminates TLS: browsers are told to keep to it.",
    )
    idle_seconds: Annotated[float, Field(gt=0, le=3_600)] = Field(
        # nginx's default for its clients; behind a proxy this must outlast the proxy's own timeout.
        default=75.0,
        description="How long a connection may take to send the head of its next request.",
    )
    slow_client_seconds: Annotated[float, Field(gt=0, le=600)] = Field(
        # 64 KiB in 30 s are 2 KiB/s: a phone at the edge of its network is faster.
        default=30.0,
        description="How long a client may take to send a body, or to take 64 KiB of an answer.",
    )
