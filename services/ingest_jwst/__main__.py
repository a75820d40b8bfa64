"""`python -m services.ingest_jwst`."""

import sys

from libs.common.runtime import run
from services.ingest_jwst.bootstrap import bootstrap
from services.ingest_jwst.settings import IngestJwstSettings

if __name__ == "__main__":
    sys.exit(run("ingest_jwst", IngestJwstSettings, bootstrap))
