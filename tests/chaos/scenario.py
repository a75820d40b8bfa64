"""What a scenario is given, and what it reports."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from tests.servers import Servers


class Check(NamedTuple):
    """One statement that holds or does not."""

    statement: str
    holds: bool
    found: str
    """What was counted, for the person who reads that it does not hold."""


@dataclass
class Row:
    """What became of the events that were published under one fault.

    Attributes:
        fault: A few words.
        sent: Events that the stream accepted, poison included; one accepted twice counts once.
        stored: Rows.
        lost: Valid events without a row.
        doubled: Rows beyond the first of an event.
        dead: Dead letters.
        recovery_s: Seconds from the fault until all that had been accepted before it was stored;
            the longest one where it struck several times.
    """

    fault: str
    sent: int = 0
    stored: int = 0
    lost: int = 0
    doubled: int = 0
    dead: int = 0
    recovery_s: float = 0.0


@dataclass
class Report:
    """What a scenario found.

    Attributes:
        rows: One per fault.
        checks: What must hold.
        remarks: Lines for the person who asks why.
        skipped: Why this machine cannot play it; empty where it was played.
    """

    rows: list[Row] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    skipped: str = ""

    def check(self, statement: str, found: object, expected: object) -> None:
        """Note whether what was found is what was expected."""
        told = f"{found}" if found == expected else f"{found}, expected {expected}"
        self.checks.append(Check(statement, found == expected, told))


@dataclass(frozen=True)
class Stage:
    """What a scenario plays on: servers that are its own, an empty broker, a fresh database.

    Attributes:
        servers: Both servers, durable as in `make run`.
        database_url: A migrated database without rows.
        environment: What a service is told.
        logs: A folder for the logs of processes.
        choose: Where all chance comes from.
        events: How many valid events to publish at most.
        kills: How often to kill.
        poll_seconds: For how long to restart pollers.
        say: Prints a line at once.
    """

    servers: Servers
    database_url: str
    environment: Mapping[str, str]
    logs: Path
    choose: random.Random
    events: int
    kills: int
    poll_seconds: int
    say: Callable[[str], None]


class Scenario(Protocol):
    """One file in `scenarios/`, named in its table."""

    @property
    def name(self) -> str:
        """A few words."""

    async def run(self, stage: Stage) -> Report:
        """Play it, count, and report."""
