"""`python -m services.ingest_space`."""

import sys

from libs.common.runtime import run
from services.ingest_space.bootstrap import bootstrap
from services.ingest_space.settings import IngestSpaceSettings

if __name__ == "__main__":
    sys.exit(run("ingest_space", IngestSpaceSettings, bootstrap))
