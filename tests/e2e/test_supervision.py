"""The run around its services: start, restart, stop, and what it says when it cannot.

The services are stand-ins, and the URLs name servers that nobody starts: what is tested here is the
supervision alone.
"""

import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deploy.embedded.servers import free_ports
from tests.e2e.running import CLOSED_PORT, Run, wait_until

MODULE = "tests.e2e.standin_suite"
Starter = Callable[..., Run]


@pytest.fixture
def make_run(tmp_path: Path) -> Iterator[Starter]:
    """Make runs that share a data folder whose path no configuration language likes."""
    made: list[Run] = []
    data = tmp_path / "a b ;c #d %e 'f"
    defaults = {
        "CASSIOPEIA_PORT": str(free_ports(1)[0]),
        "CASSIOPEIA_REDIS_URL": f"redis://127.0.0.1:{CLOSED_PORT}",
        "CASSIOPEIA_DATABASE_URL": f"postgresql://127.0.0.1:{CLOSED_PORT}/none",
        "STANDIN_MIGRATION": "print('nothing to migrate')",
    }

    def make(**environ: str) -> Run:
        made.append(Run(data, MODULE, defaults | environ))
        return made[-1]

    yield make
    for run in made:
        run.close()


def test_ready_is_said_with_address_and_sources(make_run: Starter) -> None:
    """The last lines are the address and a line for each source: name, state, origin."""
    run = make_run().start_ready()
    lines = run.output.splitlines()
    place = lines.index(f"ready: {run.known['gateway_url']}")
    assert lines[place + 1].split() == ["iss", "ok", "sgp4/computed"]


def test_run_json_names_every_process(make_run: Starter) -> None:
    """run.json has a process id per replica and an address per process, for the owner only."""
    run = make_run(REPLICAS="worker=2").start_ready()
    pids = run.known["pids"]
    assert {name: len(ids) for name, ids in pids.items()} == {"worker": 2, "web": 1}
    assert all(psutil.pid_exists(pid) for ids in pids.values() for pid in ids)
    assert set(run.known["metrics"]) == {"worker-0", "worker-1", "web-0"}
    assert stat.S_IMODE((run.data / "run.json").stat().st_mode) == 0o600


def test_a_killed_service_comes_back_and_run_json_follows(make_run: Starter) -> None:
    """A replica killed with -9 is started again, its neighbour is not touched."""
    run = make_run(REPLICAS="worker=2").start_ready()
    before = run.known["pids"]["worker"]
    os.kill(before[1], signal.SIGKILL)
    wait_until(lambda: run.pid("worker", 1) not in (None, before[1]), 15, "a new process id")
    assert run.pid("worker", 0) == before[0]


def test_sigterm_stops_everything(make_run: Starter) -> None:
    """SIGTERM ends the run with 0 and leaves neither a process nor run.json."""
    run = make_run().start_ready()
    assert run.stop() == 0
    assert run.processes() == []
    assert not (run.data / "run.json").exists()


def test_sigterm_during_the_start_stops_everything(make_run: Starter) -> None:
    """A run that is told to stop before it is ready ends with 0, too."""
    run = make_run(STANDIN_MIGRATION="import time; time.sleep(600)").start()
    wait_until(lambda: "migrating" in run.output, 20, "the migration")
    assert run.stop() == 0
    assert run.processes() == []


def test_stop_and_status_from_another_terminal(make_run: Starter) -> None:
    """`status` shows the processes and sources; `stop` returns when the run is over."""
    run = make_run().start_ready()
    shown = run.command("status")
    assert shown.returncode == 0
    assert [line.split()[:2] for line in shown.stdout.splitlines()[1:3]] == [
        ["web-0", "running"],
        ["worker-0", "running"],
    ]
    assert "iss  ok" in shown.stdout
    assert run.command("stop").returncode == 0
    assert run.wait_for_exit(5) == 0
    assert run.processes() == []
    assert run.command("status").returncode == 3
    assert run.command("stop").stdout == "nothing was running\n"


def test_logs_of_one_service(make_run: Starter) -> None:
    """`logs NAME` prints that service's log and names the others when there is none."""
    run = make_run().start_ready()
    assert run.command("logs", "worker").stdout.startswith("worker-0 starts\n")
    wrong = run.command("logs", "nobody")
    assert wrong.returncode == 1
    assert "web-0" in wrong.stdout


def test_a_wrong_setting_of_a_service_stops_the_start(make_run: Starter) -> None:
    """A service that ends with 78 is not tried again; what it said is shown."""
    run = make_run(STANDIN_FAILURE="worker-0=78").start()
    assert run.wait_for_exit(30) == 1
    assert "worker-0 cannot be started: its settings are wrong" in run.output
    assert run.output.count("worker-0 says why it cannot start") == 1
    assert run.processes() == []


def test_a_service_that_keeps_failing_stops_the_start(make_run: Starter) -> None:
    """A service that cannot start is tried five times, then the run ends and shows its log."""
    run = make_run(STANDIN_FAILURE="web-0=1").start()
    assert run.wait_for_exit(50) == 1
    assert "web-0 cannot be started: exit code 1" in run.output
    assert run.output.count("web-0 says why it cannot start") == 5
    assert run.processes() == []


def test_a_failed_migration_stops_the_start(make_run: Starter) -> None:
    """What the migration printed is shown, and no service is started."""
    run = make_run(STANDIN_MIGRATION="raise SystemExit('the table is on fire')").start()
    assert run.wait_for_exit(30) == 1
    assert "the table is on fire" in run.output
    assert not (run.data / "logs" / "worker-0.log").exists()


def test_a_dead_supervisor_ends_the_run(make_run: Starter) -> None:
    """When supervisord is killed, the run says so, ends its processes and fails."""
    run = make_run().start_ready()
    os.kill(run.known["supervisor_pid"], signal.SIGKILL)
    assert run.wait_for_exit(30) == 1
    assert "supervisord ended (-9)" in run.output
    assert run.processes() == []


def test_a_killed_run_is_tidied_up_by_the_next(make_run: Starter) -> None:
    """After a kill -9 of the driver and its supervisor, the next run ends what they left."""
    first = make_run().start_ready()
    left = first.known["pids"]["worker"][0]
    supervisor = first.known["supervisor_pid"]
    first.process.kill()
    first.process.wait()
    os.kill(supervisor, signal.SIGKILL)
    second = make_run().start_ready()
    assert "earlier run" in second.output
    assert not psutil.pid_exists(left)
    assert second.stop() == 0


def test_stop_ends_what_a_killed_run_left(make_run: Starter) -> None:
    """`stop` works although the driver is gone."""
    run = make_run().start_ready()
    run.process.kill()
    run.process.wait()
    assert "had been killed" in run.command("stop").stdout
    assert run.processes() == []


def test_two_runs_cannot_share_a_data_folder(make_run: Starter) -> None:
    """The second run says which folder is in use, and does the first no harm."""
    first = make_run().start_ready()
    second = make_run(CASSIOPEIA_PORT=str(free_ports(1)[0])).start()
    assert second.wait_for_exit(30) == 1
    assert "is in use by another run" in second.output
    assert first.process.poll() is None
    assert first.stop() == 0


def test_a_taken_port_is_named(make_run: Starter) -> None:
    """A port that another program has is reported with the variable that chooses another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = make_run(CASSIOPEIA_PORT=str(port)).start()
        assert run.wait_for_exit(30) == 1
    assert f"port {port} of 127.0.0.1 cannot be used" in run.output
    assert "CASSIOPEIA_PORT" in run.output


def test_a_wrong_setting_of_the_run_is_named(make_run: Starter) -> None:
    """A REPLICAS that cannot be understood stops the start before anything is made."""
    run = make_run(REPLICAS="worker=many").start()
    assert run.wait_for_exit(30) == 1
    assert "REPLICAS='worker=many': expected NAME=COUNT" in run.output
    assert not run.data.exists()
