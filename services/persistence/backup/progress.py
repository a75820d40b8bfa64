"""What long work says while it lasts, and how it is stopped in the middle."""

import time
from collections.abc import Callable

from services.persistence.backup.errors import StoppedError

_EVERY_S = 5.0


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

    def go_on(self, how_far: str) -> None:
        """Say how far the work is, every few seconds.

        Raises:
            StoppedError: It is to end here.
        """
        if self._is_stopped():
            raise StoppedError("stopped before it was complete: start it again")
        now = time.monotonic()
        if now - self._said >= _EVERY_S:
            self._said = now
            self.say(how_far)
