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
    """A record that became no event, as it was received, and why."""

    body: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a provider gave: events, and the records of the same answer that became none.

    Attributes:
        events: What is true now.
        rejects: What became no event.
        more_in: How long after this part the next one may be asked for, where a provider gives
            its data in parts; None after the last. Each part is published before the next is
            asked for, so that memory holds one part.
        settle: Awaited once the events are published: where a provider remembers what it need not
            ask for again. It may be awaited for the same part twice.
        trouble: Why something is missing here that was asked for. The provider is no worse than
            others for it and is asked again as ever; the source's state and reason tell of it.
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
        """How its data come to be."""
        ...

    @property
    def budget(self) -> Budget | None:
        """The calls that it may make; None where it calls nobody."""
        ...

    async def poll(self) -> Reading:
        """Return what is true now.

        Raises:
            UpstreamError: The subclass says what went wrong.
        """
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What asking all providers brought.

    Attributes:
        provider: Who gave the events; None when nobody could.
        events: What is true now; empty also when there is nothing newer than before.
        trouble: What the preferred provider failed with, wholly or in part; None also when it was
            not asked. In words that may be shown.
        state: The state that this trouble means.
        more_in: As the reading's.
        settle: As the reading's.
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
        # The providers whose last poll ended in an error that nobody foresaw.
        self._broken: set[str] = set()
        self._stale_time: datetime | None = None

    @property
    def preferred_failures(self) -> int:
        """Failures of the preferred provider in a row."""
        return self._providers[0][1].failures

    @property
    def preferred_opens_in_s(self) -> float:
        """Seconds until the preferred provider is asked again; 0 when that is the next poll."""
        return self._providers[0][1].opens_in_s

    async def ask(self) -> Outcome:
        """Ask until somebody answers."""
        trouble: UpstreamError | None = None
        state = SourceState.OK
        for provider, breaker in self._providers:
            if breaker.opens_in_s > 0:
                continue
            try:
                reading = await self._reading_of(provider)
            except UpstreamError as error:
                metrics.POLLS.labels(self._source, provider.name, "failed").inc()
                breaker.failed(_asked_pause_s(error))
                await self._keep(provider, rejects_of(error))
                if provider is self.preferred:
                    trouble, state = error, self._state_of(error)
                continue
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
        """Ask one provider; whatever is wrong with it is an error of its upstream."""
        try:
            reading = await provider.poll()
        except NotUpdatedError:
            # As good as an answer: what is known is still the newest.
            reading = Reading(())
        except (CassiopeiaError, RedisError):
            raise
        except Exception as error:
            # One body that nobody has thought of must not end all sources of the process.
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
        """Keep what should not have been sent, once for as long as it stays the same."""
        provenance = Provenance(provider.name, provider.origin, self._clock.now())
        for reject in rejects:
            await self._dead_letters.add_body(
                reject.body,
                plain_reason(self._redact(reject.reason)),
                source=self._source,
                provenance=provenance,
            )


def rejects_of(error: UpstreamError) -> list[Reject]:
    """Return what an error says became no event."""
    return [Reject(*each) for each in error.rejects]


def _asked_pause_s(error: UpstreamError) -> float:
    return error.wait_s if isinstance(error, BudgetExhaustedError) else error.retry_after_s or 0.0
