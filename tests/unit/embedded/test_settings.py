"""The settings of the run: what is understood, and what is refused in which words."""

import os
from pathlib import Path

import pytest

from deploy.embedded.errors import EmbeddedError
from deploy.embedded.settings import address, parse_replicas, read_settings

SERVICES = ["persistence", "gateway"]
GIVEN = {
    "CASSIOPEIA_REDIS_URL": "redis://broker",
    "CASSIOPEIA_DATABASE_URL": "postgresql://owner@database/c",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"persistence": 1, "gateway": 1}),
        ("persistence=3", {"persistence": 3, "gateway": 1}),
        (" persistence=3  gateway=2 ", {"persistence": 3, "gateway": 2}),
        ("gateway=2,persistence=10", {"persistence": 10, "gateway": 2}),
    ],
)
def test_replicas_are_understood(text: str, expected: dict[str, int]) -> None:
    """Pairs are separated by spaces or commas; a service that is not named has one process."""
    assert parse_replicas(text, SERVICES) == expected


@pytest.mark.parametrize(
    "text", ["gateway", "gateway=", "gateway=0", "gateway=11", "gateway=-1", "web=1", "gateway=²"]
)
def test_wrong_replicas_are_refused(text: str) -> None:
    """The message has the value, the known names and the range."""
    with pytest.raises(EmbeddedError, match="REPLICAS=") as caught:
        parse_replicas(f"persistence=2 {text}", SERVICES)
    message = str(caught.value)
    assert repr(text) in message
    assert "persistence, gateway" in message
    assert "1 to 10" in message


@pytest.mark.parametrize("text", ["0", "65536", "http", "80.5", "-1", " 80"])
def test_a_wrong_port_is_refused(text: str, tmp_path: Path) -> None:
    """The message has the name, the value and the range."""
    with pytest.raises(EmbeddedError, match=r"CASSIOPEIA_PORT=.*expected a port from 1 to 65535"):
        read_settings({"CASSIOPEIA_PORT": text}, tmp_path, SERVICES)


def test_a_relative_data_folder_is_below_the_checkout(tmp_path: Path) -> None:
    """The data folder does not depend on where the command is given."""
    settings = read_settings({"CASSIOPEIA_DATA_DIR": "my data"}, tmp_path, SERVICES)
    assert settings.data == tmp_path.resolve() / "my data"


def test_empty_settings_count_as_missing(tmp_path: Path) -> None:
    """A variable that is set to nothing leaves the default."""
    empty = dict.fromkeys(["CASSIOPEIA_PORT", "CASSIOPEIA_DATA_DIR", "CASSIOPEIA_REDIS_URL"], "")
    settings = read_settings(empty, tmp_path, SERVICES)
    assert (settings.port, settings.redis_url) == (8080, None)
    assert settings.data == tmp_path.resolve() / ".cassiopeia"


def test_given_servers_are_used(tmp_path: Path) -> None:
    """With both URLs no account is looked for, and the gateway gets the same database."""
    settings = read_settings(GIVEN, tmp_path, SERVICES)
    assert settings.account is None
    assert settings.gateway_database_url == GIVEN["CASSIOPEIA_DATABASE_URL"]


@pytest.mark.parametrize("url", ["redis+cluster://a:1,b:2", "rediss+sentinel://a,b/service"])
def test_a_broker_of_several_nodes_is_used(url: str, tmp_path: Path) -> None:
    """Clusters and sentinels go to the services as they are given."""
    assert read_settings(GIVEN | {"CASSIOPEIA_REDIS_URL": url}, tmp_path, SERVICES).redis_url == url


def test_the_gateway_may_have_a_url_of_its_own(tmp_path: Path) -> None:
    """A reader's URL beside the owner's goes to the gateway."""
    reader = {"CASSIOPEIA_GATEWAY_DATABASE_URL": "postgresql://reader@database/c"}
    settings = read_settings(GIVEN | reader, tmp_path, SERVICES)
    assert settings.gateway_database_url == "postgresql://reader@database/c"


def test_a_url_may_come_from_a_file(tmp_path: Path) -> None:
    """NAME_FILE names a file that holds the value; both at once are refused."""
    (tmp_path / "url").write_text("redis://secret\n")
    file = {"CASSIOPEIA_REDIS_URL_FILE": str(tmp_path / "url")}
    assert read_settings(file, tmp_path, SERVICES).redis_url == "redis://secret"
    with pytest.raises(EmbeddedError, match="both set"):
        read_settings(file | {"CASSIOPEIA_REDIS_URL": "redis://x"}, tmp_path, SERVICES)
    with pytest.raises(EmbeddedError, match="cannot be read"):
        read_settings({"CASSIOPEIA_REDIS_URL_FILE": "/none"}, tmp_path, SERVICES)


def test_a_wrong_url_is_refused_without_repeating_its_password(tmp_path: Path) -> None:
    """The message says how a URL begins, and keeps the secret."""
    with pytest.raises(EmbeddedError, match="begins with postgresql://") as caught:
        read_settings({"CASSIOPEIA_DATABASE_URL": "mysql://me:hush@host"}, tmp_path, SERVICES)
    assert "hush" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes to another account")
@pytest.mark.parametrize("name", ["no-such-account", "root"])
def test_a_wrong_account_is_refused(name: str, tmp_path: Path) -> None:
    """An account that is missing, or is root, is named together with its variable."""
    with pytest.raises(EmbeddedError, match=f"CASSIOPEIA_SERVER_ACCOUNT={name}: expected"):
        read_settings({"CASSIOPEIA_SERVER_ACCOUNT": name}, tmp_path, SERVICES)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),  # noqa: S104 - binds nothing
        ("::", "http://[::1]:80"),
        ("example", "http://example:80"),
    ],
)
def test_the_address_is_one_that_this_machine_reaches(host: str, url: str) -> None:
    """A host that means every address becomes loopback."""
    assert address(host, 80) == url
