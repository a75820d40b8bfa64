"""The two servers of the embedded suite, and what they have in common."""

import random
import signal
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from deploy.embedded.account import Account
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.postgres import PostgresServer
from deploy.embedded.valkey import ValkeyServer

__all__ = [
    "PostgresServer",
    "Server",
    "ValkeyServer",
    "free_ports",
    "reserve_port",
    "wait_until_ready",
]

# Linux gives outgoing connections ports from 32768 on. A lower port therefore stays free while its
# server is being restarted.
_FIRST_PORT, _LAST_PORT = 20_000, 32_000
# A port that was given away is free until its server has started.
_given: set[int] = set()


class Server(Protocol):
    """What must be known of a server to start, watch and stop it."""

    @property
    def name(self) -> str:
        """The name of its process and its log."""

    @property
    def account(self) -> Account | None:
        """The account that it runs as; None means the current user."""

    @property
    def folder(self) -> Path:
        """Its data folder, which is also its working folder."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Its complete environment; it inherits nothing."""

    @property
    def stop_signal(self) -> signal.Signals:
        """The signal that ends it cleanly."""

    def prepare(self) -> None:
        """Make what a start needs; keep the data that exists already."""

    def command(self) -> list[str]:
        """Return its command line."""

    def ready(self) -> bool:
        """Tell whether it accepts requests."""


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback address that are free at the moment, never one twice."""
    found: list[int] = []
    held: list[socket.socket] = []
    try:
        while len(found) < count:
            candidate = random.randint(_FIRST_PORT, _LAST_PORT)  # noqa: S311 - no secret
            if candidate in _given:
                continue
            probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            held.append(probe)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            found.append(candidate)
            _given.add(candidate)
    finally:
        for probe in held:
            probe.close()
    return found


def reserve_port(port: int) -> None:
    """Keep a port from being given away: a process of ours that is not started yet has it."""
    _given.add(port)


def wait_until_ready(
    server: Server,
    *,
    seconds: float,
    failure: Callable[[], str],
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until the server accepts requests.

    Args:
        server: The server, started already.
        seconds: How long it may take. Recovery after a crash reads the log since the last
            checkpoint, which can take a minute on a slow disk.
        failure: Returns why waiting longer is useless, or an empty string.
        pause: Waits between two checks; raises when the waiting is to end.

    Raises:
        EmbeddedError: The server ended, or was not ready in time.
    """
    deadline = time.monotonic() + seconds
    while not server.ready():
        reason = failure()
        if reason:
            raise EmbeddedError(reason)
        if time.monotonic() > deadline:
            raise EmbeddedError(f"{server.name} does not answer after {seconds:g} s.")
        pause(0.05)
