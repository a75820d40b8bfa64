"""`python -m deploy.embedded COMMAND`: the suite on this machine, without Docker."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.embedded.console import complain
from deploy.embedded.errors import EmbeddedError, StopRequested
from deploy.embedded.settings import RunSettings, read_settings
from deploy.embedded.suite import SUITE, Suite

CHECKOUT = Path(__file__).resolve().parent.parent.parent


def main(
    arguments: Sequence[str],
    environ: Mapping[str, str] | None = None,
    suite: Suite = SUITE,
) -> int:
    """Carry out a command and return its exit code.

    Args:
        arguments: The command line without the program's name.
        environ: The environment variables; the process's own when left out.
        suite: The services to run.
    """
    chosen = _parser().parse_args(arguments)
    known = os.environ if environ is None else environ
    try:
        return _carry_out(chosen, read_settings(known, CHECKOUT, suite.names), known, suite)
    except EmbeddedError as error:
        complain(str(error))
        return 1
    except StopRequested:
        complain("stopped")
        return 1


def _carry_out(
    chosen: argparse.Namespace, settings: RunSettings, environ: Mapping[str, str], suite: Suite
) -> int:
    # Each command imports only what it needs, because the driver stays in memory for a whole run.
    if chosen.command == "run":
        from deploy.embedded.driver import run  # noqa: PLC0415 - see above

        run(settings, suite, environ)
        return 0
    if chosen.command == "logs":
        from deploy.embedded.logs import show  # noqa: PLC0415 - see above

        return show(settings.data, chosen.service, follow=chosen.follow)
    if chosen.command in {"backup", "restore"}:
        from deploy.embedded import maintenance  # noqa: PLC0415 - see above

        if chosen.command == "backup":
            return maintenance.back_up(settings, suite, environ)
        options = ["--replace"] if chosen.replace else []
        file = str(chosen.file.absolute())
        return maintenance.restore(settings, suite, environ, [file, *options])
    from deploy.embedded import status  # noqa: PLC0415 - see above

    return status.stop(settings) if chosen.command == "stop" else status.status(settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="start everything; Ctrl-C stops it")
    commands.add_parser("stop", help="stop a run, and wait until it is over")
    commands.add_parser("status", help="show the processes and the sources of the run")
    commands.add_parser("backup", help="back up the database; it may be running")
    restore = commands.add_parser("restore", help="put a backup into an empty database")
    restore.add_argument("file", type=Path)
    restore.add_argument("--replace", action="store_true", help="drop what is in it at first")
    logs = commands.add_parser("logs", help="show the newest log lines")
    logs.add_argument("service", nargs="?", help="a service or a replica; all when left out")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until Ctrl-C")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
