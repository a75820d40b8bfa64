"""What was published last: confirmations are kept, and what is over is forgotten."""

from collections.abc import Mapping
from datetime import datetime

from libs.common.events import AstroEvent, AstroEventEvent
from libs.common.polling.fence import Fence
from libs.common.polling.published import LastAnswer


class KnownEvents:
    """The newest version of every event whose time is not long over."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._last = LastAnswer(fence.redis, fence.source)

    async def confirmed(self) -> Mapping[str, AstroEvent]:
        """Return the events that somebody confirmed, by natural key."""
        return {
            event.subject or "": event.data
            for event in await self._last.load()
            if isinstance(event, AstroEventEvent) and event.data.confirmed_by
        }

    async def forget_before(self, moment: datetime) -> None:
        """Drop what peaked before a moment: it is not computed again, and would stay for ever.

        Raises:
            LeaseLostError: Another replica publishes the events by now.
        """
        over = [event for event in await self._last.load() if event.time < moment]
        await self._last.forget(over, self._fence)
