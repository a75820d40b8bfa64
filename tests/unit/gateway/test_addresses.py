"""Whose address a request is charged to."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.access.addresses import Addresses

ADDRESSES = Addresses([ip_network("10.0.0.0/8"), ip_network("fd00::/8")])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        pytest.param("192.0.2.1", ["198.51.100.7"], "192.0.2.1", id="a stranger's word"),
        pytest.param("10.0.0.1", [], "10.0.0.1", id="a proxy that asks for itself"),
        pytest.param("10.0.0.1", ["198.51.100.7"], "198.51.100.7", id="behind one proxy"),
        pytest.param(
            "10.0.0.1", ["1.1.1.1, 198.51.100.7, 10.0.0.2"], "198.51.100.7", id="behind two"
        ),
        pytest.param(
            "10.0.0.1", ["1.1.1.1", "198.51.100.7", "10.0.0.2"], "198.51.100.7", id="several lines"
        ),
        pytest.param("10.0.0.1", ["10.9.9.9, 10.0.0.2"], "10.9.9.9", id="proxies only"),
        pytest.param("10.0.0.1", ["1.1.1.1, unknown"], "10.0.0.1", id="no address"),
        pytest.param("10.0.0.1", ["1.1.1.1,"], "10.0.0.1", id="nothing"),
        pytest.param("10.0.0.1", ["198.51.100.7:4711"], "198.51.100.7", id="with a port"),
        pytest.param("fd00::1", ["[2001:db8::1]:443"], "2001:db8::1", id="IPv6 with a port"),
        pytest.param("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7", id="a mapped proxy"),
    ],
)
def test_the_client_is_the_last_hop_that_no_trusted_proxy_is(
    peer: str, forwarded: list[str], client: str
) -> None:
    """What stands further left may have been made up."""
    assert ADDRESSES.client(peer, forwarded) == client


@given(
    invented=st.lists(st.text(max_size=30) | st.ip_addresses().map(str), max_size=5),
    lines=st.booleans(),
)
def test_nothing_that_a_client_sends_changes_its_address(
    invented: list[str], *, lines: bool
) -> None:
    """Its proxy appends the truth on the right, to the same line or on one of its own."""
    truth = "198.51.100.7"
    forwarded = [*invented, truth] if lines else [", ".join([*invented, truth])]
    assert ADDRESSES.client("10.0.0.1", forwarded) == truth


@given(peer=st.ip_addresses(network="198.51.100.0/24"), invented=st.text(max_size=50))
def test_a_stranger_is_never_believed(peer: object, invented: str) -> None:
    """Whatever it writes into the header."""
    assert ADDRESSES.client(str(peer), [invented]) == str(peer)


def test_addresses_that_cost_nothing_count_as_one() -> None:
    """All of an IPv6 /64; an IPv4 address alone, however it is written."""
    assert ADDRESSES.group("2001:db8:1:2::1") == ADDRESSES.group("2001:db8:1:2:ffff::9")
    assert ADDRESSES.group("2001:db8:1:2::1") != ADDRESSES.group("2001:db8:1:3::1")
    assert ADDRESSES.group("198.51.100.7") == ADDRESSES.group("::ffff:198.51.100.7")
    assert ADDRESSES.group("198.51.100.7") != ADDRESSES.group("198.51.100.8")
    assert ADDRESSES.group("fe80::1%eth0") == ADDRESSES.group("fe80::2%eth1")
