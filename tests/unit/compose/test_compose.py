"""compose.yaml: complete, closed to the outside, and without a secret."""

import itertools
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydantic import AliasChoices, SecretStr

from tests.servers import CHECKOUT
from tests.unit.compose.files import COMPOSE, CONTAINERS, FOLDER, OURS, SERVERS, SERVICES
from tests.unit.compose.files import settings_of as settings

# What Compose itself reads, for addresses outside of the containers, and the base images.
OF_COMPOSE = {
    "CASSIOPEIA_HOST",
    "CASSIOPEIA_PORT",
    "CASSIOPEIA_BACKUP_DIR",
    "CASSIOPEIA_BACKUP_EVERY",
    "CASSIOPEIA_BACKUP_KEEP",
    "PYTHON_IMAGE",
    "POSTGRES_IMAGE",
    "VALKEY_IMAGE",
}


def variables(container: str) -> dict[str, bool]:
    """Return the variables that a container's program knows, and which of them are secret."""
    known: dict[str, bool] = {}
    for field, info in settings(container).model_fields.items():
        names = [f"CASSIOPEIA_{field.upper()}"]
        if isinstance(info.validation_alias, AliasChoices):
            names = [str(choice) for choice in info.validation_alias.choices]
        known |= dict.fromkeys(names, info.annotation is SecretStr)
    return known


def secret_files(container: str) -> set[str]:
    """Return the variables of a container that name the file of a secret."""
    return {name for name in CONTAINERS[container]["environment"] if name.endswith("_FILE")}


def test_every_process_has_a_container() -> None:
    """One for each folder with a `__main__.py`, the backups, the two servers, and no other."""
    assert set(CONTAINERS) == {*OURS, *SERVERS}


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_is_built_for_its_service(service: str) -> None:
    """The folder, the lock and the image have the container's name."""
    container = CONTAINERS[service]
    assert container["build"]["args"]["SERVICE"] == service
    assert container["image"] == f"cassiopeia/{service}"
    context = (FOLDER / container["build"]["context"]).resolve()
    assert context == CHECKOUT
    assert (context / container["build"]["dockerfile"]).is_file()
    assert (context / "requirements" / f"{service}.txt").is_file()


def test_only_the_gateway_is_reached_from_outside() -> None:
    """It alone publishes a port, and on this machine only unless it is told otherwise."""
    assert [name for name, container in CONTAINERS.items() if "ports" in container] == ["gateway"]
    [port] = CONTAINERS["gateway"]["ports"]
    assert port.startswith("${CASSIOPEIA_HOST:-127.0.0.1}:")


def test_who_needs_no_way_out_has_none() -> None:
    """The servers and what talks to nobody else are on a network that leads nowhere."""
    assert COMPOSE["networks"]["servers"]["internal"] is True
    inside = {name for name, known in CONTAINERS.items() if known["networks"] == ["servers"]}
    assert inside == {*SERVERS, "persistence", "backup"}


@pytest.mark.parametrize("container", OURS)
def test_a_container_of_ours_may_do_little(container: str) -> None:
    """It writes to its volumes only, has no capability, and ends and starts as a service does."""
    known = CONTAINERS[container]
    assert known["read_only"] is True
    assert known["cap_drop"] == ["ALL"]
    assert known["init"] is True
    stop = re.fullmatch(r"(\d+)s", known["stop_grace_period"])
    assert stop is not None
    assert float(stop[1]) > settings(container).model_fields["stop_seconds"].default
    assert not known.get("privileged")
    assert "user" not in known


@pytest.mark.parametrize("container", CONTAINERS)
def test_no_container_can_take_the_machine(container: str) -> None:
    """It is restarted, its memory and its log end somewhere, and it can become nobody else."""
    known = CONTAINERS[container]
    assert known["restart"] == "unless-stopped"
    assert {"memory", "pids"} <= known["deploy"]["resources"]["limits"].keys()
    assert known["logging"]["options"].keys() >= {"max-size", "max-file"}
    assert known["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("container", CONTAINERS)
def test_replicas_have_names_of_their_own(container: str) -> None:
    """Nothing fixes what has to differ between replicas."""
    assert not {"container_name", "hostname"} & CONTAINERS[container].keys()
    assert "CASSIOPEIA_REPLICA" not in CONTAINERS[container].get("environment", {})


@pytest.mark.parametrize("container", OURS)
def test_every_variable_is_a_setting(container: str) -> None:
    """A name that nobody reads is a slip; a secret comes from a file, and nothing else does."""
    known = variables(container)
    for name in CONTAINERS[container]["environment"]:
        assert known[name.removesuffix("_FILE")] is name.endswith("_FILE"), name


@pytest.mark.parametrize("container", OURS)
def test_every_secret_can_be_a_file(container: str) -> None:
    """Each secret among the settings of a service has its file."""
    secret = {f"{name}_FILE" for name, is_secret in variables(container).items() if is_secret}
    own = {name for name in secret if name.startswith("CASSIOPEIA_")}
    assert secret_files(container) == own


@pytest.mark.parametrize("container", OURS)
def test_a_container_sees_the_secrets_that_it_reads(container: str) -> None:
    """What a variable names is mounted, and nothing besides."""
    known = CONTAINERS[container]
    named = {known["environment"][name] for name in secret_files(container)}
    assert named == {f"/run/secrets/{secret}" for secret in known["secrets"]}


def test_the_gateway_has_a_role_that_only_reads() -> None:
    """It never sees the owner's URL, and nobody but the server sees both."""
    holders = {
        secret: {name for name, known in CONTAINERS.items() if secret in known.get("secrets", [])}
        for secret in ("database_url", "gateway_database_url", "postgres_password")
    }
    assert holders == {
        "database_url": {"postgres", "persistence", "backup"},
        "gateway_database_url": {"postgres", "gateway"},
        "postgres_password": {"postgres"},
    }


def texts(value: Any) -> list[str]:
    """Return every string in a document."""
    if isinstance(value, dict):
        return list(itertools.chain.from_iterable(map(texts, value.values())))
    if isinstance(value, list):
        return list(itertools.chain.from_iterable(map(texts, value)))
    return [value] if isinstance(value, str) else []


def test_no_secret_is_in_the_file() -> None:
    """Secrets are files that git does not see; the file holds no address with a password."""
    for secret in COMPOSE["secrets"].values():
        assert secret.keys() == {"file"}
        assert secret["file"].startswith("secrets/")
    assert "deploy/compose/secrets/" in (CHECKOUT / ".gitignore").read_text().splitlines()
    for text in texts(CONTAINERS):
        assert not re.search(r"://[^/\s]*:[^/\s]*@", text), text


def test_what_a_person_may_set_has_a_default() -> None:
    """The file needs no environment, and takes no variable that is not documented."""
    asked = re.findall(r"(?<!\$)\$\{(\w+)(:-[^}]+)?\}", (FOLDER / "compose.yaml").read_text())
    assert {name for name, _ in asked} == OF_COMPOSE
    assert all(default for _, default in asked)
    page = (CHECKOUT / "docs" / "architecture" / "compose.md").read_text()
    assert [name for name in OF_COMPOSE if f"`{name}`" not in page] == []


def test_the_broker_loses_nothing() -> None:
    """The settings of ADR 0001: on the disk before it answers, and nothing thrown away."""
    words = CONTAINERS["valkey"]["command"]
    options = dict(itertools.pairwise(words))
    assert options["--appendonly"] == "yes"
    assert options["--appendfsync"] == "always"
    assert options["--maxmemory-policy"] == "noeviction"


def test_compose_takes_the_file(tmp_path: Path) -> None:
    """Docker Compose itself finds nothing wrong with it, in an environment without any variable."""
    docker = shutil.which("docker")
    probe = [docker or "docker", "compose", "version"]
    if not docker or subprocess.run(probe, capture_output=True, check=False).returncode:  # noqa: S603 - ours
        pytest.skip("`docker compose` is not on this machine: compose.yaml is parsed as YAML only")
    done = subprocess.run(  # noqa: S603 - our own command line
        [docker, "compose", "-f", str(FOLDER / "compose.yaml"), "config", "--quiet"],
        cwd=tmp_path,
        env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
