"""Turns settings and servers into the programs of the run: command, environment, rights, ports."""

import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deploy.embedded.account import Account
from deploy.embedded.servers import PostgresServer, Server, ValkeyServer
from deploy.embedded.settings import RunSettings, address
from deploy.embedded.suite import Service, Suite


@dataclass(frozen=True)
class Program:
    """One process that supervisord looks after."""

    name: str
    group: str
    """The service that it is a replica of, or its own name."""
    command: Sequence[str]
    folder: str
    environment: Mapping[str, str] = field(default_factory=dict)
    inherits: bool = True
    """Whether it also gets the environment of the run."""
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: int = 10
    """A service may take 10 s to finish its work before it is killed."""
    steady_seconds: int = 5
    """Ending sooner counts as a failed start, which is tried again after ever longer pauses."""
    metrics: str | None = None
    """The URL of its /live, /ready and /metrics."""

    def launched(self) -> dict[str, Any]:
        """Return what `launch.py` needs, for the plan file."""
        known = asdict(self)
        chosen = {name: known[name] for name in ("command", "folder", "environment", "inherits")}
        return chosen | {"account": [self.account.uid, self.account.gid] if self.account else None}


@dataclass(frozen=True)
class Addresses:
    """The URLs that the services are given."""

    redis: str
    owner_database: str
    reader_database: str

    def database(self, service: Service) -> str | None:
        """Return the database URL for a service."""
        return {"owner": self.owner_database, "reader": self.reader_database}.get(service.database)


def own_servers(settings: RunSettings, ports: Sequence[int]) -> list[PostgresServer | ValkeyServer]:
    """Return the servers that this run starts itself."""
    servers: list[PostgresServer | ValkeyServer] = []
    if settings.database_url is None:
        servers.append(PostgresServer(settings.home, settings.account, ports[0]))
    if settings.redis_url is None:
        servers.append(ValkeyServer(settings.home, settings.account, ports[1]))
    return servers


def addresses(settings: RunSettings, servers: Sequence[PostgresServer | ValkeyServer]) -> Addresses:
    """Return the URLs of the servers, own or given; own servers must have been prepared."""
    redis = owner = reader = ""
    for server in servers:
        if isinstance(server, ValkeyServer):
            redis = server.url()
        else:
            owner, reader = server.url(), server.url("cassiopeia_gateway")
    return Addresses(
        redis=settings.redis_url or redis,
        owner_database=settings.database_url or owner,
        reader_database=settings.gateway_database_url or reader,
    )


def server_program(server: Server) -> Program:
    """Return the program of a server, whose command is known once it is prepared."""
    return Program(
        name=server.name,
        group=server.name,
        command=server.command(),
        folder=str(server.folder),
        environment=server.environment,
        inherits=False,
        account=server.account,
        stop_signal=server.stop_signal,
        # Without clients, a shutdown takes well under a second.
        stop_seconds=4,
        steady_seconds=2,
    )


def service_programs(
    settings: RunSettings, suite: Suite, urls: Addresses, ports: Sequence[int]
) -> list[Program]:
    """Return a program for every replica of every service, each with a metrics port of its own."""
    programs = []
    free = iter(ports)
    for service in suite.services:
        for replica in range(settings.replicas[service.name]):
            port = next(free)
            programs.append(
                Program(
                    name=f"{service.name}-{replica}",
                    group=service.name,
                    command=[sys.executable, "-m", service.module],
                    folder=str(settings.checkout),
                    environment=service_environment(settings, service, urls)
                    | {
                        "CASSIOPEIA_REPLICA": str(replica),
                        "CASSIOPEIA_METRICS_HOST": settings.metrics_host,
                        "CASSIOPEIA_METRICS_PORT": str(port),
                    },
                    metrics=address(settings.metrics_host, port),
                )
            )
    return programs


def service_environment(settings: RunSettings, service: Service, urls: Addresses) -> dict[str, str]:
    """Return a service's own variables, in addition to the environment of whoever runs it."""
    environment = {
        "CASSIOPEIA_HOST": settings.host,
        "CASSIOPEIA_PORT": str(settings.port),
        "CASSIOPEIA_REDIS_URL": urls.redis,
    }
    database = urls.database(service)
    return environment | ({"CASSIOPEIA_DATABASE_URL": database} if database else {})


def inherited_environment(environ: Mapping[str, str], mark: str, data: Path) -> dict[str, str]:
    """Return the environment of the supervisor, which the services inherit.

    The URLs are left out: each service gets only those that it needs, and no other role's password.
    """
    urls = {"REDIS_URL", "DATABASE_URL", "GATEWAY_DATABASE_URL"}
    dropped = {f"CASSIOPEIA_{name}{end}" for name in urls for end in ("", "_FILE")}
    kept = {name: value for name, value in environ.items() if name not in dropped}
    chosen = {"CASSIOPEIA_THUMBNAIL_FOLDER": str(data / "thumbnails")}
    return chosen | kept | {mark: str(data)}
