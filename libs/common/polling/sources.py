"""What is known about each source, kept in the broker for every replica and the gateway."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from redis.asyncio import Redis

from libs.common.broker import text
from libs.common.clock import iso
from libs.common.polling.fence import Fence
from libs.common.polling.lease import lease_key
from libs.common.polling.source_state import SourceState

INDEX_KEY = "cassiopeia:sources"
# When a leader dies, a new one takes over within seconds; a poll later than this has no leader.
POLL_GRACE = timedelta(seconds=30)
# While a replica holds the lease, a poll that is due counts as running for this long: MAST may take
# several minutes to answer, and none takes 15.
LONGEST_POLL = timedelta(minutes=15)


class SourceStatus(BaseModel):
    """One source as `GET /api/v1/sources` shows it."""

    model_config = ConfigDict(frozen=True)

    name: str
    state: SourceState
    reason: str | None = Field(default=None, description="Why the state is not `ok`.")
    since: AwareDatetime = Field(description="When the state last changed.")
    provider: str | None = Field(default=None, description="Who gave the newest data.")
    origin: str | None = Field(default=None, description="`live`, `computed` or `snapshot`.")
    last_attempt: AwareDatetime
    last_success: AwareDatetime | None = Field(
        default=None, description="When a provider last gave data, whichever it was."
    )
    last_live: AwareDatetime | None = Field(
        default=None, description="When the preferred provider last gave data."
    )
    content_time: AwareDatetime | None = Field(
        default=None, description="The time that the newest data speaks of."
    )
    next_poll: AwareDatetime
    failures: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Failures of the preferred provider in a row."
    )
    calls_left: int | None = Field(
        default=None, description="Calls that the upstream's limit still allows now."
    )

    def as_of(self, now: datetime, *, is_led: bool) -> "SourceStatus":
        """Return the status to show now: a status that no process updates any more is not `ok`.

        Args:
            now: The time.
            is_led: Whether a replica holds the source's lease: a poll that is due is then running.
        """
        if now <= self.next_poll + (LONGEST_POLL if is_led else POLL_GRACE):
            return self
        return self.model_copy(
            update={
                "state": SourceState.FAILING,
                "reason": f"no process has polled it since {iso(self.last_attempt)}",
                "since": self.next_poll,
            }
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one poll of a source brought, as far as its status is concerned.

    Attributes:
        source: Its name.
        began: When the poll began.
        due: When the next one is due.
        provider: The provider of the newest data; None when the poll does not change it.
        origin: Whether that provider's data are live, computed or a snapshot.
        preferred: Whether the preferred provider answered.
        trouble: Why the preferred provider failed, wholly or in part; None also when it was not
            asked.
        state: The state that this trouble means.
        content_time: The time that the data describe; None when there were none.
        failures: Failures of the preferred provider in a row.
        calls_left: Calls that its limit still allows.
    """

    source: str
    began: datetime
    due: datetime
    provider: str | None
    origin: str | None
    preferred: bool
    trouble: str | None
    state: SourceState
    content_time: datetime | None
    failures: int
    calls_left: int | None


def status_after(
    old: SourceStatus | None, attempt: Attempt, *, frozen_after: timedelta | None
) -> SourceStatus:
    """Return the status of a source after a poll.

    Args:
        old: The status before; None at the first poll.
        attempt: The poll.
        frozen_after: A source whose content is older than this is frozen, however well it answers.
    """
    content_time = _newest(old.content_time if old else None, attempt)
    state, reason = attempt.state, attempt.trouble
    if not attempt.preferred and attempt.trouble is None and old is not None:
        # The preferred provider was not asked, as its breaker is open: its last state still holds.
        state, reason = old.state, old.reason
    elif attempt.preferred and attempt.trouble is None and frozen_after and content_time:
        age = attempt.began - content_time
        if age > frozen_after:
            state, reason = SourceState.FROZEN, f"nothing newer than {iso(content_time)} has come"
    succeeded = attempt.provider is not None
    return SourceStatus(
        name=attempt.source,
        state=state,
        reason=reason,
        since=old.since if old and old.state is state else attempt.began,
        provider=attempt.provider or (old.provider if old else None),
        origin=attempt.origin or (old.origin if old else None),
        last_attempt=attempt.began,
        last_success=attempt.began if succeeded else (old.last_success if old else None),
        last_live=attempt.began if attempt.preferred else (old.last_live if old else None),
        content_time=content_time,
        next_poll=attempt.due,
        failures=attempt.failures,
        calls_left=attempt.calls_left,
    )


def _newest(known: datetime | None, attempt: Attempt) -> datetime | None:
    """Return the time that the newest data describe; a part with older data does not set it back.

    A time in the future, as of a launch or from a wrong clock, holds until the next data arrive.
    """
    if attempt.content_time is None or known is None:
        return attempt.content_time or known
    return attempt.content_time if known > attempt.began else max(known, attempt.content_time)


class SourceRegistry:
    """Reads and writes the statuses; one key per source, one set that lists them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @staticmethod
    def _key(name: str) -> str:
        return f"cassiopeia:source:{{{name}}}:status"

    async def save(self, status: SourceStatus, fence: Fence | None = None) -> None:
        """Write the status of one source; without a fence, even if another replica polls it.

        Pollers always pass their fence.

        Raises:
            LeaseLostError: Another replica polls the source by now.
        """
        key, body = self._key(status.name), status.model_dump_json()
        if fence:
            await fence.write([("SET", key, body)])
        else:
            await self._redis.set(key, body)
        # Perhaps on another node, out of the fence's reach; every writer adds the same name.
        await self._redis.sadd(INDEX_KEY, status.name)

    async def load(self, name: str) -> SourceStatus | None:
        """Return the status of one source; None before its first poll."""
        stored = await self._redis.get(self._key(name))
        return SourceStatus.model_validate_json(stored) if stored else None

    async def led(self, names: Iterable[str]) -> set[str]:
        """Return those sources whose lease a replica holds."""
        asked = list(names)
        pipeline = self._redis.pipeline(transaction=False)
        for name in asked:
            pipeline.exists(lease_key(name))
        held = await pipeline.execute()
        return {name for name, is_held in zip(asked, held, strict=True) if is_held}

    async def all(self) -> list[SourceStatus]:
        """Return every known source, by name."""
        names = sorted(text(name) for name in await self._redis.smembers(INDEX_KEY))
        pipeline = self._redis.pipeline(transaction=False)
        for name in names:
            pipeline.get(self._key(name))
        stored = await pipeline.execute()
        return [SourceStatus.model_validate_json(body) for body in stored if body]
