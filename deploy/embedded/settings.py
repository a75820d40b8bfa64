"""What the person who runs the suite can choose, read from the environment and checked at once."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.account import Account, server_account, server_home
from deploy.embedded.errors import EmbeddedError

MOST_REPLICAS = 10
"""Per service: PostgreSQL allows 120 connections, and each replica of two services uses up to 4."""

_LARGEST_PORT = 65_535
# The schemes that the services accept (`libs/common/broker_url.py`).
_BROKERS = (
    *("redis", "rediss", "unix"),
    *("redis+cluster", "rediss+cluster", "redis+sentinel", "rediss+sentinel"),
)


@dataclass(frozen=True)
class RunSettings:
    """The settings of one run."""

    checkout: Path
    data: Path
    """The data folder: absolute, without links."""
    host: str
    """The address that the gateway listens on."""
    port: int
    metrics_host: str
    replicas: Mapping[str, int]
    """The number of processes of each service."""
    account: Account | None
    """The account of the servers; None means the current user."""
    redis_url: str | None
    """An existing broker; None starts Valkey."""
    database_url: str | None
    """An existing database; None starts PostgreSQL."""
    gateway_database_url: str | None
    """The same database for the gateway, which only reads."""

    @property
    def home(self) -> Path:
        """The folder of the servers' data."""
        return server_home(self.data, self.account)

    @property
    def gateway_url(self) -> str:
        """Where this machine reaches the gateway."""
        return address(self.host, self.port)


def read_settings(
    environ: Mapping[str, str], checkout: Path, services: Sequence[str]
) -> RunSettings:
    """Read the settings.

    Args:
        environ: The environment variables.
        checkout: The folder of the project, which a relative data folder is relative to.
        services: The names that REPLICAS may have.

    Raises:
        EmbeddedError: A setting is wrong; the message has its name and what was expected.
    """
    redis_url = _url(environ, "CASSIOPEIA_REDIS_URL", _BROKERS)
    database = ("postgresql", "postgres")
    database_url = _url(environ, "CASSIOPEIA_DATABASE_URL", database)
    gateway_url = _url(environ, "CASSIOPEIA_GATEWAY_DATABASE_URL", database)
    own_servers = redis_url is None or database_url is None
    return RunSettings(
        checkout=checkout,
        data=(checkout / (environ.get("CASSIOPEIA_DATA_DIR") or ".cassiopeia")).resolve(),
        host=environ.get("CASSIOPEIA_HOST") or "127.0.0.1",
        port=_port(environ.get("CASSIOPEIA_PORT") or "8080"),
        metrics_host=environ.get("CASSIOPEIA_METRICS_HOST") or "127.0.0.1",
        replicas=parse_replicas(environ.get("REPLICAS") or "", services),
        account=server_account(environ) if own_servers else None,
        redis_url=redis_url,
        database_url=database_url,
        gateway_database_url=(gateway_url or database_url) if database_url else None,
    )


def parse_replicas(text: str, services: Sequence[str]) -> dict[str, int]:
    """Parse `persistence=3 gateway=2`; a service that is not named has one process.

    Raises:
        EmbeddedError: A part is not NAME=COUNT with a known name and a count in range.
    """
    counts = dict.fromkeys(services, 1)
    for part in re.split(r"[\s,]+", text.strip()):
        name, _, count = part.partition("=")
        known = name in counts and re.fullmatch(r"[0-9]{1,4}", count) is not None
        if known and 1 <= int(count) <= MOST_REPLICAS:
            counts[name] = int(count)
        elif part:
            raise EmbeddedError(
                f"REPLICAS={text!r}: expected NAME=COUNT, separated by spaces, with a NAME of"
                f" {', '.join(services)} and a COUNT from 1 to {MOST_REPLICAS}; {part!r} is not."
            )
    return counts


def address(host: str, port: int) -> str:
    """Return the URL at which this machine reaches a server that listens on the host and port."""
    reachable = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - binds nothing
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= _LARGEST_PORT:
        raise EmbeddedError(f"CASSIOPEIA_PORT={text}: expected a port from 1 to {_LARGEST_PORT}.")
    return int(text)


def _url(environ: Mapping[str, str], name: str, schemes: Sequence[str]) -> str | None:
    value, file = environ.get(name), environ.get(f"{name}_FILE")
    if value and file:
        raise EmbeddedError(f"{name} and {name}_FILE are both set: expected one of them.")
    if file:
        try:
            value = Path(file).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise EmbeddedError(f"{name}_FILE={file}: it cannot be read: {error}.") from None
    # The value may hold a password, so only its scheme is repeated.
    if value and value.partition("://")[0] not in schemes:
        raise EmbeddedError(f"{name}: expected a URL that begins with {schemes[0]}://.")
    return value or None
