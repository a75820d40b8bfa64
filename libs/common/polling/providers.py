"""Providers: the ways to get the data of a source, asked in order of preference."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from redis.exceptions import RedisError

from libs.common import metrics
from libs.common.breaker import BackOff, Breaker
from libs.common.clock import Clock
from libs.common.dead_letters import DeadLetters
from libs.common.errors import (
    BudgetExhaustedError,
    CassiopeiaError,
    NotUpdatedError,
    StaleContentError,
    UpstreamError,
)
from libs.common.events import Event, Origin, Provenance
from libs.common.logging import get_logger
from libs.common.polling.budget import Budget
from libs.common.polling.source_state import SourceState
from libs.common.secrets import Redactor
from libs.common.upstream.reasons import plain_reason

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that became no event, as received, and the reason."""

    body: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a provider gave: events, and the records of the same answer that became none.

    Attributes:
        events: What is true now.
        rejects: The records that became no event.
        more_in: When a provider gives its data in parts: how long after this part the next one may
            be asked for; None after the last. Each part is published before the next is asked for,
            so that memory holds one part.
        settle: Awaited once the events are published; in it, a provider remembers what it need not
            ask for again. It may be awaited twice for the same part.
        trouble: Why part of what was asked for is missing. This is no failure of the provider,
            which is asked again as usual; the source's state and reason show it.
    """

    events: Sequence[Event]
    rejects: Sequence[Reject] = ()
    more_in: timedelta | None = None
    settle: Callable[[], Awaitable[None]] | None = None
    trouble: UpstreamError | None = None


class Provider(Protocol):
    """One way to get the data of a source."""

    @property
    def name(self) -> str:
        """Its name, as answers show it."""
        ...

    @property
    def origin(self) -> Origin:
        """Whether its data are live, computed or a snapshot."""
        ...

    @property
    def budget(self) -> Budget | None:
        """The calls that it may make; None if it calls no upstream."""
        ...

    async def poll(self) -> Reading:
        """Return what is true now.

        Raises:
            UpstreamError: The subclass says what went wrong.
        """
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of asking the providers.

    Attributes:
        provider: The provider that answered; None when none did.
        events: What is true now; empty also when there is nothing newer than before.
        trouble: Why the preferred provider failed, wholly or in part, in words that may be shown;
            None also when it was not asked.
        state: The state that this trouble means.
        more_in: As in `Reading`.
        settle: As in `Reading`.
    """

    provider: Provider | None
    events: Sequence[Event]
    trouble: str | None
    state: SourceState
    more_in: timedelta | None = None
    settle: Callable[[], Awaitable[None]] | None = None


class ProviderChain:
    """Asks the first provider whose breaker is closed; when it fails, the next."""

    def __init__(
        self,
        source: str,
        providers: Sequence[Provider],
        *,
        back_off: BackOff,
        dead_letters: DeadLetters,
        clock: Clock,
        redact: Redactor,
    ) -> None:
        self.preferred = providers[0]
        self._source = source
        self._providers = [(provider, Breaker(back_off, clock)) for provider in providers]
        self._dead_letters = dead_letters
        self._clock = clock
        self._redact = redact
        # The providers whose last poll ended in an unexpected error, which is logged only once.
        self._broken: set[str] = set()
        self._stale_time: datetime | None = None
        self._answers = 0

    @property
    def preferred_failures(self) -> int:
        """Failures of the preferred provider in a row."""
        return self._providers[0][1].failures

    @property
    def preferred_opens_in_s(self) -> float:
        """Seconds until the preferred provider is asked again; 0 when that is the next poll."""
        return self._providers[0][1].opens_in_s

    @property
    def effort(self) -> int:
        """A number that grows with each call to an upstream, and with each answer."""
        calls = sum(each.budget.calls for each, _ in self._providers if each.budget)
        return calls + self._answers

    async def ask(self) -> Outcome:
        """Ask the providers in order until one answers."""
        trouble: UpstreamError | None = None
        state = SourceState.OK
        for provider, breaker in self._providers:
            if breaker.opens_in_s > 0:
                continue
            try:
                reading = await self._reading_of(provider)
            except UpstreamError as error:
                self._answers += 1
                metrics.POLLS.labels(self._source, provider.name, "failed").inc()
                breaker.failed(_asked_pause_s(error))
                await self._keep(provider, rejects_of(error))
                if provider is self.preferred:
                    trouble, state = error, self._state_of(error)
                continue
            self._answers += 1
            metrics.POLLS.labels(self._source, provider.name, "ok").inc()
            breaker.succeeded()
            if provider is self.preferred:
                self._stale_time = None
                if reading.trouble:
                    trouble, state = reading.trouble, reading.trouble.state
            await self._keep(provider, reading.rejects)
            said = self._said(trouble)
            return Outcome(provider, reading.events, said, state, reading.more_in, reading.settle)
        return Outcome(None, (), self._said(trouble), state)

    async def _reading_of(self, provider: Provider) -> Reading:
        """Ask one provider; an unexpected error counts as an error of its upstream."""
        try:
            reading = await provider.poll()
        except NotUpdatedError:
            # This counts as an answer: what is known is still the newest.
            reading = Reading(())
        except (CassiopeiaError, RedisError):
            raise
        except Exception as error:
            # An unforeseen body from one upstream must not stop all sources of the process.
            if provider.name not in self._broken:
                self._broken.add(provider.name)
                _log.exception("provider_broken", source=self._source, provider=provider.name)
            raise UpstreamError(
                f"{provider.name}: an unexpected {type(error).__name__}: {error}"
            ) from error
        self._broken.discard(provider.name)
        return reading

    def _said(self, trouble: UpstreamError | None) -> str | None:
        return self._redact(str(trouble)) if trouble else None

    def _state_of(self, error: UpstreamError) -> SourceState:
        if isinstance(error, StaleContentError):
            frozen = error.content_time == self._stale_time
            self._stale_time = error.content_time
            return SourceState.FROZEN if frozen else SourceState.STALE
        return error.state

    async def _keep(self, provider: Provider, rejects: Sequence[Reject]) -> None:
        """Keep rejects as dead letters; one that stays the same is kept only once."""
        provenance = Provenance(provider.name, provider.origin, self._clock.now())
        for reject in rejects:
            await self._dead_letters.add_body(
                reject.body,
                plain_reason(self._redact(reject.reason)),
                source=self._source,
                provenance=provenance,
            )


def rejects_of(error: UpstreamError) -> list[Reject]:
    """Return the records that became no event, according to an error."""
    return [Reject(*each) for each in error.rejects]


def _asked_pause_s(error: UpstreamError) -> float:
    return error.wait_s if isinstance(error, BudgetExhaustedError) else error.retry_after_s or 0.0
