"""What the cache keeps, and for how long."""

import gzip
import json
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import BaseModel

from services.gateway.ready import Ready
from services.gateway.routing import Params, digest_of


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of answer and how long it is kept.

    Attributes:
        name: Part of the key, and a label of the metrics.
        fresh_s: How long it is served as it is.
        stale_s: How long after that it is served while a new one is made.
        changed_by: The event types that make it stale at once.
    """

    name: str
    fresh_s: float
    stale_s: float = 300.0
    changed_by: frozenset[str] = frozenset()

    def key(self, params: BaseModel) -> str:
        """Return the key of an answer; equal parameters share a key, however they are written."""
        digest = params.digest if isinstance(params, Params) else digest_of(params)
        return f"{self.name}:{digest}"


# "Not found" is kept for a short time only: the next event may bring what was missing.
MISSING_FRESH_S = 10.0


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer of the cache.

    Attributes:
        ready: The answer; None where what was asked for does not exist.
        made_at: When its query ran.
        how: `hit` or `fwd=miss`, as `Cache-Status` (RFC 9211) has it.
        is_stale: Whether its time is over, while a newer answer is being made or cannot be made.
    """

    ready: Ready | None
    made_at: datetime
    how: str = "hit"
    is_stale: bool = False

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(self.ready.body) if self.ready else 0

    def is_fresh(self, kind: Kind, now: datetime) -> bool:
        """Whether it is still fresh."""
        fresh_s = kind.fresh_s if self.ready else min(MISSING_FRESH_S, kind.fresh_s)
        return now < self.made_at + timedelta(seconds=fresh_s)

    def may_be_served(self, kind: Kind, now: datetime) -> bool:
        """Whether it may be served while a newer one is made."""
        if self.ready is None:
            return self.is_fresh(kind, now)
        return now < self.made_at + timedelta(seconds=kind.fresh_s + kind.stale_s)

    def encode(self) -> bytes:
        """Return the form that the broker keeps: a line of JSON, then the compressed body."""
        head: dict[str, str | None] = {"made_at": self.made_at.isoformat()}
        if self.ready is None:
            return json.dumps(head).encode()
        head |= {
            "time": self.ready.time.isoformat(),
            "media": self.ready.media,
            "link": self.ready.link,
        }
        return json.dumps(head).encode() + b"\n" + self.ready.gzipped

    @classmethod
    def decode(cls, value: bytes) -> "Kept":
        """Read an answer from the form that the broker keeps.

        Raises:
            ValueError: The value is not what `encode` writes.
        """
        line, has_body, body = value.partition(b"\n")
        try:
            head = json.loads(line)
            made_at = _moment(head["made_at"])
            if not has_body:
                return cls(None, made_at)
            time = _moment(head["time"])
            plain = gzip.decompress(body)
            return cls(Ready.of(plain, time, media=head["media"], link=head["link"]), made_at)
        except (KeyError, TypeError, OSError, EOFError, RecursionError, zlib.error) as error:
            raise ValueError(f"no answer of the cache: {error!r}") from error


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        # Comparing it with a time that has a zone would raise an error in every request.
        raise ValueError(f"expected a time with its zone, got {text!r:.60}")
    return moment


# Runs the query; returns None if what is asked for does not exist.
Make = Callable[[], Awaitable[Ready | None]]
