"""The embedded PostgreSQL and Valkey: they start, survive, and leave nothing behind."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from psycopg import errors

from deploy.embedded.leftovers import MARK, end_leftovers, find_processes, traces
from tests.servers import Servers, running_servers


@pytest.fixture
def durable() -> Iterator[Servers]:
    """Servers as `make run` has them."""
    with running_servers(durable=True) as servers:
        yield servers


def test_a_killed_valkey_comes_back_with_what_it_had(durable: Servers) -> None:
    """An entry whose log record was synced is in the stream after a kill -9."""
    with redis.Redis.from_url(durable.valkey_url) as client:
        entry = client.xadd("stream", {"a": "1"})
        client.waitaof(1, 0, 5_000)
        durable.valkey.kill()
        durable.valkey.start()
        assert client.xrange("stream") == [(entry, {b"a": b"1"})]


def test_a_killed_postgres_comes_back_with_what_was_committed(durable: Servers) -> None:
    """A committed row is there after a kill -9 of the postmaster, and the port is the same."""
    with psycopg.connect(durable.database_url()) as connection:
        connection.execute("CREATE TABLE kept (a int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    durable.postgres.kill()
    durable.postgres.start()
    with psycopg.connect(durable.database_url()) as connection:
        assert connection.execute("SELECT a FROM kept").fetchall() == [(1,)]


def test_servers_stop_cleanly(durable: Servers) -> None:
    """PostgreSQL and Valkey end with exit code 0 although a client is connected."""
    with (
        psycopg.connect(durable.database_url()),
        redis.Redis.from_url(durable.valkey_url) as client,
    ):
        client.ping()
        assert (durable.postgres.stop(), durable.valkey.stop()) == (0, 0)


def test_a_second_prepare_keeps_data_and_passwords(durable: Servers) -> None:
    """Preparing a cluster that is there already loses nothing and changes no password."""
    url = durable.database_url()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (a int)")
    durable.postgres.stop()
    durable.postgres.server.prepare()
    durable.postgres.start()
    assert durable.database_url() == url
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT * FROM kept").fetchall() == []


def test_an_interrupted_first_start_is_begun_again(tmp_path: Path, durable: Servers) -> None:
    """A half-made cluster under its temporary name is thrown away, not started."""
    durable.postgres.stop()
    server = durable.postgres.server
    server.folder.rename(tmp_path / "elsewhere")
    (durable.home / "postgres.new").mkdir()
    (durable.home / "postgres.new" / "PG_VERSION").write_text("18\n")
    server.prepare()
    durable.postgres.start()
    assert not (durable.home / "postgres.new").exists()


def test_roles_have_the_rights_they_need_and_no_more(servers: Servers) -> None:
    """The owner is no superuser and can make roles; the gateway's role reads what is granted."""
    name = servers.create_database(migrated=False)
    with psycopg.connect(servers.database_url(name)) as owner:
        owner.execute("CREATE TABLE shown (a int)")
        owner.execute("CREATE TABLE hidden (a int)")
        owner.execute("GRANT SELECT ON shown TO cassiopeia_reader")
        row = owner.execute(
            "SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert row == (False, True)
    with psycopg.connect(servers.reader_database_url(name), autocommit=True) as reader:
        assert reader.execute("SELECT * FROM shown").fetchall() == []
        with pytest.raises(errors.InsufficientPrivilege):
            reader.execute("SELECT * FROM hidden")
        with pytest.raises(errors.ReadOnlySqlTransaction):
            reader.execute("CREATE TABLE mine (a int)")
    servers.drop_database(name)


def test_servers_ask_for_their_passwords(servers: Servers) -> None:
    """Neither server lets anyone in without the password."""
    with redis.Redis(port=_port(servers.valkey_url)) as client:
        with pytest.raises(redis.AuthenticationError):
            client.ping()
        with pytest.raises(redis.AuthenticationError):
            client.auth("wrong")
    port = _port(servers.database_url())
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(f"postgresql://cassiopeia:wrong@127.0.0.1:{port}/cassiopeia")


def test_servers_listen_on_loopback_only(servers: Servers) -> None:
    """Every address that the servers listen on is 127.0.0.1."""
    for process in (servers.postgres, servers.valkey):
        listening = [
            connection.laddr.ip
            for connection in psutil.Process(process.pid).net_connections()
            if connection.status == psutil.CONN_LISTEN
        ]
        assert set(listening) == {"127.0.0.1"}


def test_secrets_are_for_the_owner_only(servers: Servers) -> None:
    """No file with a password can be read by another account."""
    for name in ("passwords.json", "valkey.conf"):
        assert stat.S_IMODE((servers.home / name).stat().st_mode) == 0o600
    assert not (servers.home / "initdb-password").exists()


def test_servers_never_run_as_root(servers: Servers) -> None:
    """Whoever runs the tests, the servers have no rights on this machine."""
    for process in (servers.postgres, servers.valkey):
        ids = psutil.Process(process.pid).uids()
        assert set(ids) == {os.geteuid()} if os.geteuid() else 0 not in set(ids)


def test_leftovers_of_a_killed_run_are_ended_and_nothing_else(durable: Servers) -> None:
    """What carries the data folder's mark or works in it ends; a stranger's process stays."""
    sleeper = [sys.executable, "-c", "import signal; signal.pause()"]
    mine = subprocess.Popen(sleeper, env={MARK: str(durable.folder)})  # noqa: S603 - our own
    stranger = subprocess.Popen(sleeper, env={MARK: f"{durable.folder}x"})  # noqa: S603 - our own
    try:
        (durable.folder / "run.json").write_text("{}")
        assert traces(durable.folder, durable.home)
        assert end_leftovers(durable.folder, durable.home) > 3
        assert find_processes(durable.folder, durable.home) == []
        assert not traces(durable.folder, durable.home)
        assert stranger.poll() is None
    finally:
        mine.kill()
        mine.wait()
        stranger.kill()
        stranger.wait()
    durable.close()


def test_a_recycled_process_id_does_not_block_postgres(durable: Servers) -> None:
    """A stale postmaster.pid is removed although another program has its number by now."""
    durable.postgres.kill()
    account = durable.postgres.server.account
    other = subprocess.Popen(
        ["/bin/sleep", "600"],
        user=account.uid if account else None,
        start_new_session=True,
    )
    try:
        pid_file = durable.postgres.server.folder / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        end_leftovers(durable.folder, durable.home)
        durable.postgres.start()
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
    durable.close()


def _port(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])
