"""`make backup` and `make restore`: run persistence's commands with the servers they need."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from deploy.embedded import folder
from deploy.embedded.console import StopSignals
from deploy.embedded.driver import running_servers
from deploy.embedded.errors import EmbeddedError, StopRequested
from deploy.embedded.leftovers import MARK
from deploy.embedded.plan import Addresses, addresses, inherited_environment
from deploy.embedded.settings import RunSettings
from deploy.embedded.suite import Suite

_FOLDER = "CASSIOPEIA_BACKUP_DIR"


def back_up(settings: RunSettings, suite: Suite, environ: Mapping[str, str]) -> int:
    """Take a backup from a ready run, or from servers started for it; return the exit code.

    Raises:
        EmbeddedError: The servers cannot be started.
    """
    run = folder.read_run(settings.data) if folder.holder(settings.data) else None
    if run is not None:
        urls = Addresses(run["redis_url"], run["database_url"], "")
        with StopSignals.caught() as signals:
            return _carry_out(["backup"], settings, urls, environ, signals)
    with _servers(settings, suite, environ) as (urls, signals):
        return _carry_out(["backup"], settings, urls, environ, signals)


def restore(
    settings: RunSettings, suite: Suite, environ: Mapping[str, str], arguments: Sequence[str]
) -> int:
    """Put a backup back while nothing runs; return the command's exit code.

    Raises:
        EmbeddedError: The suite is running, or the servers cannot be started.
    """
    if folder.holder(settings.data):
        raise EmbeddedError(
            f"the suite runs in {settings.data}: end it with `make stop`, then restore again."
        )
    with _servers(settings, suite, environ) as (urls, signals):
        return _carry_out(["restore", *arguments], settings, urls, environ, signals)


@contextlib.contextmanager
def _servers(
    settings: RunSettings, suite: Suite, environ: Mapping[str, str]
) -> Iterator[tuple[Addresses, StopSignals]]:
    if settings.redis_url and settings.database_url:
        with StopSignals.caught() as signals:
            yield addresses(settings, []), signals
    else:
        with running_servers(settings, suite, environ) as running:
            yield running


def _carry_out(
    arguments: Sequence[str],
    settings: RunSettings,
    urls: Addresses,
    environ: Mapping[str, str],
    signals: StopSignals,
) -> int:
    """Run a command of persistence; a stop signal is passed on, and the command ends cleanly."""
    environment = inherited_environment(environ, MARK, settings.data)
    environment["CASSIOPEIA_DATABASE_URL"] = urls.owner_database
    environment["CASSIOPEIA_REDIS_URL"] = urls.redis
    environment[_FOLDER] = str(Path(environ.get(_FOLDER) or settings.data / "backups").absolute())
    process = subprocess.Popen(  # noqa: S603 - our own command line
        [sys.executable, "-m", "services.persistence", *arguments],
        cwd=settings.checkout,
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None:
        try:
            signals.pause(0.05)
        except StopRequested:
            process.terminate()
            break
    return process.wait()
