"""Fetches a picture from its archive, and nothing but pictures from known archives."""

from http import HTTPStatus
from urllib.parse import urljoin

import aiohttp
from yarl import URL

from libs.common.jwst_archives import leads_to_archive
from libs.common.upstream.client import USER_AGENT, send_once
from services.gateway.thumbnails.errors import ArchiveAwayError, NoPictureError
from services.gateway.thumbnails.formats import may_be_picture, picture_type

MAX_REDIRECTS = 3
# A preview has a few hundred kilobytes; archives are slow on some days.
TIMEOUT = aiohttp.ClientTimeout(total=30.0, connect=5.0)
_WAIT_STATUSES = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT}


class PictureFetcher:
    """Fetches pictures of known archives.

    Args:
        max_bytes: The largest size of a picture; reading stops above this.
        mirror: An address that stands in for all archives, with their host as the first part of the
            path; None to ask the archives themselves.
    """

    def __init__(self, *, max_bytes: int, mirror: str | None = None) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._max_bytes = max_bytes
        self._mirror = mirror.rstrip("/") if mirror else None

    async def fetch(self, url: str) -> bytes:
        """Return a picture.

        Raises:
            NoPictureError: The link leads to no picture, to one too large, or to no known archive.
            ArchiveAwayError: The archive gives no answer now.
        """
        for _ in range(MAX_REDIRECTS + 1):
            if not leads_to_archive(url):
                raise NoPictureError("the link does not lead to a known archive")
            try:
                found = await self._get(url)
                if isinstance(found, bytes):
                    return found
                url = urljoin(url, found)
            except ValueError as error:
                raise NoPictureError("the archive redirects to what is no address") from error
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise ArchiveAwayError("the archive does not answer") from error
        raise NoPictureError(f"the archive redirects more than {MAX_REDIRECTS} times")

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _get(self, url: str) -> bytes | str:
        """Return the picture, or where the archive sends us."""
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        async with self._session.get(
            self._address(url),
            headers={"User-Agent": USER_AGENT, "Accept": "image/*"},
            timeout=TIMEOUT,
            # Each redirect is checked before it is followed.
            allow_redirects=False,
            middlewares=(send_once,),
        ) as response:
            status = response.status
            if status in range(300, 400) and "Location" in response.headers:
                return response.headers["Location"]
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _WAIT_STATUSES:
                raise ArchiveAwayError(f"the archive answers {status}")
            if status != HTTPStatus.OK:
                raise NoPictureError(f"the archive answers {status}")
            if not may_be_picture(response.content_type):
                raise NoPictureError(f"the archive sends {response.content_type:.80}")
            content = await self._content(response)
        if picture_type(content) is None:
            raise NoPictureError("the archive sends what is no picture")
        return content

    async def _content(self, response: aiohttp.ClientResponse) -> bytes:
        content = bytearray()
        async for chunk in response.content.iter_any():
            content += chunk
            if len(content) > self._max_bytes:
                # Otherwise the connection would return to the pool with the rest still unread.
                response.close()
                raise NoPictureError(f"the picture has more than {self._max_bytes} bytes")
        return bytes(content)

    def _address(self, url: str) -> URL:
        # Kept as the archive wrote it: quoting it again would change signed or escaped names.
        link = URL(url, encoded=True)
        if self._mirror is None:
            return link
        return URL(f"{self._mirror}/{link.raw_host}{link.raw_path_qs}", encoded=True)
