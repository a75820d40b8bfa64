"""`python -m services.ingest_osdr`."""

import sys

from libs.common.runtime import run
from services.ingest_osdr.bootstrap import bootstrap
from services.ingest_osdr.settings import IngestOsdrSettings

if __name__ == "__main__":
    sys.exit(run("ingest_osdr", IngestOsdrSettings, bootstrap))
