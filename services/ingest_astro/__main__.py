"""`python -m services.ingest_astro`."""

import sys

from libs.common.runtime import run
from services.ingest_astro.bootstrap import bootstrap
from services.ingest_astro.settings import IngestAstroSettings

if __name__ == "__main__":
    sys.exit(run("ingest_astro", IngestAstroSettings, bootstrap))
