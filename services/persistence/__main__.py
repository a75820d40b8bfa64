"""`python -m services.persistence`, and its commands."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from libs.common.database import SCHEMA_REVISION
from libs.common.errors import CassiopeiaError
from libs.common.logging import get_logger, setup_logging
from libs.common.runtime import EXIT_CONFIGURATION, EXIT_OK, exit_code_of, run
from libs.common.settings import load_settings
from services.persistence.bootstrap import bootstrap
from services.persistence.schema import upgrade
from services.persistence.settings import PersistenceSettings

_log = get_logger("services.persistence")

Command = Callable[[Sequence[str]], int]


def main(arguments: list[str]) -> int:
    """Run the service or one of its commands; return the exit code."""
    if not arguments:
        return run("persistence", PersistenceSettings, bootstrap)
    command = COMMANDS.get(arguments[0], usage)
    return command(arguments[1:])


def usage(_: Sequence[str]) -> int:
    """Print which commands there are; return the exit code."""
    text = f"usage: python -m services.persistence [{' | '.join(COMMANDS)}]"
    print(text, file=sys.stderr)  # noqa: T201 - a command line speaks to a person
    return EXIT_CONFIGURATION


def migrate(arguments: Sequence[str]) -> int:
    """Bring the schema up to date; return the exit code."""
    if arguments:
        return usage(arguments)
    try:
        settings = load_settings(PersistenceSettings)
        setup_logging(settings, "persistence")
        upgrade(settings.database_url.get_secret_value())
    except CassiopeiaError as error:
        print(f"migrate: {error}", file=sys.stderr)  # noqa: T201 - a command line speaks to a person
        return exit_code_of(error)
    _log.info("schema_is_current", revision=SCHEMA_REVISION)
    return EXIT_OK


def _of(module: str, name: str) -> Command:
    """Return a command that is imported when it is called, so that the service never loads it."""

    def command(arguments: Sequence[str]) -> int:
        called: Command = getattr(import_module(module), name)
        return called(arguments)

    return command


COMMANDS: dict[str, Command] = {
    "migrate": migrate,
    "dead": _of("services.persistence.dead.commands", "dead"),
    "backup": _of("services.persistence.backup.commands", "backup"),
    "restore": _of("services.persistence.backup.commands", "restore"),
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
