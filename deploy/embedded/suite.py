"""The table of what the embedded run starts; a new service is one more line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Service:
    """A service of the suite."""

    name: str
    module: str
    """What `python -m` runs."""
    database: Literal["none", "owner", "reader"] = "none"
    """The role with which it reaches the database."""


@dataclass(frozen=True)
class Suite:
    """The services in the order of their start, and the command that prepares the database."""

    services: Sequence[Service]
    migration: Sequence[str]
    """The arguments with which Python migrates the database; it is given the owner's URL."""

    @property
    def names(self) -> list[str]:
        """The names of the services."""
        return [service.name for service in self.services]


SUITE = Suite(
    services=(
        Service("persistence", "services.persistence", database="owner"),
        Service("gateway", "services.gateway", database="reader"),
        Service("ingest_iss", "services.ingest_iss"),
        Service("ingest_jwst", "services.ingest_jwst"),
        Service("ingest_osdr", "services.ingest_osdr"),
        Service("ingest_astro", "services.ingest_astro"),
        Service("ingest_space", "services.ingest_space"),
    ),
    migration=("-m", "services.persistence", "migrate"),
)
