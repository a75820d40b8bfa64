"""`python -m services.persistence`, and `... migrate` to bring the schema up to date and end."""

import sys

from libs.common.database import SCHEMA_REVISION
from libs.common.errors import CassiopeiaError, ConfigurationError
from libs.common.logging import get_logger, setup_logging
from libs.common.runtime import EXIT_CONFIGURATION, EXIT_FAILURE, EXIT_OK, run
from libs.common.settings import load_settings
from services.persistence.bootstrap import bootstrap
from services.persistence.schema import upgrade
from services.persistence.settings import PersistenceSettings

_log = get_logger("services.persistence")

USAGE = "usage: python -m services.persistence [migrate]"


def main(arguments: list[str]) -> int:
    """Run the service or one of its commands; return the exit code."""
    if not arguments:
        return run("persistence", PersistenceSettings, bootstrap)
    if arguments == ["migrate"]:
        return migrate()
    print(USAGE, file=sys.stderr)  # noqa: T201 - a command line speaks to a person
    return EXIT_CONFIGURATION


def migrate() -> int:
    """Bring the schema up to date; return the exit code."""
    try:
        settings = load_settings(PersistenceSettings)
        setup_logging(settings, "persistence")
        upgrade(settings.database_url.get_secret_value())
    except CassiopeiaError as error:
        print(f"migrate: {error}", file=sys.stderr)  # noqa: T201 - a command line speaks to a person
        wrong_setting = isinstance(error, ConfigurationError)
        return EXIT_CONFIGURATION if wrong_setting else EXIT_FAILURE
    _log.info("schema_is_current", revision=SCHEMA_REVISION)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
