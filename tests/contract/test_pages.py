"""The pages for people: what they load is here, and nothing else may run."""

import re
from html.parser import HTMLParser
from http import HTTPStatus

import pytest

from tests.gateways import Gateway

PAGES = ("/dashboard", "/iss", "/jwst", "/astro", "/osdr")


class Page(HTMLParser):
    """The tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.script_text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note what stands inside of a script or a style."""
        if self.tags and self.tags[-1][0] in {"script", "style"}:
            self.script_text += data.strip()


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_loads_what_is_here_and_nothing_inline(gateway: Gateway, path: str) -> None:
    """The policy forbids the rest; all links lead somewhere, all scripts and styles exist."""
    async with gateway.http.get(f"{path}?unknown=1") as response:
        assert response.status == HTTPStatus.OK
        assert response.content_type == "text/html"
        policy = response.headers["Content-Security-Policy"]
        page = Page(await response.text())
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert not page.script_text
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name == "style" or name.startswith("on")], tag
        for name in ("src", "href"):
            target = attributes.get(name)
            if target is not None and not target.startswith("#"):
                assert target.startswith("/"), target
                async with gateway.http.get(target) as response:
                    assert response.status == HTTPStatus.OK, target
    current = [tag for tag in page.tags if tag[1].get("aria-current") == "page"]
    assert [tag[1]["href"] for tag in current] == [path]


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_can_be_used_without_seeing_it(gateway: Gateway, path: str) -> None:
    """A language, a title, one heading, a landmark, and a label for every field."""
    async with gateway.http.get(path) as response:
        text = await response.text()
    page = Page(text)
    names = [tag for tag, _ in page.tags]
    assert dict(page.tags)["html"]["lang"] == "en"
    for name in ("title", "h1", "main", "nav"):
        assert names.count(name) == 1
    fields = len(re.findall(r"<(input|select)\b", text))
    assert len(re.findall(r"<label>[^<]+<(input|select)\b", text)) == fields


async def test_the_script_names_only_what_a_page_has(gateway: Gateway) -> None:
    """Every element that it looks up is on some page, every API path that it asks is a route."""
    async with gateway.http.get("/assets/pages.js") as response:
        assert response.content_type == "text/javascript"
        script = await response.text()
    known: set[str | None] = set()
    for path in PAGES:
        async with gateway.http.get(path) as response:
            known |= {attributes.get("id") for _, attributes in Page(await response.text()).tags}
    wanted = re.findall(r'(?:byId|fill|facts)\("([a-z]+)"', script)
    assert wanted
    assert set(wanted) <= known
    async with gateway.http.get("/openapi.json") as response:
        routes = (await response.json())["paths"]
    asked = set(re.findall(r'"(/api/v1/[a-z/]+)"', script))
    assert len(asked) > 5
    assert asked <= routes.keys()
    assert not re.search(r"innerHTML|insertAdjacentHTML|document\.write|eval\(", script)


async def test_browsers_are_shown_the_dashboard_and_programs_the_index(gateway: Gateway) -> None:
    """By what they accept."""
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    async with gateway.http.get("/", headers=browser, allow_redirects=False) as response:
        assert response.status == HTTPStatus.FOUND
        assert response.headers["Location"] == "/dashboard"
        assert "Accept" in response.headers["Vary"]
    async with gateway.http.get("/") as response:
        assert response.content_type == "application/json"
        assert (await response.json())["name"] == "Cassiopeia"
