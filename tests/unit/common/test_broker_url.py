"""URLs of brokers: one server, a cluster, sentinels."""

import pytest

from libs.common.broker_url import BrokerUrl, Kind


def test_a_server_is_left_to_the_client() -> None:
    """What redis-py understands goes to it as it is."""
    for url in ("redis://:secret@broker:6379/1", "rediss://broker", "unix:///run/valkey.sock"):
        assert BrokerUrl.parse(url) == BrokerUrl(Kind.SERVER, url)


def test_a_cluster_has_several_hosts() -> None:
    """Each has its port or the usual one; user and password hold for all nodes."""
    parsed = BrokerUrl.parse("redis+cluster://user:p%40ss@one:7000,two,[::1]:7002")
    assert parsed.kind is Kind.CLUSTER
    assert parsed.hosts == (("one", 7000), ("two", 6379), ("::1", 7002))
    assert parsed.options == {"username": "user", "password": "p@ss"}
    assert not parsed.tls


def test_sentinels_name_a_service() -> None:
    """The password is the servers'; the sentinels' own has an option of its own."""
    url = "rediss+sentinel://:secret@one,two:5000/main?db=3&sentinel_password=other&ssl_ca_certs=/c"
    parsed = BrokerUrl.parse(url)
    assert parsed.kind is Kind.SENTINEL
    assert parsed.hosts == (("one", 26379), ("two", 5000))
    assert parsed.service == "main"
    assert parsed.options == {"password": "secret", "db": 3, "ssl_ca_certs": "/c"}
    assert parsed.sentinel_options == {"password": "other"}
    assert parsed.tls


@pytest.mark.parametrize(
    "url",
    [
        "http://:hunter2@broker",
        "http+cluster://:hunter2@broker",
        "redis+galaxy://:hunter2@broker",
        "redis+server://:hunter2@broker",
        "redis+cluster://",
        "redis+cluster://:hunter2@one,,two",
        "redis+cluster://:hunter2@one:0",
        "redis+cluster://:hunter2@one:70000",
        "redis+cluster://:hunter2@one:port",
        "redis+cluster://:hunter2@one/service",
        "redis+sentinel://:hunter2@one",
        "redis+sentinel://:hunter2@one/",
        "redis+sentinel://:hunter2@one/main/0",
        "redis+sentinel://:hunter2@one/main?socket_timeout=hunter2",
    ],
)
def test_what_is_none_says_what_was_expected(url: str) -> None:
    """Every form is named, and no password."""
    with pytest.raises(ValueError, match=r"redis\+cluster.*redis\+sentinel") as caught:
        BrokerUrl.parse(url)
    assert "hunter2" not in str(caught.value)


def test_it_shows_no_password() -> None:
    """Whoever prints a parsed URL prints no secret."""
    url = "redis+sentinel://:hunter2@one/main?sentinel_password=swordfish"
    shown = repr(BrokerUrl.parse(url))
    assert "hunter2" not in shown
    assert "swordfish" not in shown
