"""Progress reports of long work, and how that work is stopped halfway."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

from libs.common.database import cut_off
from services.persistence.backup import database
from services.persistence.backup.database import Connection
from services.persistence.backup.errors import BackupError, StoppedError

_EVERY_S = 5.0
_LOOK_S = 0.2

_Result = TypeVar("_Result")


class Progress:
    """Reports progress and notices a stop; it is passed to all steps of a backup or a restore.

    Args:
        say: Is called with each line of progress.
        is_stopped: Tells whether to give up; also called from a thread.
    """

    def __init__(
        self, say: Callable[[str], None], is_stopped: Callable[[], bool] = lambda: False
    ) -> None:
        self.say = say
        self._is_stopped = is_stopped
        self._said = time.monotonic()
        self._connection: Connection | None = None

    def connect(self, url: str, name: str) -> Connection:
        """Return a connection to the database that is cut off at a stop, so that nothing waits.

        Raises:
            BackupError: The database does not answer, or refuses; the message says why.
        """
        self._connection = database.connect(url, name)
        return self._connection

    async def in_thread(self, work: Callable[[], _Result]) -> _Result:
        """Do work in a thread, so that the event loop can answer health checks meanwhile.

        Raises:
            StoppedError: It was stopped, perhaps while it waited for a database that hangs.
        """
        working = asyncio.create_task(asyncio.to_thread(work))
        while not (await asyncio.wait([working], timeout=_LOOK_S))[0]:
            if self._is_stopped() and self._connection is not None:
                cut_off(self._connection)
        try:
            return await working
        except BackupError:
            # After a stop, report the stop rather than the connection that we have cut off.
            self._end_if_stopped()
            raise

    def go_on(self, how_far: str) -> None:
        """Say how far the work is, every few seconds.

        Raises:
            StoppedError: The work is to stop here.
        """
        self._end_if_stopped()
        now = time.monotonic()
        if now - self._said >= _EVERY_S:
            self._said = now
            self.say(how_far)

    def _end_if_stopped(self) -> None:
        if self._is_stopped():
            raise StoppedError("stopped before it was complete: start it again")
