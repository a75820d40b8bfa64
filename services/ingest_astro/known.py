"""What was published last: confirmations are kept, and what is over is forgotten."""

from collections.abc import Mapping
from datetime import datetime

from libs.common.events import AstroEvent, AstroEventEvent
from libs.common.polling.published import LastAnswer


class KnownEvents(LastAnswer):
    """The newest version of every event whose time is not long over."""

    async def confirmed(self) -> Mapping[str, AstroEvent]:
        """Return the events that somebody confirmed, by natural key."""
        return {
            event.subject or "": event.data
            for event in await self.load()
            if isinstance(event, AstroEventEvent) and event.data.confirmed_by
        }

    async def forget_before(self, moment: datetime) -> None:
        """Drop what peaked before a moment: it is not computed again, and would stay for ever."""
        over = [event.subject or "" for event in await self.load() if event.time < moment]
        if over:
            await self._redis.hdel(self._key, *over)
