"""`python -m services.gateway`."""

import sys

from libs.common.runtime import run
from services.gateway.bootstrap import bootstrap
from services.gateway.settings import GatewaySettings

if __name__ == "__main__":
    sys.exit(run("gateway", GatewaySettings, bootstrap))
