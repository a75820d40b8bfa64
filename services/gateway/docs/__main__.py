"""`python -m services.gateway.docs`: writes the OpenAPI document, which a test compares."""

import json
from pathlib import Path

from libs.common.version import VERSION
from services.gateway.api.description import TITLE
from services.gateway.application import ROUTES
from services.gateway.docs.openapi import document

FILE = Path(__file__).parents[3] / "docs" / "schemas" / "openapi.json"

if __name__ == "__main__":
    described = document(ROUTES, title=TITLE, version=VERSION)
    FILE.write_text(json.dumps(described, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
