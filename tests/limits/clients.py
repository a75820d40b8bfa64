"""Clients that ask for more than they may have, and lie about where they come from."""

import asyncio
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus

import aiohttp

PATH = "/api/v1/iss/trend"


class Way(StrEnum):
    """How a client reaches the gateway."""

    PROXIED = "behind a trusted proxy"
    SPOOFED = "behind a trusted proxy, with invented hops"
    DIRECT = "directly, with an invented X-Forwarded-For"


@dataclass(slots=True)
class Client:
    """One client and what it got; its number makes its address."""

    number: int
    way: Way
    admitted: int = 0
    refused: int = 0
    others: list[str] = field(default_factory=list)
    first_at: float = 0.0
    last_at: float = 0.0

    @property
    def source(self) -> str:
        """The loopback address that its connections come from."""
        return f"127.0.1.{self.number}" if self.way is Way.DIRECT else "127.0.0.1"

    def headers(self) -> dict[str, str]:
        """Return what its proxy, or its own invention, adds to a request."""
        invented = f"198.51.100.{random.randrange(256)}"
        truth = f"203.0.113.{self.number}"
        shown = {Way.PROXIED: truth, Way.SPOOFED: f"{invented}, {truth}", Way.DIRECT: invented}
        return {"X-Forwarded-For": shown[self.way]}

    def due(self, per_minute: int, burst: int) -> float:
        """Return what it should have got in the time that it asked."""
        return burst + (self.last_at - self.first_at) * per_minute / 60

    async def ask(self, urls: Sequence[str], per_second: float, seconds: float) -> None:
        """Ask the replicas by turns, evenly paced; after a delay, the missed ones at once."""
        connector = aiohttp.TCPConnector(local_addr=(self.source, 0))
        async with aiohttp.ClientSession(connector=connector) as http:
            self.first_at = time.monotonic()
            for index, url in zip(itertools.count(), itertools.cycle(urls), strict=False):
                due = self.first_at + index / per_second
                if due > self.first_at + seconds:
                    return
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                await self._ask_once(http, url)
                self.last_at = time.monotonic()

    async def _ask_once(self, http: aiohttp.ClientSession, url: str) -> None:
        try:
            async with http.get(url + PATH, headers=self.headers()) as response:
                status = response.status
        except aiohttp.ClientError as error:
            self.others.append(repr(error))
            return
        if status == HTTPStatus.OK:
            self.admitted += 1
        elif status == HTTPStatus.TOO_MANY_REQUESTS:
            self.refused += 1
        else:
            self.others.append(str(status))


@dataclass(frozen=True, slots=True)
class Load:
    """How much is asked, of what is allowed."""

    clients: int
    seconds: float
    per_minute: int
    burst: int
    times: float = 10.0

    @property
    def per_second(self) -> float:
        """Requests of one client."""
        return self.per_minute / 60 * self.times


async def play(
    load: Load,
    way: Way,
    urls: Sequence[str],
    meanwhile: Callable[[], Awaitable[None]] | None = None,
) -> list[Client]:
    """Let all clients ask at the same time; return them with what they got."""
    clients = [Client(number, way) for number in range(1, load.clients + 1)]
    async with asyncio.TaskGroup() as tasks:
        for client in clients:
            tasks.create_task(client.ask(urls, load.per_second, load.seconds))
        if meanwhile is not None:
            tasks.create_task(_run(meanwhile))
    return clients


async def _run(work: Callable[[], Awaitable[None]]) -> None:
    await work()


def complaints(clients: Sequence[Client], load: Load, tolerance: float) -> list[str]:
    """Return what is wrong: a client that got more or less than its due, or another answer.

    Args:
        clients: After they asked.
        load: What they were allowed.
        tolerance: Share of its due that a client may miss; one token is always a question of
            the moment.
    """
    found = []
    for client in clients:
        due = client.due(load.per_minute, load.burst)
        if abs(client.admitted - due) > max(1.5, tolerance * due):
            found.append(f"client {client.number} got {client.admitted}, {due:.1f} were due")
        if client.others:
            found.append(f"client {client.number} got {client.others[:3]} as well")
        if client.refused < due / 4:
            found.append(f"client {client.number} asked too little: {client.refused} refusals")
    return found
