"""The address of the client that sent a request, as seen through trusted proxies."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# A provider gives each customer at least a whole /64, within which new addresses cost nothing.
_IPV6_PREFIX = 64
_REMEMBERED = 10_000


class Addresses:
    """Tells addresses apart, and proxies from clients."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)
        # Parsing an address takes 2 us, and most requests come from a few addresses.
        self.group = lru_cache(_REMEMBERED)(_group)
        self.is_trusted = lru_cache(_REMEMBERED)(self._is_trusted)

    def client(self, peer: str, forwarded: Sequence[str]) -> str:
        """Return the client's address.

        Args:
            peer: The address that opened the connection.
            forwarded: The values of `X-Forwarded-For`, to which each proxy appends its own peer.

        Walks from the right over the trusted proxies; the client may have made up anything that
        stands further left.
        """
        client = peer
        for value in reversed(forwarded):
            rest = value
            while self.is_trusted(client):
                rest, comma, last = rest.rpartition(",")
                hop = _parse(last)
                if hop is None:
                    return client
                client = str(hop)
                if not comma:
                    break
            else:
                break
        return client

    def _is_trusted(self, text: str) -> bool:
        address = _parse(text)
        return address is not None and any(address in network for network in self._trusted)


def _group(text: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 of an IPv6 address."""
    address = _parse(text)
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_PREFIX), strict=False))
    return str(address or "unknown")


def _parse(text: str) -> Address | None:
    text = text.strip()
    if text.startswith("["):
        # "[2001:db8::1]:443", as some proxies write it.
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        # A socket for both families shows an IPv4 peer as `::ffff:192.0.2.1`.
        return address.ipv4_mapped
    return address
