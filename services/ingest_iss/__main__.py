"""`python -m services.ingest_iss`."""

import sys

from libs.common.runtime import run
from services.ingest_iss.bootstrap import bootstrap
from services.ingest_iss.settings import IngestIssSettings

if __name__ == "__main__":
    sys.exit(run("ingest_iss", IngestIssSettings, bootstrap))
