"""`/openapi.json` and `/docs`: both come from the route table, and say all of it."""

import json
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any

from yarl import URL

from libs.common.version import VERSION
from services.gateway.application import ROUTES
from services.gateway.problems import Slug
from tests.gateways import Gateway

COMMITTED = Path(__file__).parents[2] / "docs" / "schemas" / "openapi.json"
SEGMENT = re.compile(r"{(\w+)}")


async def described(gateway: Gateway) -> dict[str, Any]:
    """Return the OpenAPI document."""
    async with gateway.http.get("/openapi.json") as response:
        assert response.status == HTTPStatus.OK
        document: dict[str, Any] = await response.json()
        return document


async def test_every_route_is_described_once(gateway: Gateway) -> None:
    """Nothing is served that is not in it, and nothing is in it that is not served."""
    document = await described(gateway)
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == VERSION
    operations = {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    assert set(operations) == {(route.method, route.path) for route in ROUTES}
    names = [operation["operationId"] for operation in operations.values()]
    assert len(names) == len(set(names))
    for (_, path), operation in operations.items():
        in_path = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
        assert in_path == set(SEGMENT.findall(path)), path


async def test_every_reference_leads_somewhere(gateway: Gateway) -> None:
    """A generator of clients would stop at one that does not."""
    document = await described(gateway)
    references = set(re.findall(r'"\$ref": ?"([^"]+)"', json.dumps(document)))
    assert references
    for reference in references:
        node: Any = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


async def test_the_document_is_the_committed_one(gateway: Gateway) -> None:
    """A change of the API shows in review; `make schemas` writes the file."""
    assert await described(gateway) == json.loads(COMMITTED.read_text(encoding="utf-8"))


async def test_the_page_shows_every_path_and_runs_nothing(gateway: Gateway) -> None:
    """It needs no network, no script, and no permission for either."""
    async with gateway.http.get("/docs") as response:
        assert response.status == HTTPStatus.OK
        assert response.content_type == "text/html"
        policy = response.headers["Content-Security-Policy"]
        page = await response.text()
    assert "script-src" not in policy
    assert "default-src 'none'" in policy
    assert "<script" not in page
    assert "`" not in page
    for route in ROUTES:
        assert f"<code>{route.path}</code>" in page
    (style,) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
    async with gateway.http.get(style) as response:
        assert response.status == HTTPStatus.OK
        assert response.content_type == "text/css"


async def test_links_within_the_page_lead_somewhere(gateway: Gateway) -> None:
    """Every model that is named has its place."""
    async with gateway.http.get("/docs") as response:
        page = await response.text()
    places = set(re.findall(r'id="([^"]+)"', page))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= places


async def test_the_type_of_a_problem_leads_to_what_it_means(gateway: Gateway) -> None:
    """Every kind has its place on the page, and the document of a problem points at it."""
    async with gateway.http.get("/api/v1/sources/moon") as response:
        address = URL((await response.json(content_type=None))["type"])
    assert address.fragment == Slug.NOT_FOUND.anchor
    async with gateway.http.get(address.path) as response:
        page = await response.text()
    for slug in Slug:
        assert f'id="{slug.anchor}"' in page
        assert slug.meaning.endswith(".")


async def test_the_index_leads_to_what_is_there(gateway: Gateway) -> None:
    """Each link is a route of this API."""
    async with gateway.http.get("/") as response:
        links = (await response.json())["links"]
    assert set(links.values()) <= {route.path for route in ROUTES}
    assert {"docs", "openapi", "graphql", "datasets", "images", "sky_events"} <= links.keys()
