"""The image: its lock is enough for its service, and its recipe lets nothing in besides."""

import os
import re
import subprocess
import sys
from importlib import metadata

import pytest
from packaging.utils import canonicalize_name

from tests.servers import CHECKOUT
from tests.unit.compose.files import FOLDER, SERVICES

RECIPE = (FOLDER / "Dockerfile").read_text()

# Hides the modules named in the environment, as if they were not installed, then imports all of a
# service, what its commands load later included.
IMPORTER = """
import os, pkgutil, sys
from importlib import import_module
hidden = set(os.environ["HIDDEN"].split())
class Hider:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Hider())
service = import_module(f"services.{sys.argv[1]}")
for module in pkgutil.walk_packages(service.__path__, service.__name__ + "."):
    # Alembic alone can load this one.
    if not module.name.endswith(".migrations.env"):
        import_module(module.name)
"""


def hidden_from(service: str) -> set[str]:
    """Return the modules installed here that the lock of a service does not bring."""
    lock = (CHECKOUT / "requirements" / f"{service}.txt").read_text()
    locked = {canonicalize_name(name) for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}
    return {
        module
        for module, owners in metadata.packages_distributions().items()
        if not locked & {canonicalize_name(owner) for owner in owners}
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_lock_holds_all_that_its_service_imports(service: str) -> None:
    """Every module of a service can be imported with the packages of its own lock alone."""
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-c", IMPORTER, service],
        cwd=CHECKOUT,
        env=os.environ | {"HIDDEN": " ".join(hidden_from(service))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-1_000:]


def test_what_is_copied_is_let_into_the_build() -> None:
    """`.dockerignore` names each source of the recipe, and none that is not there."""
    ignored = (CHECKOUT / ".dockerignore").read_text().splitlines()
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    sources = {
        source
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", RECIPE, re.MULTILINE)
        for source in line.split()
    }
    needed = {source if source in allowed else source.split("/")[0] for source in sources}
    assert "*" in ignored
    assert needed == allowed
    assert all((CHECKOUT / path).exists() for path in allowed)


def test_the_image_is_somebody_without_rights() -> None:
    """Its user is not root, packages are checked against the lock, and no secret is built in."""
    assert re.search(r"^USER cassiopeia$", RECIPE, re.MULTILINE)
    assert "--require-hashes" in RECIPE
    assert "--only-binary :all:" in RECIPE
    assert "secrets" not in RECIPE


def test_signals_reach_the_service() -> None:
    """The shell of the entry point gives way to Python, and the stop signal is SIGTERM."""
    last = (FOLDER / "entrypoint.sh").read_text().splitlines()[-1]
    assert last == 'exec python -m "services.$SERVICE" "$@"'
    assert re.search(r"^ENTRYPOINT \[", RECIPE, re.MULTILINE)
    assert re.search(r"^STOPSIGNAL SIGTERM$", RECIPE, re.MULTILINE)
