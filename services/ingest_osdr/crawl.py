"""The progress of a crawl, kept in the broker: after a restart it goes on where it stopped.

Only the newest holder of the source's lease can write here; any other gets a LeaseLostError. Every
step is written at once, and may be written twice, because it removes entries from the queue by name
and not by number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple

from pydantic import BaseModel, TypeAdapter

from libs.common.broker import as_bytes, text
from libs.common.polling.fence import Command, Fence
from libs.common.upstream.client import Validators
from services.ingest_osdr.paging import Cursor
from services.ingest_osdr.values import completed

# A study that failed this often in one crawl waits for the next one; what is known of it stays.
MAX_FAILURES = 3

_FACTS: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


class Progress(BaseModel):
    """A crawl under way; `search` is None once the study search is finished or was given up."""

    began: datetime
    studies: int
    search: Cursor | None
    given_up: int = 0


class Seen(BaseModel):
    """What the last event of a study was made from: the answer's validators, and the facts."""

    etag: str | None = None
    last_modified: str | None = None
    facts: str = ""


class Queued(NamedTuple):
    """A study that is still to be asked for, and how often it failed in this crawl."""

    accession: str
    failures: int = 0

    @property
    def entry(self) -> str:
        """The study's entry in the queue."""
        return f"{self.accession} {self.failures}"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a study before it is asked for."""

    queued: Queued
    facts: dict[str, Any]
    facts_digest: str
    seen: Seen | None

    @property
    def validators(self) -> Validators | None:
        """The validators of a conditional request; None if the facts changed since the merge."""
        if self.seen is None or self.seen.facts != self.facts_digest:
            return None
        return Validators(self.seen.etag, self.seen.last_modified)


class Crawl:
    """The crawl of one source."""

    def __init__(self, fence: Fence) -> None:
        self._fence, self._redis = fence, fence.redis
        key = f"cassiopeia:source:{{{fence.source}}}:crawl"
        self._progress, self._queue = key, f"{key}:queue"
        self._seen, self._facts = f"{key}:seen", f"{key}:facts"
        self._search_trouble = f"{key}:search_trouble"

    async def load(self) -> Progress | None:
        """Return the crawl under way; None where there is none."""
        stored = await self._redis.get(self._progress)
        return Progress.model_validate_json(stored) if stored else None

    async def begin(self, accessions: Sequence[str], now: datetime) -> None:
        """Begin a crawl of these studies."""
        progress = Progress(began=now, studies=len(accessions), search=Cursor())
        commands: list[Command] = [("DEL", self._queue)]
        commands += [("RPUSH", self._queue, Queued(each).entry) for each in accessions]
        # The progress comes last: if writing takes several steps and stops early, no crawl is
        # known, and the next poll starts one again.
        await self._fence.write([*commands, self._set(progress)])

    async def waiting(self) -> set[str]:
        """Return the accessions that are still to be asked for."""
        return {_queued(entry).accession for entry in await self._redis.lrange(self._queue, 0, -1)}

    async def search_trouble(self) -> str | None:
        """Return why the last search failed; None if it finished, or none was made."""
        stored = await self._redis.get(self._search_trouble)
        return text(stored) if stored else None

    async def search_failed(self, progress: Progress, reason: str) -> None:
        """Go on without the search, and remember why until a search finishes."""
        after = progress.model_copy(update={"search": None})
        await self._fence.write([("SET", self._search_trouble, reason), self._set(after)])

    async def searched(
        self, progress: Progress, facts: dict[str, dict[str, Any]], cursor: Cursor | None
    ) -> None:
        """Keep the facts of a page of the search, and where the search goes on.

        A fact that a page leaves out stays as it was: nothing that was published is withdrawn.
        """
        names = list(facts)
        known = await self._redis.hmget(self._facts, names) if names else []
        commands: list[Command] = []
        for name, old in zip(names, known, strict=True):
            whole = completed(facts[name], _FACTS.validate_json(old or b"{}"))
            commands.append(("HSET", self._facts, name, _FACTS.dump_json(whole)))
        if cursor is None:
            commands.append(("DEL", self._search_trouble))
        after = progress.model_copy(update={"search": cursor})
        await self._fence.write([*commands, self._set(after)])

    async def next_studies(self, count: int) -> list[Known]:
        """Return the next studies to ask for, with what is known of them."""
        entries = await self._redis.lrange(self._queue, 0, count - 1)
        queue = [_queued(entry) for entry in entries]
        if not queue:
            return []
        names = [queued.accession for queued in queue]
        facts = await self._redis.hmget(self._facts, names)
        seen = await self._redis.hmget(self._seen, names)
        return [_known(*each) for each in zip(queue, facts, seen, strict=True)]

    async def done(
        self, progress: Progress, seen: dict[Queued, Seen], failed: Sequence[Queued]
    ) -> None:
        """Take studies off the queue; those that failed go to its end, or wait for the next crawl.

        Args:
            progress: The crawl.
            seen: The studies that were answered, with what to remember of the answers.
            failed: The studies whose own request failed.
        """
        again = [Queued(each.accession, each.failures + 1) for each in failed]
        kept = [each for each in again if each.failures < MAX_FAILURES]
        given_up = progress.given_up + len(again) - len(kept)
        commands: list[Command] = [
            ("LREM", self._queue, 0, queued.entry) for queued in (*seen, *failed)
        ]
        for queued in kept:
            commands.append(("LREM", self._queue, 0, queued.entry))
            commands.append(("RPUSH", self._queue, queued.entry))
        for each, found in seen.items():
            commands.append(("HSET", self._seen, each.accession, found.model_dump_json()))
        after = progress.model_copy(update={"given_up": given_up})
        await self._fence.write([*commands, self._set(after)])

    async def finish(self) -> None:
        """End the crawl; what was seen stays for the next."""
        await self._fence.write([("DEL", self._progress), ("DEL", self._queue)])

    def _set(self, progress: Progress) -> Command:
        return ("SET", self._progress, progress.model_dump_json())


def _queued(entry: bytes | str) -> Queued:
    accession, _, failures = text(entry).partition(" ")
    return Queued(accession, int(failures))


def _known(queued: Queued, facts: bytes | str | None, seen: bytes | str | None) -> Known:
    return Known(
        queued=queued,
        facts=_FACTS.validate_json(facts) if facts else {},
        facts_digest=blake2b(as_bytes(facts), digest_size=8).hexdigest() if facts else "",
        seen=Seen.model_validate_json(seen) if seen else None,
    )
