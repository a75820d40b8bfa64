"""`/api/v1/jwst/images/{image_id}/thumbnail`: the preview, from the disk or its archive."""

from http import HTTPStatus

from aiohttp import web
from pydantic import Field

from libs.common.events import JwstImageEvent
from services.gateway.answers import has_tag
from services.gateway.cache import Kind
from services.gateway.keys import CACHE, CLOCK, REPOSITORIES, THUMBNAILS
from services.gateway.problems import ProblemError, Slug, unavailable
from services.gateway.ready import Ready
from services.gateway.routing import Params, Text
from services.gateway.thumbnails import ArchiveAwayError, NoPictureError
from services.gateway.thumbnails.folder import file_name
from services.gateway.thumbnails.formats import picture_type

# The preview's address is cached, so that a kept thumbnail is served without the database.
_LINKS = Kind("jwst_previews", fresh_s=900.0, changed_by=frozenset({JwstImageEvent.TYPE}))
FOREVER = "public, max-age=31536000, immutable"


class ImageParams(Params):
    """Which image."""

    image_id: Text = Field(examples=["jw02731-o001_t017_nircam_clear-f090w_i2d"])


async def thumbnail(request: web.Request, params: ImageParams) -> web.StreamResponse:
    """Answer the preview of an image."""
    link = await _link(request, params.image_id)
    headers = {"ETag": f'"{file_name(link)}"', "Cache-Control": FOREVER}
    if has_tag(request.headers.get("If-None-Match", ""), headers["ETag"]):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    try:
        content = await request.app[THUMBNAILS].get(link)
    except NoPictureError as error:
        raise ProblemError(HTTPStatus.BAD_GATEWAY, Slug.BAD_GATEWAY, str(error)) from error
    except ArchiveAwayError as error:
        raise unavailable(str(error), retry_after_s=60) from error
    media = picture_type(content) or "application/octet-stream"
    return web.Response(body=content, headers={**headers, "Content-Type": media})


async def _link(request: web.Request, image_id: str) -> str:
    async def make() -> Ready | None:
        found = await request.app[REPOSITORIES].images.one(image_id)
        if found is None:
            return None
        return Ready.of(found.preview_url.encode(), found.stored_at or request.app[CLOCK].now())

    kept = await request.app[CACHE].get(_LINKS, f"{_LINKS.name}:{image_id}", make)
    if kept.ready is None:
        raise ProblemError(HTTPStatus.NOT_FOUND, Slug.NOT_FOUND, f"there is no {request.path}")
    return kept.ready.body.decode()
