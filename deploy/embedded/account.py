"""Which account the servers run as, and which folder is theirs.

PostgreSQL refuses to run as root. So a run by root gives the servers an account without rights, and
a folder outside the checkout that this account can reach: nobody else may enter a checkout below
root's home. A run by any other user keeps everything in the data folder.
"""

import grp
import hashlib
import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.errors import EmbeddedError

ROOT_HOMES = Path("/var/lib/cassiopeia")
SETTING = "CASSIOPEIA_SERVER_ACCOUNT"


@dataclass(frozen=True)
class Account:
    """An account of this machine that has no rights of its own."""

    name: str
    uid: int
    gid: int


def server_account(environ: Mapping[str, str]) -> Account | None:
    """Return the account that the servers change to, or None if they run as the current user.

    Raises:
        EmbeddedError: The account does not exist, is root itself, or the current user has no name.
    """
    uid = os.geteuid()
    if uid != 0:
        if not _has_name(uid):
            raise EmbeddedError(
                f"this machine has no account with the user id {uid}, which PostgreSQL needs: add"
                " one to /etc/passwd, or set CASSIOPEIA_DATABASE_URL to an existing server."
            )
        return None
    name = environ.get(SETTING) or "nobody"
    try:
        entry = pwd.getpwnam(name)
        grp.getgrgid(entry.pw_gid)
    except KeyError:
        raise EmbeddedError(
            f"{SETTING}={name}: expected an account of this machine for PostgreSQL and Valkey to"
            " run as, since PostgreSQL refuses to run as root."
        ) from None
    if entry.pw_uid == 0:
        raise EmbeddedError(f"{SETTING}={name}: expected an account other than root.")
    return Account(name, entry.pw_uid, entry.pw_gid)


def server_home(data: Path, account: Account | None) -> Path:
    """Return the folder of the servers' data for a run with this data folder."""
    if account is None:
        return data / "servers"
    return ROOT_HOMES / hashlib.sha256(os.fsencode(data)).hexdigest()[:12]


def make_home(home: Path, account: Account | None) -> None:
    """Create the folder; the account may enter it, but neither list nor change it."""
    if account is not None and not home.parent.exists():
        home.parent.mkdir(parents=True, exist_ok=True)
        home.parent.chmod(0o755)  # whatever root's umask is
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700 if account is None else 0o711)


def make_folder(folder: Path, account: Account | None) -> None:
    """Create a folder that only the account may enter."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        os.chown(folder, account.uid, account.gid)


def write_file(path: Path, content: str, account: Account | None, *, mode: int = 0o600) -> None:
    """Write a file atomically, for the account to read."""
    partial = path.with_name(path.name + ".new")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(content)
        if account is not None:
            os.fchown(handle.fileno(), account.uid, account.gid)
    partial.replace(path)


def run_as(
    account: Account | None,
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    *,
    text: str = "",
) -> str:
    """Run a command as the account, giving it `text` to read, and return what it printed.

    Raises:
        EmbeddedError: It failed; the message has its last lines.
    """
    done = subprocess.run(  # noqa: S603 - our own command line
        command,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        env=dict(environment),
        cwd=folder,
        umask=0o077,
        # Ctrl-C must reach the run, which then stops in order, not this command halfway through.
        start_new_session=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        check=False,
    )
    if done.returncode != 0:
        last = "\n".join(done.stdout.strip().splitlines()[-10:])
        raise EmbeddedError(f"{Path(command[0]).name} failed ({done.returncode}):\n{last}")
    return done.stdout


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
