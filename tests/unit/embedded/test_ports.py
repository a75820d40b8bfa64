"""Ports that are free: given away once, because their servers have yet to start."""

import pytest

from deploy.embedded import servers


def test_no_port_is_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two askers get different ports, and neither gets the reserved one."""
    monkeypatch.setattr(servers, "_FIRST_PORT", 31_900)
    monkeypatch.setattr(servers, "_LAST_PORT", 31_930)
    servers.reserve_port(31_915)
    given = servers.free_ports(10) + servers.free_ports(10)
    assert len(set(given)) == 20
    assert 31_915 not in given
