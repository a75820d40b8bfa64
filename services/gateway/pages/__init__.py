"""Pages for people: HTML, a style sheet and a script of the project; nothing from elsewhere."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from string import Template

from aiohttp import web

from services.gateway.answers import send_ready
from services.gateway.keys import CLOCK
from services.gateway.ready import Ready
from services.gateway.routing import HTML, OldParams, Route

_FOLDER = Path(__file__).parent
_TITLES = {
    "dashboard": "Dashboard",
    "iss": "ISS",
    "jwst": "JWST",
    "astro": "Sky",
    "osdr": "Open science",
}
_ASSETS = {
    "pages.css": "text/css; charset=utf-8",
    "pages.js": "text/javascript; charset=utf-8",
}
# Whatever a record holds, a page runs and loads only what comes from here. NASA's picture of the
# day is the one exception.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' https://apod.nasa.gov; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


def page(name: str) -> str:
    """Return a page: its own content in the common layout."""
    links = "".join(
        f'<li><a href="/{each}"{_CURRENT if each == name else ""}>{title}</a></li>'
        for each, title in _TITLES.items()
    )
    layout = Template((_FOLDER / "layout.html").read_text())
    main = (_FOLDER / f"{name}.html").read_text()
    return layout.substitute(name=name, title=_TITLES[name], links=links, main=main)


_CURRENT = ' aria-current="page"'


def _sending(ready: Ready) -> Callable[[web.Request, OldParams], Awaitable[web.StreamResponse]]:
    async def send(request: web.Request, _: OldParams) -> web.StreamResponse:
        return send_ready(request, ready, request.app[CLOCK].now())

    return send


def _routes() -> tuple[Route, ...]:
    # Pages change only with a release.
    began = datetime.now(UTC)
    pages = [
        Route(
            path=f"/{name}",
            handler=_sending(Ready.of(page(name).encode(), began, media=HTML, policy=POLICY)),
            summary=f"A page for people: {title}.",
            tag="pages",
            params=OldParams,
            media=HTML,
            cost=0,
        )
        for name, title in _TITLES.items()
    ]
    assets = [
        Route(
            path=f"/assets/{name}",
            handler=_sending(Ready.of((_FOLDER / name).read_bytes(), began, media=media)),
            summary="What the pages look like, and what they do.",
            tag="pages",
            params=OldParams,
            media=media,
            cost=0,
        )
        for name, media in _ASSETS.items()
    ]
    return (*pages, *assets)


ROUTES = _routes()
