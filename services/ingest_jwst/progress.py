"""The progress of a crawl, kept in the broker, so that any replica goes on where it stopped."""

from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from libs.common.polling.fence import Fence

_State = TypeVar("_State", bound=BaseModel)


class Progress(Generic[_State]):
    """The state of one provider's crawl through one source."""

    def __init__(self, fence: Fence, provider: str, fresh: _State) -> None:
        self._fence = fence
        self._key = f"cassiopeia:source:{{{fence.source}}}:crawl:{provider}"
        self._fresh = fresh

    async def load(self) -> _State:
        """Return where to go on."""
        stored = await self._fence.redis.get(self._key)
        if not stored:
            return self._fresh
        try:
            return type(self._fresh).model_validate_json(stored)
        except ValidationError:
            # Another version wrote it. Starting again costs requests, but loses nothing.
            return self._fresh

    async def save(self, state: _State) -> None:
        """Remember where to go on; call it once everything read so far is published.

        Raises:
            LeaseLostError: Another replica continues the crawl by now.
        """
        await self._fence.write([("SET", self._key, state.model_dump_json())])
