"""secrets.sh: makes what compose.yaml reads, once, for its owner only."""

import os
import shutil
import stat
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from libs.common.broker_url import BrokerUrl
from services.gateway.settings import GatewaySettings
from tests.unit.compose.files import COMPOSE, FOLDER


def run_script(folder: Path) -> str:
    """Run the script in a copy of its folder, under a strict umask; return what it said."""
    for name in ("secrets.sh", "roles.sql"):
        shutil.copy(FOLDER / name, folder)
    (folder / "roles.sql").chmod(0o600)
    done = subprocess.run(  # noqa: S603 - our own script
        ["/bin/sh", str(folder / "secrets.sh")],
        umask=0o077,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def contents(folder: Path) -> dict[str, str]:
    """Return what each secret holds."""
    return {path.name: path.read_text() for path in (folder / "secrets").iterdir()}


def mode(path: Path) -> int:
    """Return the rights of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_it_makes_what_compose_reads(tmp_path: Path) -> None:
    """Every secret of compose.yaml and no other; the folder is its owner's alone."""
    run_script(tmp_path)
    wanted = {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}
    assert contents(tmp_path).keys() == wanted
    assert mode(tmp_path / "secrets") == 0o700
    # Containers read them as users of their own.
    readable = [*(tmp_path / "secrets").iterdir(), tmp_path / "roles.sql"]
    assert {mode(path) for path in readable} == {0o644}


def test_the_parts_fit_together(tmp_path: Path) -> None:
    """The URLs have the roles, the hosts and the passwords that the servers have."""
    run_script(tmp_path)
    made = contents(tmp_path)
    owner, gateway = urlsplit(made["database_url"]), urlsplit(made["gateway_database_url"])
    assert (owner.username, owner.hostname) == ("cassiopeia", "postgres")
    assert (gateway.username, gateway.hostname) == ("cassiopeia_gateway", "postgres")
    broker = urlsplit(made["redis_url"].strip())
    assert broker.hostname == "valkey"
    assert made["valkey.conf"] == f"requirepass {broker.password}\n"
    BrokerUrl.parse(made["redis_url"].strip())
    passwords = [owner.password, gateway.password, broker.password, made["postgres_password"]]
    assert len(set(passwords)) == 4
    assert all(len((password or "").strip()) == 48 for password in passwords)


def test_what_is_there_stays(tmp_path: Path) -> None:
    """A second run changes nothing; a file that is missing is made to fit the others."""
    said = run_script(tmp_path)
    before = contents(tmp_path)
    assert said.count("made ") == len(before)
    (tmp_path / "secrets" / "nasa_api_key").write_text("mine\n")
    (tmp_path / "secrets" / "redis_url").unlink()
    assert run_script(tmp_path) == "made secrets/redis_url\n"
    assert contents(tmp_path) == before | {"nasa_api_key": "mine\n"}


def test_an_empty_key_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The services take the files as they are made."""
    run_script(tmp_path)
    for name in [name for name in os.environ if name.startswith("CASSIOPEIA_")]:
        monkeypatch.delenv(name)
    for name in ("api_keys", "token_secret", "redis_url"):
        path = tmp_path / "secrets" / name
        monkeypatch.setenv(f"CASSIOPEIA_{name.upper()}_FILE", str(path))
    settings = GatewaySettings()
    assert settings.token_secret.get_secret_value() == ""
    assert settings.api_keys.get_secret_value() == ""
