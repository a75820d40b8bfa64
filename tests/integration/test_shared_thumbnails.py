"""Gateways with one folder of thumbnails: what one of them fetches, the others do not."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.gateway.thumbnails import PictureFetcher, ThumbnailFolder, Thumbnails
from services.gateway.thumbnails.folder import file_name
from services.gateway.thumbnails.service import PARALLEL
from tests.servers import CHECKOUT
from tests.upstreams.archives import Archives
from tests.upstreams.faults import Fault
from tests.upstreams.server import running
from tests.waiting import wait_until

PICTURES = [f"https://mast.stsci.edu/picture-{index}.jpg" for index in range(12)]
PICTURE = PICTURES[0]
HOLDER = """
import sys
from pathlib import Path
from services.gateway.thumbnails.folder import ThumbnailFolder, file_name
held = ThumbnailFolder(Path(sys.argv[1]), 1_000_000).lock(file_name(sys.argv[2]))
print("held" if held else "not held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
async def archives() -> AsyncIterator[Archives]:
    """What is asked for pictures."""
    async with running(Archives()) as made:
        yield made


@asynccontextmanager
async def thumbnails(
    folder: Path, archives: Archives, patience_s: float = 50.0
) -> AsyncIterator[Thumbnails]:
    """Give what a gateway has of thumbnails."""
    made = Thumbnails(
        ThumbnailFolder(folder, max_bytes=1_000_000),
        PictureFetcher(max_bytes=50_000, mirror=archives.url),
        patience_s,
    )
    try:
        yield made
    finally:
        await made.close()


def files(folder: Path) -> set[str]:
    """Return what lies in a folder."""
    return {path.name for path in folder.iterdir()}


async def test_what_one_gateway_fetches_the_others_wait_for(
    archives: Archives, tmp_path: Path
) -> None:
    """Asked for at the same moment by both, each picture is fetched once; no lock stays."""
    async with thumbnails(tmp_path, archives) as one, thumbnails(tmp_path, archives) as other:
        # The second gets them in another order.
        asked = [(one, url) for url in PICTURES] + [(other, url) for url in reversed(PICTURES)]
        found = await asyncio.gather(*(gateway.get(url) for gateway, url in asked))
    count = len(PICTURES)
    assert found[:count] == list(reversed(found[count:]))
    assert archives.calls == count
    assert files(tmp_path) == set(map(file_name, PICTURES))


async def test_a_gateway_that_stops_leaves_the_picture_to_the_others(
    archives: Archives, tmp_path: Path
) -> None:
    """Who waited fetches it."""
    archives.fault = Fault.HANG
    async with thumbnails(tmp_path, archives) as other:
        async with thumbnails(tmp_path, archives) as stopping:
            stopped = asyncio.create_task(stopping.get(PICTURE))
            await archives.wait_for_calls(1)
            waiting = asyncio.create_task(other.get(PICTURE))
        with pytest.raises(asyncio.CancelledError):
            await stopped
        await archives.wait_for_calls(2)
        archives.fault = None
        assert await waiting


async def test_a_gateway_that_dies_keeps_nobody_waiting(archives: Archives, tmp_path: Path) -> None:
    """Its lock goes with it, though the file stays; the next gateway takes that over."""
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLDER, str(tmp_path), PICTURE),
        cwd=CHECKOUT,
        stdin=PIPE,
        stdout=PIPE,
    )
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"held\n"
    folder = ThumbnailFolder(tmp_path, max_bytes=1_000_000)
    assert folder.lock(file_name(PICTURE)) is None
    async with thumbnails(tmp_path, archives) as gateway:
        waiting = asyncio.create_task(gateway.get(PICTURE))
        holder.kill()
        await holder.communicate()
        assert await waiting
    assert archives.calls == 1
    assert files(tmp_path) == {file_name(PICTURE)}


async def test_a_gateway_that_stands_still_is_not_waited_for(
    archives: Archives, tmp_path: Path
) -> None:
    """After its patience the other fetches too, and leaves the lock to whoever has it."""
    folder = ThumbnailFolder(tmp_path, max_bytes=1_000_000)
    held = folder.lock(file_name(PICTURE))
    assert held is not None
    async with thumbnails(tmp_path, archives, patience_s=0.05) as gateway:
        assert await gateway.get(PICTURE)
    assert archives.calls == 1
    assert folder.lock(file_name(PICTURE)) is None
    folder.unlock(file_name(PICTURE), held)


async def test_who_waits_for_others_keeps_no_picture_waiting(
    archives: Archives, tmp_path: Path
) -> None:
    """However many pictures another gateway is at, the rest are fetched."""
    folder = ThumbnailFolder(tmp_path, max_bytes=1_000_000)
    held = [(name, folder.lock(name)) for name in map(file_name, PICTURES[: PARALLEL + 1])]
    async with thumbnails(tmp_path, archives) as gateway:
        waiting = [asyncio.create_task(gateway.get(url)) for url in PICTURES[: PARALLEL + 1]]
        assert await gateway.get(PICTURES[-1])
        assert not any(task.done() for task in waiting)
        for name, lock in held:
            assert lock is not None
            folder.unlock(name, lock)
        assert all(await asyncio.gather(*waiting))


async def test_locks_pass_from_one_to_the_next(tmp_path: Path) -> None:
    """However often the lock file is removed and made anew, one has it at a time."""
    inside, most = 0, 0

    async def take_turns() -> None:
        nonlocal inside, most
        folder = ThumbnailFolder(tmp_path, max_bytes=1_000_000)
        for _ in range(50):
            held = await wait_until(lambda: folder.lock("one"), 30.0, "the lock")
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1
            await asyncio.to_thread(folder.unlock, "one", held)

    await asyncio.gather(*(take_turns() for _ in range(4)))
    assert most == 1
