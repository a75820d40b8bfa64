"""Makes .venv and installs a lock into it: `python3 deploy/embedded/environment.py embedded|dev`.

This file runs before anything is installed, with whichever Python the machine has. So it imports
only the standard library, and even Python 3.6 can parse it: an old Python must get far enough to
say that it is too old. A second run with the same lock does nothing and needs no network.
"""

import contextlib
import errno
import fcntl
import hashlib
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

OLDEST, NEWEST = (3, 11), (3, 14)

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent.parent

# Which installed locks satisfy which argument: dev.txt holds everything that embedded.txt does.
SERVED_BY = {"embedded": ("embedded", "dev"), "dev": ("dev",)}

# Measured 270 MB and 380 MB installed, and pip unpacks each wheel beside its download.
NEEDED_MEGABYTES = {"embedded": 450, "dev": 600}

# What different versions of pip say, in lower case, when they cannot reach the package index.
NETWORK_WORDS = ("connect", "timed out", "name resolution", "proxyerror", "sslerror", "unreachable")

FULL = "the disk is full: make room and try again."


class ProblemError(Exception):
    """The environment cannot be made; the message is a sentence for the person at the terminal."""


class UnreachableError(ProblemError):
    """A package could not be downloaded, so nothing was installed either."""


def version_problem(version: "tuple[int, int]") -> str:
    """Return what is wrong with a Python of this (major, minor) version, or an empty string."""
    name = "Python {}.{}".format(*version)
    wanted = "Cassiopeia needs {}.{} to {}.{}".format(*(OLDEST + NEWEST))
    how = "name another with PYTHON=, as in `make run PYTHON=python{}.{}`".format(*NEWEST)
    if version < OLDEST:
        return f"{name} is too old: {wanted}; {how}."
    if version > NEWEST:
        return f"{name} is too new: {wanted}; {how}."
    return ""


def modules_problem(version: "tuple[int, int]", available: "Collection[str]") -> str:
    """Return what is wrong when `venv` or `ensurepip` is missing, or an empty string.

    Debian and Ubuntu ship both in a separate package.
    """
    missing = [name for name in ("venv", "ensurepip") if name not in available]
    if not missing:
        return ""
    return (
        "this Python lacks the module {} that makes environments: install the package"
        " python{}.{}-venv (Debian, Ubuntu), or name another Python with PYTHON=."
    ).format(" and ".join(missing), *version)


def space_problem(extra: str, free_bytes: int) -> str:
    """Return what is wrong when the disk has too little space left, or an empty string."""
    needed, free = NEEDED_MEGABYTES[extra], free_bytes // 1_000_000
    if free >= needed:
        return ""
    return f"the disk is full: the installation needs {needed} MB and {free} MB are free."


def pip_problem(output: str) -> ProblemError:
    """Turn the output of a failed pip into one sentence."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    last = next((line for line in reversed(lines) if line.startswith("ERROR:")), "")
    last = last.replace("ERROR: ", "", 1) or (lines[-1] if lines else "it printed nothing")
    if "No space left on device" in output or "Errno 28" in output:
        return ProblemError(FULL)
    if "do not match the hashes" in output.lower():
        return ProblemError("a downloaded package is not the one that the lock names: " + last)
    if any(word in output.lower() for word in NETWORK_WORDS):
        return UnreachableError(
            "the package index cannot be reached: the first installation needs a network"
            f" connection, later starts do not. pip said: {last}"
        )
    if "Permission denied" in output:
        return ProblemError("pip may not write here: " + last)
    if "No matching distribution" in output:
        return ProblemError("a package is not published for this machine and Python: " + last)
    return ProblemError("pip failed: " + last)


def venv_problem(output: str) -> ProblemError:
    """Turn the output of a failed `python -m venv` into one sentence."""
    if "No space left on device" in output:
        return ProblemError(FULL)
    words = " ".join(output.split()) or "nothing"
    return ProblemError("the environment cannot be made: `python -m venv` said " + words[:300])


def system_problem(error: OSError) -> str:
    """Turn an OSError into one sentence."""
    where = error.filename or CHECKOUT
    if error.errno == errno.ENOSPC:
        return FULL
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"no permission to write to {where}."
    return f"{where}: {error.strerror or error}."


class Environment:
    """The folder .venv of a checkout.

    Two files in it tell its state: `installed.json` names the lock that is installed completely;
    `installing` exists while pip is at work, so it stays behind when pip was interrupted.
    """

    def __init__(self, checkout: pathlib.Path) -> None:
        self.checkout = checkout
        self.folder = checkout / ".venv"
        self.python = self.folder / "bin" / "python"
        self.stamp = self.folder / "installed.json"
        self.unfinished = self.folder / "installing"

    def lock(self, extra: str) -> pathlib.Path:
        """Return the path of the lock of an extra."""
        return self.checkout / "requirements" / (extra + ".txt")

    def usable(self) -> bool:
        """Tell whether the folder holds an environment of the running Python's version."""
        version = "version = {}.{}.".format(*sys.version_info)
        try:
            made_with = (self.folder / "pyvenv.cfg").read_text()
        except OSError:
            return False
        return version in made_with and self.python.exists() and not self.unfinished.exists()

    def serves(self, extra: str) -> bool:
        """Tell whether what the extra needs is installed completely."""
        try:
            stamp = json.loads(self.stamp.read_text())
        except (OSError, ValueError):
            return False
        return self.usable() and any(stamp == self.receipt(name) for name in SERVED_BY[extra])

    def receipt(self, extra: str) -> "dict[str, str]":
        """Return what `installed.json` holds once the extra is installed."""
        content = self.lock(extra).read_bytes()
        return {"extra": extra, "sha256": hashlib.sha256(content).hexdigest()}

    def install(self, extra: str) -> None:
        """Make the environment and install the extra's lock.

        Raises:
            ProblemError: It cannot be done; the message says why.
        """
        count = self.lock(extra).read_text().count("==")
        say(f"installing {count} packages into .venv; this takes a minute or two, once")
        if not self.usable():
            self.make()
        self.unfinished.touch()
        with contextlib.suppress(FileNotFoundError):
            self.stamp.unlink()
        # The lock names every package with its hash, and nothing is compiled here. -I makes Python
        # ignore PYTHONPATH and PYTHONHOME, which could disturb the installation.
        command = [str(self.python), "-I", "-m", "pip", "install", "--quiet", "--no-input"]
        command += ["--disable-pip-version-check", "--retries=3", "--only-binary=:all:"]
        command += ["--no-deps", "--require-hashes", "--requirement", str(self.lock(extra))]
        try:
            run(command, pip_problem)
        except UnreachableError:
            # pip installs only after the last download, so the environment is unchanged.
            self.unfinished.unlink()
            raise
        self.stamp.write_text(json.dumps(self.receipt(extra)))
        self.unfinished.unlink()

    def make(self) -> None:
        """Make an empty environment in place of whatever exists."""
        if self.folder.is_symlink():
            self.folder.unlink()
        elif self.folder.exists():
            shutil.rmtree(str(self.folder))
        # Not sys.executable: that may be the Python of the environment that was just removed.
        base = getattr(sys, "_base_executable", None) or sys.executable
        run([base, "-I", "-m", "venv", str(self.folder)], venv_problem)


def is_module(name: str) -> bool:
    """Tell whether this Python has a module; a mere folder of that name does not count."""
    found = importlib.util.find_spec(name)
    return found is not None and found.origin is not None


def run(command: "list[str]", problem: "Callable[[str], ProblemError]") -> None:
    """Run a command silently.

    Raises:
        ProblemError: It failed; its output went through `problem`.
    """
    # PIP_USER would install into the home folder, which pip refuses inside an environment.
    environment = dict(os.environ, PIP_USER="0", PIP_REQUIRE_VIRTUALENV="0")
    done = subprocess.run(  # noqa: S603 - our own command line
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        check=False,
    )
    if done.returncode != 0:
        raise problem(done.stdout.decode("utf-8", "replace"))


def complain(problem: str) -> None:
    """Raise the problem if there is one.

    Raises:
        ProblemError: Always, unless the sentence is empty.
    """
    if problem:
        raise ProblemError(problem)


def say(text: str) -> None:
    """Print a line at once."""
    print("cassiopeia: " + text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def alone(checkout: pathlib.Path) -> "Iterator[None]":
    """Hold the checkout's installation lock; wait while another `make` holds it.

    pyproject.toml itself is locked, so no lock file stays behind.
    """
    with (checkout / "pyproject.toml").open() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another make is installing into .venv; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def ensure(extra: str, checkout: pathlib.Path) -> None:
    """Make sure that the checkout's .venv holds the extra.

    Raises:
        ProblemError: It cannot be done; the message says why.
    """
    complain(version_problem(sys.version_info[:2]))
    environment = Environment(checkout)
    if environment.serves(extra):
        return
    with alone(checkout):
        # Checked again: another make may have installed it while this one waited.
        if environment.serves(extra):
            return
        for folder in (environment.checkout, environment.folder):
            if folder.exists() and not os.access(str(folder), os.W_OK):
                raise ProblemError(f"no permission to write to {folder}.")
        if not environment.usable():
            available = [name for name in ("venv", "ensurepip") if is_module(name)]
            complain(modules_problem(sys.version_info[:2], available))
        complain(space_problem(extra, shutil.disk_usage(str(checkout)).free))
        environment.install(extra)


def main(arguments: "Sequence[str]") -> int:
    """Make the environment ready; return 0, or another exit code after one sentence."""
    if len(arguments) != 1 or arguments[0] not in SERVED_BY:
        say("expected one argument, {}.".format(" or ".join(SERVED_BY)))
        return 2
    try:
        ensure(arguments[0], CHECKOUT)
    except ProblemError as problem:
        say(str(problem))
    except OSError as error:
        say(system_problem(error))
    except KeyboardInterrupt:
        say("interrupted; the next make starts the installation again.")
        return 130
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
