"""How answers are sent: with validators, age, and compression for whoever takes it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from aiohttp import web
from pydantic import BaseModel

from services.gateway.cache import Kept, Kind
from services.gateway.problems import ProblemError
from services.gateway.ready import Ready
from services.gateway.routing import JSON
from services.gateway.whole import WholeAnswer, fits

# Ask again each time: a conditional request costs next to nothing.
REVALIDATE = "no-cache"


def send_ready(request: web.Request, ready: Ready, now: datetime) -> web.StreamResponse:
    """Send a latest value, which is as old as what it says."""
    age_s = max(0, int((now - ready.time).total_seconds()))
    return _send(request, ready, {"Age": str(age_s), "Cache-Control": REVALIDATE})


def send_kept(request: web.Request, kept: Kept, kind: Kind, now: datetime) -> web.StreamResponse:
    """Send an answer of the cache, which is as old as the query that made it.

    Raises:
        ProblemError: 404: what was asked for does not exist.
    """
    if kept.ready is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "not-found", f"there is no {request.path}")
    age_s = max(0, int((now - kept.made_at).total_seconds()))
    left_s = int(kind.fresh_s) - age_s
    # RFC 9211; a negative `ttl` marks what is served stale.
    status = f"cassiopeia; {kept.how}; ttl={left_s}"
    fresh = max(0, left_s)
    headers = {
        "Age": str(age_s),
        "Cache-Control": f"public, max-age={fresh}, stale-while-revalidate={int(kind.stale_s)}",
        "Cache-Status": status + ("; detail=stale" if kept.is_stale else ""),
    }
    return _send(request, kept.ready, headers)


def send_model(
    model: BaseModel,
    headers: Mapping[str, str] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> web.Response:
    """Send a model as JSON that nobody keeps."""
    return web.Response(
        status=status,
        body=model.model_dump_json().encode(),
        headers={"Cache-Control": REVALIDATE, **(headers or {}), "Content-Type": JSON},
    )


def _send(request: web.Request, ready: Ready, headers: dict[str, str]) -> web.StreamResponse:
    headers["ETag"] = ready.etag
    headers["Last-Modified"] = ready.last_modified
    if ready.link is not None:
        headers["Link"] = ready.link
    body, status = ready.body, HTTPStatus.OK
    if ready.is_worth_compressing:
        headers["Vary"] = "Accept-Encoding"
    if _has_it(request, ready):
        body, status = b"", HTTPStatus.NOT_MODIFIED
    else:
        headers["Content-Type"] = ready.media
        if ready.is_worth_compressing and _takes_gzip(request):
            headers["Content-Encoding"] = "gzip"
            # Other bytes, another strong validator (RFC 9110, 8.8.3.3).
            headers["ETag"] = f'{ready.etag[:-1]}-gzip"'
            body = ready.gzipped
    if ready.policy is not None:
        headers["Content-Security-Policy"] = ready.policy
    elif fits(request):
        return WholeAnswer(status, headers, body)
    return web.Response(status=status, headers=headers, body=body)


def _has_it(request: web.Request, ready: Ready) -> bool:
    known = request.headers.get("If-None-Match")
    if known is not None:
        # The tag without its closing quote: that of the compressed form begins alike.
        return ready.etag[:-1] in known or known.strip() == "*"
    since = request.headers.get("If-Modified-Since")
    if since is None:
        return False
    try:
        moment = parsedate_to_datetime(since)
    except ValueError:
        return False
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return ready.time.replace(microsecond=0) <= moment


def _takes_gzip(request: web.Request) -> bool:
    offered = request.headers.get("Accept-Encoding", "")
    for choice in offered.split(","):
        name, _, weight = choice.partition(";")
        if name.strip().lower() in {"gzip", "*"}:
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
