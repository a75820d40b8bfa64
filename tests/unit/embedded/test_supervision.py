"""What the supervisor is told, and what is read from what it says."""

import signal
from configparser import RawConfigParser
from pathlib import Path

from deploy.embedded.plan import (
    Addresses,
    Program,
    inherited_environment,
    service_programs,
)
from deploy.embedded.settings import read_settings
from deploy.embedded.suite import SUITE, Service, Suite
from deploy.embedded.supervision import Process, exit_code, render
from deploy.embedded.watch import BackOff, pids_by_service

PROGRAM = Program(
    name="postgres",
    group="postgres",
    command=["/a b/postgres"],
    folder="/a b",
    stop_signal=signal.SIGINT,
    stop_seconds=4,
    steady_seconds=2,
)
URLS = Addresses(redis="redis://r", owner_database="owner-url", reader_database="reader-url")
GIVEN = {"CASSIOPEIA_REDIS_URL": "redis://r", "CASSIOPEIA_DATABASE_URL": "postgresql://o"}


def test_the_configuration_has_a_section_for_each_program() -> None:
    """A program is started by the run, not by supervisord, and ends with its own signal."""
    parser = RawConfigParser()
    parser.read_string(render([PROGRAM], 1234, "hush"))
    program = dict(parser["program:postgres"])
    assert program["autostart"] == "false"
    assert program["autorestart"] == "true"
    assert program["stopsignal"] == "INT"
    assert program["stopwaitsecs"] == "4"
    assert program["stdout_logfile"] == "logs/postgres.log"
    assert parser["inet_http_server"]["port"] == "127.0.0.1:1234"


def test_no_path_and_no_address_is_in_the_configuration() -> None:
    """What its language could misread stands in the plan instead."""
    assert "/a b" not in render([PROGRAM], 1234, "hush")


def test_each_replica_has_its_index_port_and_database(tmp_path: Path) -> None:
    """The owner's URL goes to who writes, the reader's to who reads, none to the rest."""
    suite = Suite(
        services=(
            Service("writer", "m", database="owner"),
            Service("reader", "m", database="reader"),
            Service("other", "m"),
        ),
        migration=(),
    )
    environ = GIVEN | {"REPLICAS": "writer=2"}
    settings = read_settings(environ, tmp_path, suite.names)
    programs = {p.name: p for p in service_programs(settings, suite, URLS, [1, 2, 3, 4])}
    assert list(programs) == ["writer-0", "writer-1", "reader-0", "other-0"]
    assert programs["writer-1"].environment["CASSIOPEIA_REPLICA"] == "1"
    assert programs["writer-1"].environment["CASSIOPEIA_METRICS_PORT"] == "2"
    assert programs["writer-0"].environment["CASSIOPEIA_DATABASE_URL"] == "owner-url"
    assert programs["reader-0"].environment["CASSIOPEIA_DATABASE_URL"] == "reader-url"
    assert "CASSIOPEIA_DATABASE_URL" not in programs["other-0"].environment
    assert programs["other-0"].metrics == "http://127.0.0.1:4"


def test_no_service_inherits_another_roles_password() -> None:
    """The person's settings are passed on, the servers' URLs are not."""
    environ = {
        "PATH": "/bin",
        "CASSIOPEIA_LOG_LEVEL": "debug",
        "CASSIOPEIA_DATABASE_URL": "owner",
        "CASSIOPEIA_REDIS_URL_FILE": "file",
    }
    inherited = inherited_environment(environ, "MARK", Path("/data"))
    assert inherited == {
        "PATH": "/bin",
        "CASSIOPEIA_LOG_LEVEL": "debug",
        "CASSIOPEIA_THUMBNAIL_FOLDER": "/data/thumbnails",
        "MARK": "/data",
    }


def test_every_service_of_the_suite_has_a_name_that_replicas_can_take() -> None:
    """Names are unique and hold neither a space nor an equals sign."""
    assert len(set(SUITE.names)) == len(SUITE.names)
    assert all(name.isidentifier() for name in SUITE.names)


def test_the_exit_code_of_the_last_end_is_found() -> None:
    """Of several ends the last one counts, and another program's does not."""
    log = (
        "WARN exited: web-0 (exit status 1; not expected)\n"
        "WARN exited: web-0 (exit status 78; not expected)\n"
        "WARN exited: web-01 (exit status 3; not expected)\n"
        "WARN exited: worker-0 (terminated by SIGKILL; not expected)\n"
    )
    assert exit_code(log, "web-0") == 78
    assert exit_code(log, "worker-0") is None


def test_a_failing_program_is_started_again_after_ever_longer_pauses() -> None:
    """The pauses are 5, 10, 20, 40 and then always 60 s."""
    back_off, pauses, now = BackOff(), [], 0.0
    for _ in range(6):
        begun = now
        while not back_off.failed(now):
            now += 1
        pauses.append(now - begun)
    assert pauses == [5, 10, 20, 40, 60, 60]


def test_a_program_that_runs_again_is_forgiven() -> None:
    """After two minutes the next failure counts as the first; sooner it does not."""
    back_off = BackOff()
    back_off.failed(0)
    back_off.running(60)
    assert back_off.pause == 10
    back_off.running(120)
    assert back_off.pause == 5


def test_a_replica_that_does_not_run_is_null() -> None:
    """The list has a place for every replica, in order, whatever the supervisor's order is."""
    processes = [
        Process("a-1", "RUNNING", 12, 0.0),
        Process("a-0", "BACKOFF", None, 0.0),
        Process("b", "RUNNING", 13, 0.0),
    ]
    groups = [("a", "a-0"), ("a", "a-1"), ("b", "b")]
    assert pids_by_service(groups, processes) == {"a": [None, 12], "b": [13]}
