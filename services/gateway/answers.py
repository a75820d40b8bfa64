"""How answers are sent: with validators, age, and compression for clients that accept it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from aiohttp import web
from pydantic import BaseModel

from services.gateway.cache import Kept, Kind
from services.gateway.keys import CLOCK
from services.gateway.problems import ProblemError, Slug
from services.gateway.ready import Ready
from services.gateway.whole import WholeAnswer, fits

# Clients revalidate each time: a conditional request costs next to nothing.
REVALIDATE = "no-cache"
# An event may change an answer at any time, but cannot reach the copy that a client keeps.
MAX_CLIENT_S = 300
_READS = frozenset({"GET", "HEAD"})


def send_ready(
    request: web.Request, ready: Ready, now: datetime, headers: Mapping[str, str] | None = None
) -> web.StreamResponse:
    """Send a latest value; it is as old as its datum, unless `headers` say otherwise."""
    return _send(request, ready, {**latest_headers(ready, now), **(headers or {})})


def latest_headers(ready: Ready, now: datetime) -> dict[str, str]:
    """Return the headers that say how old a latest value is and how it may be cached."""
    age_s = max(0, int((now - ready.time).total_seconds()))
    return {
        "Age": str(age_s),
        "Cache-Control": REVALIDATE,
        "Last-Modified": ready.last_modified,
    }


def send_kept(request: web.Request, kept: Kept, kind: Kind, now: datetime) -> web.StreamResponse:
    """Send an answer from the cache; its age counts from the query that made it.

    Raises:
        ProblemError: 404: what was asked for does not exist.
    """
    if kept.ready is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, Slug.NOT_FOUND, f"there is no {request.path}")
    return _send(request, kept.ready, kept_headers(kept, kind, now))


def kept_headers(kept: Kept, kind: Kind, now: datetime) -> dict[str, str]:
    """Return the headers that say how old a cached answer is and how long it stays fresh."""
    age_s = max(0, int((now - kept.made_at).total_seconds()))
    left_s = int(kind.fresh_s) - age_s
    # RFC 9211: a negative `ttl` marks an answer that is served stale.
    status = f"cassiopeia; {kept.how}; ttl={left_s}"
    fresh = max(0, min(left_s, MAX_CLIENT_S))
    headers = {
        "Age": str(age_s),
        "Cache-Control": f"public, max-age={fresh}, stale-while-revalidate={int(kind.stale_s)}",
        "Cache-Status": status + ("; detail=stale" if kept.is_stale else ""),
    }
    if kept.ready is not None:
        headers["Last-Modified"] = kept.ready.last_modified
    return headers


def send_model(
    request: web.Request,
    model: BaseModel,
    headers: Mapping[str, str] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> web.StreamResponse:
    """Send a model of this moment as JSON, with an ETag of its bytes as its only validator."""
    ready = Ready.of(model.model_dump_json().encode(), request.app[CLOCK].now())
    return _send(request, ready, {"Cache-Control": REVALIDATE, **(headers or {})}, status)


def _send(
    request: web.Request,
    ready: Ready,
    headers: dict[str, str],
    status: HTTPStatus = HTTPStatus.OK,
) -> web.StreamResponse:
    accepted = request.headers.get("Accept-Encoding", "")
    # Only GET and HEAD answer with a representation that the client may already have.
    is_read = request.method in _READS
    if is_read and _has_it(request, ready, headers):
        _validate(ready, accepted, headers)
        body, status = b"", HTTPStatus.NOT_MODIFIED
    else:
        body = describe(ready, accepted, headers)
        if not is_read:
            del headers["ETag"]
    if ready.policy is not None:
        headers["Content-Security-Policy"] = ready.policy
    elif fits(request):
        return WholeAnswer(status, headers, body)
    return web.Response(status=status, headers=headers, body=body)


def describe(ready: Ready, accepted: str, headers: dict[str, str]) -> bytes:
    """Add the headers that describe an answer; return its body, plain or compressed.

    Args:
        ready: The answer.
        accepted: The request's `Accept-Encoding`.
        headers: The headers of the answer, to which this adds.
    """
    headers["Content-Type"] = ready.media
    if not _validate(ready, accepted, headers):
        return ready.body
    headers["Content-Encoding"] = "gzip"
    return ready.gzipped


def _validate(ready: Ready, accepted: str, headers: dict[str, str]) -> bool:
    """Add the validators; return whether the client gets the compressed form."""
    is_gzipped = ready.is_worth_compressing and takes_gzip(accepted)
    # The compressed form is other bytes, so its strong validator differs (RFC 9110, 8.8.3.3).
    headers["ETag"] = f'{ready.etag[:-1]}-gzip"' if is_gzipped else ready.etag
    if ready.link is not None:
        headers["Link"] = ready.link
    if ready.is_worth_compressing:
        headers["Vary"] = "Accept-Encoding"
    return is_gzipped


def _has_it(request: web.Request, ready: Ready, headers: Mapping[str, str]) -> bool:
    known = request.headers.get("If-None-Match")
    if known is not None:
        return has_tag(known, ready.etag)
    since = request.headers.get("If-Modified-Since")
    if since is None or "Last-Modified" not in headers:
        return False
    try:
        moment = parsedate_to_datetime(since)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return ready.changed_at.replace(microsecond=0) <= moment
    except (ValueError, OverflowError):
        # The header is no date, or its zone or year is out of range.
        return False


def has_tag(known: str, etag: str) -> bool:
    """Whether an `If-None-Match` names an answer, in its plain or its compressed form."""
    # Without its closing quote, the plain tag is also the beginning of the compressed form's tag.
    return etag[:-1] in known or known.strip() == "*"


def takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` takes gzip, by its entry for gzip or else its entry for `*`."""
    takes: dict[str, bool] = {}
    for choice in accepted.lower().replace(" ", "").split(","):
        name, _, weight = choice.partition(";")
        takes[name] = weight not in {"q=0", "q=0.", "q=0.0", "q=0.00", "q=0.000"}
    return takes.get("gzip", takes.get("*", False))
