"""One thumbnail per picture, however many ask for it at once."""

import asyncio
import time
from collections import OrderedDict
from functools import partial

from libs.common.errors import CassiopeiaError
from libs.common.logging import get_logger
from libs.common.tasks import SingleFlight
from services.gateway.thumbnails.errors import ArchiveAwayError, NoPictureError
from services.gateway.thumbnails.fetching import PictureFetcher
from services.gateway.thumbnails.folder import ThumbnailFolder, file_name

_log = get_logger(__name__)

# A page of a gallery asks for dozens at once; an archive is asked for so many.
PARALLEL = 4
# An archive that has just failed is not asked for the same picture again.
REMEMBER_FAILURE_S = 60.0
_MAX_FAILURES = 10_000


class Thumbnails:
    """Gives thumbnails from the folder, or fetches them into it."""

    def __init__(self, folder: ThumbnailFolder, fetcher: PictureFetcher) -> None:
        self._folder = folder
        self._fetcher = fetcher
        self._turns = asyncio.Semaphore(PARALLEL)
        self._fetching = SingleFlight[bytes](_not_fetched)
        self._failures: OrderedDict[str, tuple[float, CassiopeiaError]] = OrderedDict()

    async def get(self, url: str) -> bytes:
        """Return the picture behind a link.

        Raises:
            NoPictureError: There is none.
            ArchiveAwayError: It cannot be had now.
        """
        name = file_name(url)
        return await self._fetching.do(name, partial(self._found_or_fetched, name, url))

    async def close(self) -> None:
        """End what is being fetched, and the connections."""
        await self._fetching.close()
        await self._fetcher.close()

    async def _found_or_fetched(self, name: str, url: str) -> bytes:
        content = await asyncio.to_thread(self._folder.read, name)
        if content is not None:
            return content
        self._raise_remembered(name)
        async with self._turns:
            try:
                content = await self._fetcher.fetch(url)
            except (NoPictureError, ArchiveAwayError) as error:
                self._remember(name, error)
                raise
        try:
            await asyncio.to_thread(self._folder.write, name, content)
        except OSError as error:
            # The picture is there all the same; the next client costs another call.
            _log.warning("thumbnail_not_kept", reason=str(error))
        return content

    def _raise_remembered(self, name: str) -> None:
        failed_at, error = self._failures.get(name, (0.0, None))
        if error is None:
            return
        if time.monotonic() - failed_at < REMEMBER_FAILURE_S:
            raise type(error)(str(error))
        del self._failures[name]

    def _remember(self, name: str, error: CassiopeiaError) -> None:
        self._failures[name] = (time.monotonic(), error)
        if len(self._failures) > _MAX_FAILURES:
            self._failures.popitem(last=False)


def _not_fetched(name: str, error: BaseException) -> None:
    _log.debug("thumbnail_failed", file=name, reason=str(error))
