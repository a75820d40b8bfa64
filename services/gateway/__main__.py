"""`python -m services.gateway`; with `token` it issues a token instead."""

import sys

from libs.common.runtime import run
from services.gateway.bootstrap import bootstrap
from services.gateway.issuing import issue_token
from services.gateway.settings import GatewaySettings

if __name__ == "__main__":
    if sys.argv[1:2] == ["token"]:
        sys.exit(issue_token(sys.argv[2:]))
    sys.exit(run("gateway", GatewaySettings, bootstrap))
