"""Fetches each picture once, however many clients ask for it at once, at whichever gateway."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import BinaryIO

from libs.common.errors import CassiopeiaError
from libs.common.logging import get_logger
from libs.common.tasks import SingleFlight
from services.gateway.thumbnails.errors import ArchiveAwayError, NoPictureError
from services.gateway.thumbnails.fetching import PictureFetcher
from services.gateway.thumbnails.folder import ThumbnailFolder, file_name

_log = get_logger(__name__)

# A gallery page asks for dozens of pictures at once; only this many are fetched at a time.
PARALLEL = 4
# For this long after a failure, the archive is not asked for the same picture again.
REMEMBER_FAILURE_S = 60.0
_MAX_FAILURES = 10_000
# As long as an archive may take to answer; if it takes longer, a second gateway asks it, too.
PATIENCE_S = 30.0
_LOOK_EVERY_S = 0.1


class Thumbnails:
    """Gives thumbnails from the folder, or fetches them into it.

    Args:
        folder: Where they are kept; gateways may share it.
        fetcher: Gets them from their archives.
        patience_s: How long to wait for another gateway that fetches the same picture.
    """

    def __init__(
        self, folder: ThumbnailFolder, fetcher: PictureFetcher, patience_s: float = PATIENCE_S
    ) -> None:
        self._folder = folder
        self._fetcher = fetcher
        self._patience_s = patience_s
        self._turns = asyncio.Semaphore(PARALLEL)
        self._fetching = SingleFlight[bytes](_not_fetched)
        self._failures: OrderedDict[str, tuple[float, CassiopeiaError]] = OrderedDict()

    async def get(self, url: str) -> bytes:
        """Return the picture behind a link.

        Raises:
            NoPictureError: The link leads to no picture.
            ArchiveAwayError: The picture cannot be fetched now.
        """
        name = file_name(url)
        return await self._fetching.do(name, partial(self._found_or_fetched, name, url))

    async def close(self) -> None:
        """Cancel running fetches, and close the connections."""
        await self._fetching.close()
        await self._fetcher.close()

    async def _found_or_fetched(self, name: str, url: str) -> bytes:
        content = await asyncio.to_thread(self._folder.read, name)
        if content is not None:
            return content
        self._raise_remembered(name)
        # The lock comes before the turn: a wait for another gateway must not delay other pictures.
        async with self._alone(name):
            # Another gateway may have fetched it meanwhile.
            content = await asyncio.to_thread(self._folder.read, name)
            if content is not None:
                return content
            async with self._turns:
                return await self._fetched(name, url)

    @asynccontextmanager
    async def _alone(self, name: str) -> AsyncIterator[None]:
        """Keep other gateways from fetching a picture while the body runs."""
        held = await self._lock(name)
        try:
            yield
        finally:
            if held is not None:
                await asyncio.to_thread(self._folder.unlock, name, held)

    async def _lock(self, name: str) -> BinaryIO | None:
        """Return the lock of a picture; None if it cannot be taken."""
        deadline = time.monotonic() + self._patience_s
        try:
            while (held := await asyncio.to_thread(self._folder.lock, name)) is None:
                if time.monotonic() > deadline:
                    return None
                await asyncio.sleep(_LOOK_EVERY_S)
        except OSError:
            # If the folder takes no lock, it takes no file either, and `_fetched` logs that.
            return None
        return held

    async def _fetched(self, name: str, url: str) -> bytes:
        try:
            content = await self._fetcher.fetch(url)
        except (NoPictureError, ArchiveAwayError) as error:
            self._remember(name, error)
            raise
        try:
            await asyncio.to_thread(self._folder.write, name, content)
        except OSError as error:
            # This client still gets the picture; the next one costs another call.
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
