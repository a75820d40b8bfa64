"""What long work says while it lasts, and how it is stopped in the middle."""

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
    """Handed through all steps of a backup or a restore.

    Args:
        say: Is given lines for whoever watches.
        is_stopped: Whether to give up; asked from a thread.
    """

    def __init__(
        self, say: Callable[[str], None], is_stopped: Callable[[], bool] = lambda: False
    ) -> None:
        self.say = say
        self._is_stopped = is_stopped
        self._said = time.monotonic()
        self._connection: Connection | None = None

    def connect(self, url: str, name: str) -> Connection:
        """Return a connection to the database, on which nothing waits after a stop.

        Raises:
            BackupError: The database does not answer, or refuses; it says why.
        """
        self._connection = database.connect(url, name)
        return self._connection

    async def in_thread(self, work: Callable[[], _Result]) -> _Result:
        """Do work in a thread, so that the loop goes on answering whoever asks how the process is.

        Raises:
            StoppedError: It was stopped, also while it waited for a database that hangs.
        """
        working = asyncio.create_task(asyncio.to_thread(work))
        while not (await asyncio.wait([working], timeout=_LOOK_S))[0]:
            if self._is_stopped() and self._connection is not None:
                cut_off(self._connection)
        try:
            return await working
        except BackupError:
            # Not that the database broke it off.
            self._end_if_stopped()
            raise

    def go_on(self, how_far: str) -> None:
        """Say how far the work is, every few seconds.

        Raises:
            StoppedError: It is to end here.
        """
        self._end_if_stopped()
        now = time.monotonic()
        if now - self._said >= _EVERY_S:
            self._said = now
            self.say(how_far)

    def _end_if_stopped(self) -> None:
        if self._is_stopped():
            raise StoppedError("stopped before it was complete: start it again")
