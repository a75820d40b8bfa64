"""Valkey on several nodes of the loopback address: a cluster with replicas, or sentinels.

The nodes run as whoever runs the tests: Valkey, unlike PostgreSQL, has nothing against root.
"""

import contextlib
import os
import secrets
import signal
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import redis

from deploy.embedded.account import Account
from deploy.embedded.binaries import installed
from deploy.embedded.leftovers import MARK
from deploy.embedded.servers import free_ports
from tests.servers import ServerProcess, server_folder

MASTERS = 3
SLOTS = 16_384
SERVICE = "cassiopeia"
# A node that is silent for this long is suspected; its replica stands for election right after.
NODE_TIMEOUT_MS = 2_000
FORMING_S = 30.0

_NODE = """\
bind 127.0.0.1
port {port}
requirepass {password}
primaryauth {password}
daemonize no
maxmemory-policy noeviction
save ""
# A replica is asked to catch up at once, not after the pause that gathers several.
repl-diskless-sync-delay 0
"""
_CLUSTERED = """\
cluster-enabled yes
cluster-port {bus}
cluster-config-file nodes.conf
cluster-node-timeout {timeout}
"""
_SENTINEL = """\
bind 127.0.0.1
port {port}
sentinel monitor {service} 127.0.0.1 {primary} 2
sentinel auth-pass {service} {password}
sentinel down-after-milliseconds {service} {timeout}
sentinel failover-timeout {service} 10000
"""


class ValkeyNode:
    """One Valkey of several, with its folder, port and configuration."""

    stop_signal = signal.SIGTERM
    account: Account | None = None

    def __init__(self, run: Path, port: int, configuration: str, *arguments: str) -> None:
        self.name = f"valkey-{port}"
        self.port = port
        self.folder = run / self.name
        self._configuration = configuration
        self._arguments = arguments
        # The mark by which the next test run finds what a killed one left behind.
        self.environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", MARK: str(run)}

    def prepare(self) -> None:
        """Make the folder and the configuration."""
        self.folder.mkdir(mode=0o700)
        (self.folder / "valkey.conf").write_text(self._configuration)

    def command(self) -> list[str]:
        """Return the command line, to be started in the folder."""
        return [str(installed().valkey), "valkey.conf", *self._arguments]

    def ready(self) -> bool:
        """Tell whether it answers; a refusal for want of a password is an answer."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False


class Nodes(ABC):
    """Valkeys that belong together.

    Attributes:
        processes: The running nodes by port.
        password: Of all of them.
    """

    def __init__(self, run: Path) -> None:
        self.run = run
        self.processes: dict[int, ServerProcess] = {}
        self.password = secrets.token_urlsafe(16)

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL that a service is given."""

    @abstractmethod
    def primary_of(self, key: str) -> int:
        """Return the port of the node that serves a key."""

    @abstractmethod
    def hand_over(self, port: int) -> None:
        """Have the replica of a primary take its place, both being alive."""

    def start(self, port: int, configuration: str, *arguments: str) -> None:
        """Start one node."""
        node = ValkeyNode(self.run, port, configuration, *arguments)
        node.prepare()
        self.processes[port] = process = ServerProcess(node, self.run / f"{node.name}.log")
        process.start()

    def close(self) -> None:
        """End all of them."""
        for process in self.processes.values():
            process.close()

    def kill(self, port: int) -> None:
        """End a node with SIGKILL."""
        self.processes.pop(port).kill()

    def ask(self, port: int, *words: str | int) -> Any:
        """Send a command to one node."""
        with redis.Redis(port=port, password=self.password) as client:
            execute: Any = client.execute_command
            return execute(*words)

    def role(self, port: int) -> str:
        """Return `master` or `slave`."""
        return str(self.ask(port, "ROLE")[0].decode())

    def replica_of(self, port: int) -> int:
        """Return the port of the replica of a primary."""
        return int(self.ask(port, "ROLE")[2][0][1])

    def has_replica(self, port: int) -> bool:
        """Tell whether a primary has a replica that follows it."""
        return bool(self.ask(port, "ROLE")[2])


class ValkeyCluster(Nodes):
    """Three primaries that share the slots, and a replica of each."""

    @property
    def url(self) -> str:
        """The URL of the cluster; it names two of its nodes."""
        first, second, *_ = self.processes
        return f"redis+cluster://:{self.password}@127.0.0.1:{first},127.0.0.1:{second}"

    def form(self) -> None:
        """Start six nodes and make them one cluster."""
        ports = free_ports(4 * MASTERS)
        nodes, buses = ports[: 2 * MASTERS], ports[2 * MASTERS :]
        for port, bus in zip(nodes, buses, strict=True):
            configuration = (_NODE + _CLUSTERED).format(
                port=port, bus=bus, password=self.password, timeout=NODE_TIMEOUT_MS
            )
            self.start(port, configuration)
        primaries, replicas = nodes[:MASTERS], nodes[MASTERS:]
        bounds = [SLOTS * index // MASTERS for index in range(MASTERS + 1)]
        for index, port in enumerate(primaries):
            self.ask(port, "CLUSTER", "ADDSLOTSRANGE", bounds[index], bounds[index + 1] - 1)
            # Different from the beginning, so that no two nodes have to sort out whose is newer.
            self.ask(port, "CLUSTER", "SET-CONFIG-EPOCH", index + 1)
        for port, bus in zip(nodes[1:], buses[1:], strict=True):
            self.ask(nodes[0], "CLUSTER", "MEET", "127.0.0.1", port, bus)
        _wait(lambda: all(self._knows_all(port) for port in nodes), "all nodes have met")
        for primary, replica in zip(primaries, replicas, strict=True):
            self.ask(replica, "CLUSTER", "REPLICATE", self.ask(primary, "CLUSTER", "MYID").decode())
        _wait(lambda: all(self.has_replica(port) for port in primaries), "replicas follow")
        _wait(lambda: all(self._is_whole(port) for port in nodes), "all slots are served")

    def primary_of(self, key: str) -> int:
        """Return the port of the node that serves a key."""
        slot = next(self.ask(port, "CLUSTER", "KEYSLOT", key) for port in self._alive())
        for first, last, primary, *_ in self.ask(self._alive()[0], "CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return int(primary[1])
        raise AssertionError(f"nobody serves slot {slot} of {key}")

    def hand_over(self, port: int) -> None:
        """Have the replica of a primary take its place, both being alive."""
        self.ask(self.replica_of(port), "CLUSTER", "FAILOVER")

    def _alive(self) -> Sequence[int]:
        return list(self.processes)

    def _knows_all(self, port: int) -> bool:
        return f"cluster_known_nodes:{2 * MASTERS}" in self._info(port)

    def _is_whole(self, port: int) -> bool:
        replicated = [len(row) > 3 for row in self.ask(port, "CLUSTER", "SLOTS")]
        return "cluster_state:ok" in self._info(port) and all(replicated)

    def _info(self, port: int) -> str:
        info: bytes | dict[str, str] = self.ask(port, "CLUSTER", "INFO")
        if isinstance(info, bytes):
            return info.decode()
        return "\n".join(f"{name}:{value}" for name, value in info.items())


class ValkeySentinels(Nodes):
    """A primary, its replica, and three sentinels that watch them."""

    sentinels: tuple[int, ...] = ()

    @property
    def url(self) -> str:
        """The URL of the service; it names the sentinels only."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.sentinels)
        return f"redis+sentinel://:{self.password}@{hosts}/{SERVICE}"

    def form(self) -> None:
        """Start them all, and wait until the sentinels know the replica and one another."""
        primary, replica, *sentinels = free_ports(5)
        for port in (primary, replica):
            self.start(port, _NODE.format(port=port, password=self.password))
        self.ask(replica, "REPLICAOF", "127.0.0.1", primary)
        _wait(lambda: self.has_replica(primary), "the replica follows")
        self.sentinels = tuple(sentinels)
        for port in sentinels:
            configuration = _SENTINEL.format(
                port=port,
                primary=primary,
                service=SERVICE,
                password=self.password,
                timeout=NODE_TIMEOUT_MS,
            )
            self.start(port, configuration, "--sentinel")
        _wait(lambda: all(map(self._knows_all, sentinels)), "the sentinels know one another")

    def primary_of(self, key: str) -> int:
        """Return the port of the primary, as the sentinels see it; it serves every key."""
        del key
        with redis.Redis(port=self.sentinels[0]) as client:
            execute: Any = client.execute_command
            return int(execute("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)[1])

    def hand_over(self, port: int) -> None:
        """Have the sentinels put the replica into the primary's place, both being alive."""
        del port

        def accepted() -> bool:
            try:
                return bool(client.sentinel_failover(SERVICE))
            except redis.ResponseError:
                # A replica that was away a moment ago is not good enough yet.
                return False

        with redis.Redis(port=self.sentinels[0]) as client:
            _wait(accepted, "the sentinels hold the replica for good")

    def _knows_all(self, port: int) -> bool:
        with redis.Redis(port=port) as client:
            state = client.sentinel_master(SERVICE)
        return (state["num-slaves"], state["num-other-sentinels"]) == (1, 2)


@contextlib.contextmanager
def running_cluster() -> Iterator[ValkeyCluster]:
    """Run a cluster of six nodes, and remove all of it at the end."""
    with server_folder() as folder, contextlib.closing(ValkeyCluster(folder)) as cluster:
        cluster.form()
        yield cluster


@contextlib.contextmanager
def running_sentinels() -> Iterator[ValkeySentinels]:
    """Run a primary, its replica and three sentinels, and remove all of it at the end."""
    with server_folder() as folder, contextlib.closing(ValkeySentinels(folder)) as sentinels:
        sentinels.form()
        yield sentinels


def _wait(condition: Callable[[], bool], description: str) -> None:
    deadline = time.monotonic() + FORMING_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {FORMING_S:g} s: {description}")
        time.sleep(0.05)
