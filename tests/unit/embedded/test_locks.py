"""The locks in requirements/: complete, in agreement, and free of addresses."""

import contextlib
import re
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.servers import CHECKOUT

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
EXTRAS = list(PROJECT["optional-dependencies"])


def entries(extra: str) -> list[str]:
    """Return the entries of a lock, each joined into one line."""
    text = (CHECKOUT / "requirements" / f"{extra}.txt").read_text()
    return text.replace("\\\n", "").splitlines()


def pins(extra: str) -> dict[str, Version]:
    """Return the locked version of every package."""
    found = {}
    for entry in entries(extra):
        name, version = re.split(r"==|\s", entry, maxsplit=2)[:2]
        found[str(canonicalize_name(name))] = Version(version)
    return found


def declared(extra: str) -> list[Requirement]:
    """Return what pyproject.toml asks for: the base, the extra, and the extras that it names."""
    found = [Requirement(text) for text in PROJECT["dependencies"]]
    for text in PROJECT["optional-dependencies"][extra]:
        requirement = Requirement(text)
        if requirement.name == PROJECT["name"]:
            for inner in requirement.extras:
                found += declared(inner)
        else:
            found.append(requirement)
    return found


def test_there_is_a_lock_for_every_extra() -> None:
    """Every extra of pyproject.toml has its lock, and there is no other file."""
    files = {path.stem for path in (CHECKOUT / "requirements").iterdir()}
    assert files == set(EXTRAS)


@pytest.mark.parametrize("extra", EXTRAS)
def test_every_package_is_pinned_with_hashes(extra: str) -> None:
    """Each entry is NAME==VERSION with at least one SHA-256, and nothing else is in the file."""
    for entry in entries(extra):
        assert re.fullmatch(
            r"[a-z0-9-]+==[0-9][0-9a-z.]*\s+(; [^\\]+?)?(\s*--hash=sha256:[0-9a-f]{64})+", entry
        ), entry


@pytest.mark.parametrize("extra", EXTRAS)
def test_no_address_is_in_a_lock(extra: str) -> None:
    """A lock names packages, not where they come from."""
    text = "\n".join(entries(extra))
    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize("extra", EXTRAS)
def test_locks_agree(extra: str) -> None:
    """Every lock is a part of the one for development, with the same versions."""
    everything = pins("dev")
    assert pins(extra).items() <= everything.items()


@pytest.mark.parametrize("extra", EXTRAS)
def test_a_lock_holds_what_the_project_asks_for(extra: str) -> None:
    """What pyproject.toml asks for is locked at a version that it allows."""
    locked = pins(extra)
    for requirement in declared(extra):
        version = locked[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


@pytest.mark.parametrize("extra", EXTRAS)
def test_nothing_is_locked_that_nobody_needs(extra: str) -> None:
    """Every locked package is asked for by pyproject.toml or by another package of the lock."""
    locked = pins(extra)
    needed = {str(canonicalize_name(requirement.name)) for requirement in declared(extra)}
    for name in locked:
        # A package for another system is not installed here; nothing more hangs on it.
        with contextlib.suppress(metadata.PackageNotFoundError):
            for text in metadata.requires(name) or []:
                needed.add(str(canonicalize_name(Requirement(text).name)))
    assert locked.keys() - needed == set()
