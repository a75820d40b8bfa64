"""What can be done about dead letters: publish their bodies again, or remove the letters."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence

from redis.asyncio import Redis

from libs.common.broker import Publisher
from libs.common.dead_letters import DeadLetters
from libs.common.layout import Layout
from libs.common.slices import SLICE_BYTES
from libs.common.topology import EVENT_STREAMS, Stream
from services.persistence.dead.letters import PAGE, Letter


def destination(letter: Letter, layout: Layout) -> Stream | None:
    """Return the stream that a letter's body is published to; None when there is none.

    That is the stream that the body came from. If the number of partitions has changed since then,
    it is the first partition: so late, the order within a subject is lost anyway.
    """
    for stream in layout.event_streams:
        if letter.stream == stream.key:
            return stream
    for stream in EVENT_STREAMS:
        if letter.stream and stream.has(letter.stream):
            return layout.partitions(stream)[0]
    return None


async def pages(letters: AsyncIterator[Letter]) -> AsyncIterator[list[Letter]]:
    """Yield letters in lists of at most `PAGE`, and of little more than `SLICE_BYTES` bytes."""
    page: list[Letter] = []
    size = 0
    async for letter in letters:
        page.append(letter)
        size += len(letter.body)
        if len(page) == PAGE or size > SLICE_BYTES:
            yield page
            page, size = [], 0
    if page:
        yield page


async def replay(
    publisher: Publisher, redis: Redis, letters: Sequence[tuple[Letter, Stream]]
) -> None:
    """Publish the original bytes of letters, each to its stream, and remove the letters.

    In this order: after a kill in between, the next replay publishes a body again, and its event is
    still stored once. The other order could lose it.

    Raises:
        DependencyUnavailableError: The broker did not accept all bodies; no letter was removed.
        redis.exceptions.RedisError: The broker accepted them, but did not remove the letters.
    """
    bodies: dict[Stream, list[bytes]] = defaultdict(list)
    for letter, stream in letters:
        bodies[stream].append(letter.body)
    for stream, of_stream in bodies.items():
        await publisher.publish_bodies(stream, of_stream)
    await drop(redis, [letter for letter, _ in letters])


async def drop(redis: Redis, letters: Sequence[Letter]) -> None:
    """Remove letters for good."""
    by_source: dict[str | None, list[str]] = defaultdict(list)
    for letter in letters:
        by_source[None if letter.stream else letter.source].append(letter.id)
    for source, ids in by_source.items():
        await DeadLetters(redis).remove(ids, source)
