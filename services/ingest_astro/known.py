"""What was published last: confirmations are kept, and past events are forgotten."""

from collections.abc import Mapping
from datetime import datetime

from libs.common.events import AstroEvent, AstroEventEvent
from libs.common.polling.fence import Fence
from libs.common.polling.published import LastAnswer


class KnownEvents:
    """The newest version of every event that did not peak long ago."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._last = LastAnswer(fence.redis, fence.source)

    async def confirmed(self) -> Mapping[str, AstroEvent]:
        """Return the events that an upstream confirmed, by natural key."""
        return {
            event.subject or "": event.data
            for event in await self._last.load()
            if isinstance(event, AstroEventEvent) and event.data.confirmed_by
        }

    async def forget_before(self, moment: datetime) -> None:
        """Drop events that peaked before a moment: never computed again, they would stay for ever.

        Raises:
            LeaseLostError: Another replica publishes the events by now.
        """
        over = [event for event in await self._last.load() if event.time < moment]
        await self._last.forget(over, self._fence)
