"""Where the broker is: one server, a cluster, or a service that sentinels watch."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from redis.asyncio.connection import SSLConnection, parse_url

EXPECTED = (
    "expected redis://[[user]:password@]host[:port][/number], rediss:// or unix://,"
    " redis+cluster://[[user]:password@]host:port[,host:port...]"
    " or redis+sentinel://[[user]:password@]host:port[,host:port...]/service-name"
)
_PORT = 6_379
_SENTINEL_PORT = 26_379
_SENTINEL_OPTION = "sentinel_"


class Kind(Enum):
    """What answers at the URL."""

    SERVER = "server"
    CLUSTER = "cluster"
    SENTINEL = "sentinel"


@dataclass(frozen=True, slots=True)
class BrokerUrl:
    """A URL taken apart.

    Attributes:
        kind: What answers there.
        url: As it was given.
        hosts: Nodes of the cluster, or sentinels; one that answers is enough.
        service: What the sentinels call the service.
        options: Options of a connection to a node, as redis-py names them.
        sentinel_options: Options of a connection to a sentinel.
        tls: Whether connections are encrypted.
    """

    kind: Kind
    # They hold the password.
    url: str = field(repr=False)
    hosts: tuple[tuple[str, int], ...] = ()
    service: str = ""
    options: dict[str, Any] = field(default_factory=dict, repr=False)
    sentinel_options: dict[str, Any] = field(default_factory=dict, repr=False)
    tls: bool = False

    @classmethod
    def parse(cls, url: str) -> "BrokerUrl":
        """Take a URL apart.

        Options after `?` are those of redis-py's URLs; with `sentinel_` before their name
        (`sentinel_password`) they are for the sentinels.

        Raises:
            ValueError: It is no URL of a broker; the message says what was expected.
        """
        try:
            return cls._parse(url)
        except ValueError:
            # Not the library's message: it may hold the password.
            raise ValueError(EXPECTED) from None

    @classmethod
    def _parse(cls, url: str) -> "BrokerUrl":
        parts = urlsplit(url)
        base, _, suffix = parts.scheme.partition("+")
        if not suffix:
            parse_url(url)
            return cls(Kind.SERVER, url)
        kind = Kind(suffix)
        default_port = _SENTINEL_PORT if kind is Kind.SENTINEL else _PORT
        users, _, places = parts.netloc.rpartition("@")
        hosts = tuple(_host(place, base, default_port) for place in places.split(","))
        service = unquote(parts.path.strip("/"))
        # Of several hosts redis-py's parser knows nothing: it is given the rest.
        rest = SplitResult(base, f"{users}@localhost", "", parts.query, "").geturl()
        given = dict(parse_url(rest))
        given.pop("host")
        tls = given.pop("connection_class", None) is SSLConnection
        sentinel_options = {
            name.removeprefix(_SENTINEL_OPTION): given.pop(name)
            for name in list(given)
            if name.startswith(_SENTINEL_OPTION)
        }
        fits = bool(service) is (kind is Kind.SENTINEL) and "/" not in service
        if kind is Kind.SERVER or not fits:
            raise ValueError(suffix)
        return cls(kind, url, hosts, service, given, sentinel_options, tls)


def _host(place: str, base: str, default_port: int) -> tuple[str, int]:
    parts = urlsplit(f"{base}://{place}")
    # A port out of range raises here.
    port = default_port if parts.port is None else parts.port
    if not parts.hostname or parts.path or port == 0:
        raise ValueError(place)
    return parts.hostname, port
