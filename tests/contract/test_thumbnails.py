"""Thumbnails: from their archives once, then from the disk; pictures and nothing else."""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from services.gateway.thumbnails.folder import ThumbnailFolder, file_name
from tests.catalogue import image_event
from tests.contract.clients import store
from tests.gateways import Gateway, running_gateway
from tests.upstreams.archives import Archives
from tests.upstreams.faults import Fault
from tests.upstreams.server import running

CDN = "https://jwst-api-cdn.nyc3.cdn.digitaloceanspaces.com"
JPEG = b"\xff\xd8\xff\xe0"


@dataclass(frozen=True, slots=True)
class World:
    """A gateway, the archives that it asks, and its folder."""

    gateway: Gateway
    archives: Archives
    folder: Path

    async def thumbnail(self, index: int = 0, **headers: str) -> tuple[int, bytes, Any]:
        """Return status, body and headers of a thumbnail."""
        path = f"/api/v1/jwst/images/{image_event(index).data.image_id}/thumbnail"
        async with self.gateway.http.get(path, headers=headers) as response:
            return response.status, await response.read(), response.headers

    def files(self) -> list[str]:
        """Return what lies in the folder."""
        return [path.name for path in self.folder.iterdir()] if self.folder.exists() else []


@pytest.fixture
async def world(
    valkey_url: str, database_url: str, reader_database_url: str, tmp_path: Path
) -> AsyncIterator[World]:
    """A gateway with thirty images that cannot reach the real archives."""
    await store(database_url, [image_event(index) for index in range(30)])
    folder = tmp_path / "thumbnails"
    async with (
        running(Archives()) as archives,
        running_gateway(
            valkey_url,
            reader_database_url,
            thumbnail_mirror_url=archives.url,
            thumbnail_folder=folder,
            thumbnail_max_bytes=50_000,
        ) as gateway,
    ):
        yield World(gateway, archives, folder)


async def test_a_thumbnail_is_fetched_once_and_kept(world: World) -> None:
    """The second client gets it from the disk, for ever; its address leads to the archive."""
    first = await world.thumbnail()
    assert first[0] == HTTPStatus.OK
    assert first[2]["Content-Type"] == "image/jpeg"
    assert first[2]["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in first[2]["Cache-Control"]
    assert (await world.thumbnail())[1] == first[1]
    assert world.archives.calls == 1
    assert world.archives.log.calls[0].path.startswith("/mast.stsci.edu/api/")
    assert len(world.files()) == 1
    for known in (first[2]["ETag"], "*"):
        status, body, _ = await world.thumbnail(0, **{"If-None-Match": known})
        assert (status, body) == (HTTPStatus.NOT_MODIFIED, b"")


async def test_clients_that_come_together_share_one_fetch(world: World) -> None:
    """Nothing is fetched twice, and one that goes away takes nothing from the others."""
    world.archives.fault = Fault.HANG
    asking = [asyncio.create_task(world.thumbnail()) for _ in range(10)]
    await world.archives.wait_for_calls(1)
    asking[0].cancel()
    world.archives.fault = None
    answers = await asyncio.gather(*asking[1:])
    assert {answer[0] for answer in answers} == {HTTPStatus.OK}
    assert world.archives.calls == 1


async def test_an_archive_is_asked_for_a_few_at_a_time(world: World) -> None:
    """A page of a gallery does not look like an attack."""
    answers = await asyncio.gather(*(world.thumbnail(index) for index in range(30)))
    assert {answer[0] for answer in answers} == {HTTPStatus.OK}
    assert world.archives.calls == 30
    assert world.archives.log.max_in_flight <= 4


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png", HTTPStatus.OK),
        (b"GIF89a...", "image/gif", HTTPStatus.OK),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp", HTTPStatus.OK),
        # Object stores say this of a file of which nobody told them more.
        (JPEG, "binary/octet-stream", HTTPStatus.OK),
        (JPEG, "text/html", HTTPStatus.BAD_GATEWAY),
        (b"<html><script>alert(1)</script>", "image/jpeg", HTTPStatus.BAD_GATEWAY),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", HTTPStatus.BAD_GATEWAY),
        (b"SIMPLE  =                    T", "image/fits", HTTPStatus.BAD_GATEWAY),
        (JPEG + b"x" * 50_000, "image/jpeg", HTTPStatus.BAD_GATEWAY),
    ],
)
async def test_only_pictures_of_a_sane_size_pass(
    world: World, content: bytes, content_type: str, status: HTTPStatus
) -> None:
    """Neither a type nor bytes alone make a picture; what is refused is not kept."""
    world.archives.content, world.archives.content_type = content, content_type
    answer = await world.thumbnail()
    assert answer[0] == status
    assert bool(world.files()) == (status is HTTPStatus.OK)
    if status is HTTPStatus.OK:
        assert answer[1] == content
        assert answer[2]["Content-Type"].startswith("image/")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (f"{CDN}/picture.jpg", HTTPStatus.OK),
        ("/elsewhere/on/the/same/host.jpg", HTTPStatus.OK),
        ("https://example.org/picture.jpg", HTTPStatus.BAD_GATEWAY),
        ("http://mast.stsci.edu/picture.jpg", HTTPStatus.BAD_GATEWAY),
        ("https://mast.stsci.edu:8443/picture.jpg", HTTPStatus.BAD_GATEWAY),
        ("https://mast.stsci.edu@example.org/", HTTPStatus.BAD_GATEWAY),
        ("https://stsci.edu.example.org/", HTTPStatus.BAD_GATEWAY),
        ("//169.254.169.254/latest/meta-data", HTTPStatus.BAD_GATEWAY),
        ("file:///etc/passwd", HTTPStatus.BAD_GATEWAY),
        ("https://[::1", HTTPStatus.BAD_GATEWAY),
    ],
)
async def test_redirects_lead_to_known_archives_only(
    world: World, target: str, status: HTTPStatus
) -> None:
    """No other host is asked; a circle has an end."""
    world.archives.redirect_to = target
    assert (await world.thumbnail())[0] == status
    hosts = {call.path.split("/")[1] for call in world.archives.log.calls}
    assert hosts <= {"mast.stsci.edu", CDN.removeprefix("https://")}
    assert world.archives.calls <= 4


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.ERROR_500, HTTPStatus.SERVICE_UNAVAILABLE),
        (Fault.TOO_MANY_429, HTTPStatus.SERVICE_UNAVAILABLE),
        (Fault.RESET, HTTPStatus.SERVICE_UNAVAILABLE),
        (Fault.FORBIDDEN_403, HTTPStatus.BAD_GATEWAY),
        (Fault.HTML_200, HTTPStatus.BAD_GATEWAY),
        (Fault.HUGE_BODY_GZIP, HTTPStatus.BAD_GATEWAY),
    ],
)
async def test_an_archive_that_fails_is_a_problem_and_is_left_alone(
    world: World, fault: Fault, status: HTTPStatus
) -> None:
    """The next client is told so without another call; other pictures are still asked for."""
    world.archives.fault = fault
    answers = [await world.thumbnail() for _ in range(3)]
    assert {answer[0] for answer in answers} == {status}
    assert all(answer[2]["Content-Type"] == "application/problem+json" for answer in answers)
    assert ("Retry-After" in answers[0][2]) == (status is HTTPStatus.SERVICE_UNAVAILABLE)
    assert world.archives.calls == 1
    world.archives.fault = None
    assert (await world.thumbnail(1))[0] == HTTPStatus.OK


async def test_a_kept_thumbnail_needs_neither_archive_nor_database(
    world: World, servers: Any
) -> None:
    """What is on the disk is served while both are away."""
    assert (await world.thumbnail())[0] == HTTPStatus.OK
    world.archives.fault = Fault.ERROR_500
    servers.postgres.stop()
    try:
        assert (await world.thumbnail())[0] == HTTPStatus.OK
    finally:
        servers.postgres.start()


async def test_an_unknown_image_has_no_thumbnail(world: World) -> None:
    """404, whatever the name looks like; nothing is asked and nothing is written."""
    for name in ("jw99999", "..%2F..%2Fetc%2Fpasswd", "%00", "a" * 300):
        async with world.gateway.http.get(f"/api/v1/jwst/images/{name}/thumbnail") as response:
            assert response.status in {HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY}
    assert world.archives.calls == 0
    assert world.files() == []


def test_the_folder_keeps_what_was_used_last_within_its_size(tmp_path: Path) -> None:
    """The least recently used go first; a file that was read lately stays."""
    folder = ThumbnailFolder(tmp_path / "new", max_bytes=10_000)
    for index in range(10):
        folder.write(str(index), bytes(1_000))
        os.utime(tmp_path / "new" / str(index), (index, index))
    assert folder.read("0") == bytes(1_000)
    folder.write("10", bytes(1_000))
    assert folder.read("0") == bytes(1_000)
    assert folder.read("1") is None
    assert folder.read("2") is None
    assert folder.read("10") == bytes(1_000)
    assert sum(path.stat().st_size for path in (tmp_path / "new").iterdir()) <= 10_000


def test_a_full_folder_of_an_earlier_process_is_counted(tmp_path: Path) -> None:
    """A restart does not forget what is there, and clears away what a dead process left."""
    for index in range(30):
        (tmp_path / str(index)).write_bytes(bytes(1_000))
    left = [tmp_path / name for name in (".part-old", ".lock-old")]
    for path in left:
        path.write_bytes(bytes(1_000))
        os.utime(path, (0, 0))
    ThumbnailFolder(tmp_path, max_bytes=10_000).write("new", bytes(1_000))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 10_000
    assert (tmp_path / "new").exists()
    assert not any(path.exists() for path in left)


@pytest.mark.parametrize("url", ["https://x/../../etc/passwd", "https://x/\x00", "a" * 9_000])
def test_a_file_is_named_by_a_digest(url: str) -> None:
    """No part of a URL reaches the file system."""
    assert len(file_name(url)) == 40
    assert file_name(url).isalnum()


async def test_a_file_that_cannot_be_read_is_fetched_instead(world: World) -> None:
    """A folder stands in its place: neither reading nor replacing it works."""
    first = await world.thumbnail()
    (name,) = world.files()
    (world.folder / name).unlink()
    (world.folder / name).mkdir()
    status, body, _ = await world.thumbnail()
    assert (status, body) == (HTTPStatus.OK, first[1])
    assert world.archives.calls == 2
