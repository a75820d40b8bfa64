"""The whole suite as `make run` starts it: real servers, real services, and no network."""

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from deploy.embedded.readiness import get, unready
from deploy.embedded.servers import free_ports
from deploy.embedded.suite import SUITE
from tests.e2e.running import NO_UPSTREAMS, Run, wait_until
from tests.servers import Servers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def new_run(data: Path, **environ: str) -> Run:
    """Return a run on a free port that reaches no upstream."""
    defaults = NO_UPSTREAMS | {
        "CASSIOPEIA_PORT": str(free_ports(1)[0]),
        "REPLICAS": "gateway=2",
    }
    return Run(data, "deploy.embedded", defaults | environ)


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A run that is ready, for the tests that leave it running."""
    run = new_run(tmp_path_factory.mktemp("suite") / "data folder")
    try:
        yield run.start_ready()
    finally:
        run.remove()


def position(run: Run) -> dict[str, Any]:
    """Return the current position as the gateway serves it."""
    status, body = get(run.known["gateway_url"], "/api/v1/iss/position")
    assert status == 200, body
    assert isinstance(body, dict)
    return body


def stored(run: Run) -> int:
    """Return how many positions are in the database; -1 while it cannot be asked."""
    try:
        with psycopg.connect(run.known["database_url"]) as connection:
            row = connection.execute("SELECT count(*) FROM iss_positions").fetchone()
    except psycopg.OperationalError:
        return -1
    assert row is not None
    return int(row[0])


def test_the_position_is_fresh_and_says_where_it_comes_from(suite: Run) -> None:
    """Without a network the position is computed, says so, and is less than 10 s old."""
    body = position(suite)
    age = datetime.now(UTC) - datetime.fromisoformat(body["time"])
    assert abs(age) < timedelta(seconds=10)
    assert body["origin"] == "computed"


def test_a_line_for_each_source_follows_the_ready_line(suite: Run) -> None:
    """The printed sources are those that the gateway knew then; others may have come since."""
    _, body = get(suite.known["gateway_url"], "/api/v1/sources")
    lines = suite.output.splitlines()
    after_ready = lines[lines.index(f"ready: {suite.known['gateway_url']}") + 1 :]
    printed = [line.split()[0] for line in after_ready]
    assert printed == sorted(printed)
    assert printed
    assert set(printed) <= {item["name"] for item in body["items"]}


def test_run_json_is_complete(suite: Run) -> None:
    """Every service and server has its process ids, every service process its admin address."""
    known = suite.known
    assert set(known["pids"]) == {*SUITE.names, "postgres", "valkey"}
    assert all(psutil.pid_exists(pid) for pids in known["pids"].values() for pid in pids)
    assert set(known["metrics"]) == {f"{name}-0" for name in SUITE.names} | {"gateway-1"}
    for place in known["metrics"].values():
        assert unready(place) == ""
        assert get(place, "/metrics")[0] == 200


def test_positions_are_stored(suite: Run) -> None:
    """What is published arrives in the database that run.json names."""
    before = stored(suite)
    wait_until(lambda: stored(suite) > before, 30, "another row in iss_positions")


@pytest.mark.parametrize("service", ["persistence", "ingest_iss", "valkey", "postgres"])
def test_a_killed_process_comes_back(suite: Run, service: str) -> None:
    """After a kill -9 run.json has the new process, all is ready again, and rows go on arriving."""
    before = suite.pid(service)
    assert before
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: suite.pid(service) not in (None, before), 30, f"a new {service}")
    wait_until(
        lambda: all(unready(place) == "" for place in suite.known["metrics"].values()),
        60,
        "every process ready again",
    )
    rows = stored(suite)
    wait_until(lambda: stored(suite) > rows >= 0, 60, "another row in iss_positions")


def test_gateway_replicas_share_the_port(suite: Run) -> None:
    """While one replica is being killed and started again, the other serves."""
    killed, other = suite.known["pids"]["gateway"]
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(killed), 5, "the end of the replica")
    place = urlsplit(suite.known["gateway_url"])
    connection = HTTPConnection(place.hostname or "", place.port, timeout=10)
    connection.request("GET", "/health/live")
    assert connection.getresponse().status == 200
    connection.close()
    wait_until(lambda: suite.pid("gateway", 0) not in (None, killed), 30, "a new gateway-0")
    assert suite.pid("gateway", 1) == other


def test_a_run_stops_in_time_and_the_next_goes_on_with_its_data(tmp_path: Path) -> None:
    """SIGTERM ends all within 15 s with exit code 0; a second run has the rows of the first."""
    run = new_run(tmp_path / "data")
    try:
        run.start_ready()
        wait_until(lambda: stored(run) > 0, 30, "a row in iss_positions")
        rows = stored(run)
        assert run.stop() == 0
        assert run.processes() == []
        assert not (run.data / "run.json").exists()
        run.start_ready()
        assert stored(run) >= rows
        assert run.stop() == 0
        assert run.processes() == []
    finally:
        run.remove()


def test_existing_servers_are_used(
    tmp_path: Path, servers: Servers, valkey_url: str, database_url: str, reader_database_url: str
) -> None:
    """With the URLs of servers that are there, the run starts none and stores in the given ones."""
    run = new_run(
        tmp_path / "data",
        CASSIOPEIA_REDIS_URL=valkey_url,
        CASSIOPEIA_DATABASE_URL=database_url,
        CASSIOPEIA_GATEWAY_DATABASE_URL=reader_database_url,
    )
    try:
        run.start_ready()
        assert set(run.known["pids"]) == set(SUITE.names)
        assert run.known["database_url"] == database_url
        wait_until(lambda: stored(run) > 0, 30, "a row in iss_positions")
        assert run.stop() == 0
        assert servers.postgres.pid in psutil.pids()
    finally:
        run.remove()
