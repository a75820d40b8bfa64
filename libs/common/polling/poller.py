"""The poller: one per source across all replicas; it keeps to the limits and reports trouble.

A source has providers in order of preference. A poll asks the first one whose breaker is closed; if
that fails, the next. The state of the source is the state of its preferred provider, so that data
from a stand-in never hides that the preferred provider is away.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from redis.exceptions import RedisError

from libs.common import metrics
from libs.common.breaker import BackOff, Breaker
from libs.common.broker import Publisher
from libs.common.clock import Clock
from libs.common.dead_letters import DeadLetters
from libs.common.errors import DependencyUnavailableError, LeaseLostError
from libs.common.events import Event
from libs.common.logging import get_logger
from libs.common.outage import Outage
from libs.common.polling.fence import Fence
from libs.common.polling.lease import LIFE_S, Lease
from libs.common.polling.providers import Outcome, Provider, ProviderChain
from libs.common.polling.published import LastAnswer, Published
from libs.common.polling.source_state import SourceState
from libs.common.polling.sources import Attempt, SourceRegistry, SourceStatus, status_after
from libs.common.secrets import Redactor
from libs.common.tasks import end_tasks, sleep_or_stop

_log = get_logger(__name__)

# However often clients ask for fresh data, they cause at most one poll a second, whichever provider
# answers.
REFRESH_GAP = timedelta(seconds=1)
SHORTEST_PAUSE = timedelta(milliseconds=100)
# Between two tries to publish: long enough to ask the broker rarely, short enough to publish soon
# after it recovers.
_LONGEST_PUBLISHING_PAUSE_S = 30.0


@dataclass(frozen=True, slots=True)
class PollOptions:
    """How a source is polled.

    Attributes:
        source: Its name.
        every: The period.
        jitter: The period is lengthened by a random part of itself up to this fraction.
        min_gap: Shortest time from a success of the preferred provider to a poll on request.
        back_off: When a failing provider is left alone, and for how long.
        lease_life_s: How long a dead leader keeps the other replicas waiting.
        only_changes: Publish an event only when its content differs from its subject's last event.
        keep_last: Keep the newest events whole in the broker, for code that computes from them.
        poll_at_start: A new leader polls as soon as `min_gap` allows, because its settings may
            differ from those of the last leader.
        expect_new_within: A source whose content is older than this is frozen; None for a source
            that may have nothing new for any length of time.
    """

    source: str
    every: timedelta
    jitter: float
    min_gap: timedelta
    back_off: BackOff
    lease_life_s: float = LIFE_S
    only_changes: bool = False
    keep_last: bool = False
    poll_at_start: bool = False
    expect_new_within: timedelta | None = None


class Poller:
    """Polls one source as long as it holds the lease."""

    def __init__(  # noqa: PLR0913 - it is wired in one place, by keyword
        self,
        options: PollOptions,
        providers: Sequence[Provider],
        *,
        publisher: Publisher,
        owner: str,
        clock: Clock,
        fence: Fence,
        redact: Redactor,
    ) -> None:
        self.source, redis = options.source, fence.redis
        self._options = options
        self._chain = ProviderChain(
            options.source,
            providers,
            back_off=options.back_off,
            dead_letters=DeadLetters(redis),
            clock=clock,
            redact=redact,
        )
        self._publisher = publisher
        self._clock = clock
        self._fence = fence
        self._lease = Lease(
            redis, owner=owner, life_s=options.lease_life_s, clock=clock, fence=self._fence
        )
        self._registry = SourceRegistry(redis)
        self._published = Published(redis, options.source)
        self._last = LastAnswer(redis, options.source)
        self._refresh = asyncio.Event()
        self._status: SourceStatus | None = None
        # Open after a poll that could not be recorded: the upstream was asked all the same, but the
        # broker's `next_poll` dates from before that.
        self._unrecorded = Breaker(replace(options.back_off, threshold=1), clock)
        self._refusal = Outage(_log, "publication_refused", "publication_accepted")

    def request_refresh(self) -> None:
        """Ask for a poll before its time; requests that arrive together cause one poll."""
        self._refresh.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until asked to stop; then release the lease."""
        outage = Outage(_log, "poller_waits_for_broker")
        while not stop.is_set():
            try:
                if await self._lease.acquire():
                    outage.over()
                    await self._lease.hold(self._lead(stop))
            except LeaseLostError as error:
                _log.info("lease_lost", source=self.source, reason=str(error))
            except (RedisError, DependencyUnavailableError) as error:
                outage.began(source=self.source, reason=str(error))
            finally:
                metrics.SOURCE_LEADER.labels(self.source).set(0)
            # A third of the lease's life: a free lease is found soon, and the broker is asked
            # rarely.
            await sleep_or_stop(self._options.lease_life_s / 3, stop)

    async def _lead(self, stop: asyncio.Event) -> None:
        metrics.SOURCE_LEADER.labels(self.source).set(1)
        # Requests from the time when another replica led were answered by that replica.
        self._refresh.clear()
        if self._options.poll_at_start:
            self._refresh.set()
        self._status = await self._registry.load(self.source)
        # The last leader's schedule goes on: a restart must not be a reason to call.
        due = self._status.next_poll if self._status else self._clock.now()
        due = max(due, self._rested)
        while not stop.is_set():
            await self._wait_until(due, stop)
            if stop.is_set():
                return
            due = await self._poll(stop)
            # Requests that arrived meanwhile are answered by the data that just came.
            self._refresh.clear()

    async def _wait_until(self, due: datetime, stop: asyncio.Event) -> None:
        while not stop.is_set():
            # If the clock of this replica or of the last leader was set back, the source must not
            # stay silent until the clock has caught up.
            due = min(due, self._clock.now() + self._longest_period)
            wait_s = (due - self._clock.now()).total_seconds()
            if wait_s <= 0:
                return
            if self._refresh.is_set():
                self._refresh.clear()
                due = min(due, self._earliest())
                continue
            waiters = [
                asyncio.create_task(stop.wait()),
                asyncio.create_task(self._refresh.wait()),
            ]
            try:
                await asyncio.wait(waiters, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await end_tasks(*waiters)

    def _earliest(self) -> datetime:
        """Return when a refresh may be obeyed."""
        earliest = self._rested
        if self._status:
            earliest = max(earliest, self._status.last_attempt + REFRESH_GAP)
            if self._status.last_live:
                earliest = max(earliest, self._status.last_live + self._options.min_gap)
        return earliest

    @property
    def _rested(self) -> datetime:
        """When the upstream may be asked again, after polls that could not be recorded."""
        return self._clock.now() + timedelta(seconds=self._unrecorded.opens_in_s)

    @property
    def _longest_period(self) -> timedelta:
        return self._options.every * (1 + self._options.jitter)

    async def _poll(self, stop: asyncio.Event) -> datetime:
        """Poll once, publish, write the status; return when the next poll is due."""
        began = self._clock.now()
        effort = self._chain.effort
        try:
            outcome = await self._chain.ask()
        except (RedisError, DependencyUnavailableError):
            # If the broker failed before anybody was asked, nobody needs a rest.
            if self._chain.effort > effort:
                self._unrecorded.failed()
            raise
        # Undone once the status is written.
        self._unrecorded.failed()
        published: Sequence[Event] = ()
        if outcome.events:
            published = outcome.events
            if self._options.only_changes:
                published = await self._published.changed(outcome.events)
            if not await self._publish(published, outcome, began, stop):
                return began + self._options.every
            # Checked directly before each write: the process may have been paused during any wait.
            if self._options.keep_last:
                self._lease.require()
                await self._last.save(published, self._fence)
            if self._options.only_changes:
                self._lease.require()
                await self._published.save(published, self._fence)
        if outcome.settle:
            self._lease.require()
            await outcome.settle()
        due = self._next_due(began, outcome)
        await self._record(outcome, began, due)
        self._unrecorded.succeeded()
        _log.debug(
            "poll",
            source=self.source,
            provider=outcome.provider.name if outcome.provider else None,
            events=len(published),
            duration_s=round((self._clock.now() - began).total_seconds(), 3),
        )
        return due

    async def _publish(
        self, events: Sequence[Event], outcome: Outcome, began: datetime, stop: asyncio.Event
    ) -> bool:
        """Publish, trying again until the broker accepts the events; tell whether it has.

        The lease is kept meanwhile, so that no other replica asks the upstream for what is already
        here. If the process is asked to stop before that, nothing counts as published.

        Raises:
            LeaseLostError: Another replica may hold the lease by now.
        """
        pause_s = self._options.lease_life_s / 3
        # A source that is polled every few seconds must not stay behind for half a minute once the
        # broker is back.
        longest_s = max(
            pause_s, min(self._options.every.total_seconds(), _LONGEST_PUBLISHING_PAUSE_S)
        )
        while True:
            self._lease.require()
            try:
                await self._publisher.publish(events)
            except DependencyUnavailableError as error:
                self._refusal.began(source=self.source, reason=str(error))
                await self._record_refusal(outcome, began)
            else:
                self._refusal.over(source=self.source)
                return True
            await sleep_or_stop(pause_s, stop)
            if stop.is_set():
                return False
            pause_s = min(2 * pause_s, longest_s)

    async def _record_refusal(self, outcome: Outcome, began: datetime) -> None:
        """Record that nothing could be published, and when the next leader may ask again.

        Raises:
            RedisError: The broker accepts no writes at all. The poll is given up, because a lease
                can still be renewed then, and the gateway would go on showing the old status.
        """
        attempt = Attempt(
            source=self.source,
            began=began,
            due=self._rested,
            provider=None,
            origin=None,
            preferred=outcome.provider is self._chain.preferred,
            trouble="not published yet: the broker does not accept what came",
            state=SourceState.FAILING,
            content_time=None,
            failures=self._chain.preferred_failures,
            calls_left=self._status.calls_left if self._status else None,
        )
        # `self._status` stays as it is: it is right again once the data are published.
        await self._save(status_after(self._status, attempt, frozen_after=None))

    def _next_due(self, began: datetime, outcome: Outcome) -> datetime:
        now = self._clock.now()
        if outcome.more_in is not None:
            return now + outcome.more_in
        jitter = random.uniform(0, self._options.jitter)  # noqa: S311 - no secret
        due = began + self._options.every * (1 + jitter)
        pause_s = self._chain.preferred_opens_in_s
        if pause_s > 0:
            # With a long period, the preferred provider is tried again before the period is over.
            due = min(due, now + timedelta(seconds=pause_s) + SHORTEST_PAUSE)
        return max(due, now + SHORTEST_PAUSE)

    def _giver(self, outcome: Outcome) -> Provider | None:
        """Return the provider of the newest data after this poll; None if that does not change.

        It does not change when a stand-in has nothing to add, or when the first part of an answer
        holds no data yet.
        """
        complete = outcome.provider is self._chain.preferred and outcome.more_in is None
        return outcome.provider if outcome.events or complete else None

    async def _record(self, outcome: Outcome, began: datetime, due: datetime) -> None:
        """Write the status; log when trouble begins and when it ends, but nothing in between."""
        old = self._status
        preferred = self._chain.preferred
        giver = self._giver(outcome)
        new = status_after(
            old,
            Attempt(
                source=self.source,
                began=began,
                due=due,
                provider=giver.name if giver else None,
                origin=giver.origin if giver else None,
                preferred=outcome.provider is preferred,
                trouble=outcome.trouble,
                state=outcome.state,
                content_time=max((event.time for event in outcome.events), default=None),
                failures=self._chain.preferred_failures,
                calls_left=preferred.budget.left if preferred.budget else None,
            ),
            frozen_after=self._options.expect_new_within,
        )
        await self._save(new)
        self._status = new
        _log_transition(old, new)
        if new.content_time and new.origin:
            content_time = metrics.SOURCE_CONTENT_TIME.labels(self.source, new.origin)
            content_time.set(new.content_time.timestamp())

    async def _save(self, status: SourceStatus) -> None:
        # The metric needs no broker, so it is true even if the write fails.
        for state in SourceState:
            metrics.SOURCE_STATE.labels(self.source, state).set(state is status.state)
        self._lease.require()
        await self._registry.save(status, self._fence)


def _log_transition(old: SourceStatus | None, new: SourceStatus) -> None:
    was_ok = old is None or old.state is SourceState.OK
    is_ok = new.state is SourceState.OK
    if was_ok and not is_ok:
        _log.warning(
            "source_degraded",
            source=new.name,
            state=new.state,
            reason=new.reason,
            stand_in=new.provider,
        )
    elif is_ok and not was_ok and old is not None:
        _log.info(
            "source_recovered",
            source=new.name,
            provider=new.provider,
            after_s=round((new.last_attempt - old.since).total_seconds()),
        )
