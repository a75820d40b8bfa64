"""`python -m tests.e2e.standin_suite run|stop|status|logs`: the run, with stand-ins as services."""

import os
import sys

from deploy.embedded.__main__ import main
from deploy.embedded.suite import Service, Suite

SUITE = Suite(
    services=(
        Service("worker", "tests.e2e.standin"),
        Service("web", "tests.e2e.standin", database="reader"),
    ),
    migration=("-c", os.environ.get("STANDIN_MIGRATION", "")),
)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], suite=SUITE))
