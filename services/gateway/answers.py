"""How answers are sent: with validators, age, and compression for whoever takes it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from aiohttp import web
from pydantic import BaseModel

from services.gateway.cache import Kept, Kind
from services.gateway.problems import ProblemError
from services.gateway.ready import JSON, Ready
from services.gateway.whole import WholeAnswer, fits

# Ask again each time: a conditional request costs next to nothing.
REVALIDATE = "no-cache"


def send_ready(request: web.Request, ready: Ready, now: datetime) -> web.StreamResponse:
    """Send a latest value, which is as old as what it says."""
    return _send(request, ready, latest_headers(ready, now))


def latest_headers(ready: Ready, now: datetime) -> dict[str, str]:
    """Return the headers of a latest value that say how old it is and who may keep it."""
    age_s = max(0, int((now - ready.time).total_seconds()))
    return {"Age": str(age_s), "Cache-Control": REVALIDATE}


def send_kept(request: web.Request, kept: Kept, kind: Kind, now: datetime) -> web.StreamResponse:
    """Send an answer of the cache, which is as old as the query that made it.

    Raises:
        ProblemError: 404: what was asked for does not exist.
    """
    if kept.ready is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, "not-found", f"there is no {request.path}")
    return _send(request, kept.ready, kept_headers(kept, kind, now))


def kept_headers(kept: Kept, kind: Kind, now: datetime) -> dict[str, str]:
    """Return the headers of an answer of the cache: how old it is, and how long it is good."""
    age_s = max(0, int((now - kept.made_at).total_seconds()))
    left_s = int(kind.fresh_s) - age_s
    # RFC 9211; a negative `ttl` marks what is served stale.
    status = f"cassiopeia; {kept.how}; ttl={left_s}"
    fresh = max(0, left_s)
    return {
        "Age": str(age_s),
        "Cache-Control": f"public, max-age={fresh}, stale-while-revalidate={int(kind.stale_s)}",
        "Cache-Status": status + ("; detail=stale" if kept.is_stale else ""),
    }


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
    body, status = b"", HTTPStatus.NOT_MODIFIED
    if not _has_it(request, ready):
        accepted = request.headers.get("Accept-Encoding", "")
        body, status = describe(ready, accepted, headers), HTTPStatus.OK
    else:
        headers |= _validators(ready)
    if ready.policy is not None:
        headers["Content-Security-Policy"] = ready.policy
    elif fits(request):
        return WholeAnswer(status, headers, body)
    return web.Response(status=status, headers=headers, body=body)


def describe(ready: Ready, accepted: str, headers: dict[str, str]) -> bytes:
    """Add the headers that describe an answer; return the form of its body that they describe.

    Args:
        ready: The answer.
        accepted: The request's `Accept-Encoding`.
        headers: Where they go.
    """
    headers |= _validators(ready)
    headers["Content-Type"] = ready.media
    if not (ready.is_worth_compressing and takes_gzip(accepted)):
        return ready.body
    headers["Content-Encoding"] = "gzip"
    # Other bytes, another strong validator (RFC 9110, 8.8.3.3).
    headers["ETag"] = f'{ready.etag[:-1]}-gzip"'
    return ready.gzipped


def _validators(ready: Ready) -> dict[str, str]:
    headers = {"ETag": ready.etag, "Last-Modified": ready.last_modified}
    if ready.link is not None:
        headers["Link"] = ready.link
    if ready.is_worth_compressing:
        headers["Vary"] = "Accept-Encoding"
    return headers


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


def takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` takes gzip."""
    for choice in accepted.split(","):
        name, _, weight = choice.partition(";")
        if name.strip().lower() in {"gzip", "*"}:
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
