"""How answers are sent: ready-made ones with validators and age, models as JSON."""

from datetime import datetime
from http import HTTPStatus

from aiohttp import web
from pydantic import BaseModel

from services.gateway.latest import Ready

_JSON = "application/json"


def send_ready(request: web.Request, ready: Ready, now: datetime) -> web.Response:
    """Send a ready-made answer, or 304 to a client that has it; both say how old it is."""
    headers = {
        "ETag": ready.etag,
        "Last-Modified": ready.last_modified,
        "Age": str(max(0, int((now - ready.time).total_seconds()))),
        # Ask again each time: a conditional request costs next to nothing.
        "Cache-Control": "no-cache",
    }
    if ready.etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(body=ready.body, headers={**headers, "Content-Type": _JSON})


def send_model(model: BaseModel, headers: dict[str, str] | None = None) -> web.Response:
    """Send a model as JSON."""
    return web.Response(
        body=model.model_dump_json().encode(),
        headers={"Cache-Control": "no-cache", **(headers or {}), "Content-Type": _JSON},
    )
