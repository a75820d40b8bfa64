"""Making .venv: what it does once and never again, and what it says when it cannot."""

import ast
import base64
import errno
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from deploy.embedded import environment
from tests.servers import CHECKOUT

SCRIPT = CHECKOUT / "deploy" / "embedded" / "environment.py"
NAME, VERSION = "cassiopeia_trial", "1.0"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one small wheel, which stands where the package index stands."""
    folder = tmp_path_factory.mktemp("wheels")
    information = f"{NAME}-{VERSION}.dist-info"
    files = {
        f"{NAME}.py": "ANSWER = 42\n",
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {VERSION}\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},{_digest(text)},{len(text)}\n" for name, text in files.items())
    files[f"{information}/RECORD"] = f"{record}{information}/RECORD,,\n"
    with zipfile.ZipFile(folder / f"{NAME}-{VERSION}-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return folder


@pytest.fixture
def project(tmp_path: Path, wheels: Path) -> "Project":
    """A checkout that consists of the script and of locks with that one wheel."""
    return Project.new(tmp_path / "a check out", wheels)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> "Project":
    """A checkout that has its environment; to be copied, not changed."""
    project = Project.new(tmp_path_factory.mktemp("finished") / "checkout", wheels)
    assert project.run("dev")[0] == 0
    return project


@pytest.fixture
def installed(tmp_path: Path, finished: "Project") -> "Project":
    """A checkout of its own that has its environment."""
    folder = tmp_path / "a moved check out"
    shutil.copytree(finished.folder, folder, symlinks=True)
    return Project(folder, finished.wheels)


class Project:
    """A checkout in which the script can be run."""

    def __init__(self, folder: Path, wheels: Path) -> None:
        self.folder = folder
        self.wheels = wheels
        self.script = folder / "deploy" / "embedded" / "environment.py"
        self.python = folder / ".venv" / "bin" / "python"

    @classmethod
    def new(cls, folder: Path, wheels: Path) -> "Project":
        """Make a checkout without an environment."""
        project = cls(folder, wheels)
        project.script.parent.mkdir(parents=True)
        shutil.copy(SCRIPT, project.script)
        (folder / "pyproject.toml").touch()
        (folder / "requirements").mkdir()
        digest = hashlib.sha256(next(wheels.iterdir()).read_bytes()).hexdigest()
        project.write_locks(f"{NAME}=={VERSION} --hash=sha256:{digest}\n")
        return project

    def write_locks(self, text: str) -> None:
        """Write the same lock for running and for development."""
        for extra in ("embedded", "dev"):
            (self.folder / "requirements" / f"{extra}.txt").write_text(text)

    def begin(self, extra: str = "embedded", **environ: str) -> "subprocess.Popen[str]":
        """Start the script with the folder of wheels as its only index."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        index = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": self.wheels.as_uri()}
        return subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, str(self.script), extra],
            env=kept | {"PIP_CONFIG_FILE": os.devnull} | index | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, extra: str = "embedded", **environ: str) -> tuple[int, str]:
        """Run the script; return its exit code and what it printed."""
        with self.begin(extra, **environ) as process:
            output, _ = process.communicate()
        return process.returncode, output

    def answer(self) -> str:
        """Return what the installed package says."""
        command = [str(self.python), "-c", f"import {NAME}; print({NAME}.ANSWER)"]
        return subprocess.run(  # noqa: S603 - our own command line
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        ).stdout


NO_NETWORK = {
    "PIP_NO_INDEX": "",
    "PIP_FIND_LINKS": "",
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
}


def test_an_old_python_can_read_the_script() -> None:
    """The syntax is one that Python 3.6 parses, so that it gets to say that it is too old."""
    ast.parse(SCRIPT.read_text(), feature_version=(3, 6))


@pytest.mark.parametrize(
    ("version", "words"),
    [((3, 6), "Python 3.6 is too old"), ((3, 10), "too old"), ((3, 15), "too new")],
)
def test_an_unfit_python_is_named(version: tuple[int, int], words: str) -> None:
    """The sentence has the version, the versions that fit, and how to choose one."""
    sentence = environment.version_problem(version)
    assert words in sentence
    assert "3.11 to 3.14" in sentence
    assert "PYTHON=" in sentence


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13), (3, 14)])
def test_a_fit_python_is_accepted(version: tuple[int, int]) -> None:
    """The four supported versions are no problem."""
    assert environment.version_problem(version) == ""


def test_a_missing_module_names_the_package_that_has_it() -> None:
    """Debian's Python without python3-venv leads to the name of that package."""
    sentence = environment.modules_problem((3, 12), ["venv"])
    assert "ensurepip" in sentence
    assert "python3.12-venv" in sentence
    assert environment.modules_problem((3, 12), ["venv", "ensurepip"]) == ""


def test_a_full_disk_is_noticed_before_the_download() -> None:
    """The sentence says how much is needed and how much is there."""
    assert "needs 450 MB and 20 MB are free" in environment.space_problem("embedded", 20_000_000)
    assert environment.space_problem("embedded", 10**12) == ""


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "disk is full"),
        ("WARNING: NewConnectionError: refused\nERROR: No matching distribution", "network"),
        ("Temporary failure in name resolution\nERROR: Could not find a version", "network"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "not the one that the lock names"),
        ("ERROR: Could not install: [Errno 13] Permission denied: '/x'", "may not write"),
        ("ERROR: No matching distribution found for a==1", "this machine and Python"),
        ("Killed", "pip failed: Killed"),
        ("", "it printed nothing"),
    ],
)
def test_what_pip_says_becomes_a_sentence(output: str, words: str) -> None:
    """The known reasons are told in words that say what to do, the rest as pip put it."""
    assert words in str(environment.pip_problem(output))


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "disk is full"), (errno.EACCES, "no permission to write to /x")],
)
def test_what_the_system_says_becomes_a_sentence(number: int, words: str) -> None:
    """A failed file operation is told without a traceback."""
    assert words in environment.system_problem(OSError(number, os.strerror(number), "/x"))


def test_the_second_time_nothing_is_done_and_said(project: Project) -> None:
    """An installation prints one line; after it there is neither a word nor a need for network."""
    code, output = project.run()
    assert (code, output.count("\n")) == (0, 1)
    assert project.answer() == "42\n"
    assert project.run(**NO_NETWORK) == (0, "")


def test_an_environment_for_development_serves_for_running(installed: Project) -> None:
    """After `dev`, `embedded` is satisfied, in a moved checkout as well."""
    assert installed.run("embedded", **NO_NETWORK) == (0, "")


def test_a_changed_lock_is_installed(installed: Project) -> None:
    """A lock with other contents is installed into the environment that is there."""
    lock = (installed.folder / "requirements" / "dev.txt").read_text()
    installed.write_locks(f"# changed\n{lock}")
    code, output = installed.run()
    assert (code, "installing 1 packages" in output) == (0, True)
    assert installed.run(**NO_NETWORK) == (0, "")


def test_a_changed_lock_without_network_keeps_the_environment(installed: Project) -> None:
    """What was installed stays usable when the new packages cannot be had."""
    installed.write_locks(f"other-package==1 --hash=sha256:{'0' * 64}\n")
    code, output = installed.run(**NO_NETWORK)
    assert (code, "cannot be reached" in output) == (1, True)
    assert installed.answer() == "42\n"


def test_without_network_the_first_installation_says_so(project: Project) -> None:
    """One sentence, a failure, no traceback."""
    code, output = project.run(**NO_NETWORK)
    assert code == 1
    assert "the package index cannot be reached" in output
    assert "Traceback" not in output


def test_an_interrupted_installation_is_begun_again(installed: Project) -> None:
    """An environment that was left half-made is replaced, whatever is in it."""
    next((installed.folder / ".venv").rglob(f"{NAME}.py")).write_text("")
    (installed.folder / ".venv" / "installing").touch()
    assert installed.run()[0] == 0
    assert installed.answer() == "42\n"


def test_an_environment_of_a_removed_python_is_replaced(installed: Project) -> None:
    """A link to a Python that is gone is no environment."""
    for link in (installed.folder / ".venv" / "bin").glob("python*"):
        link.unlink()
        link.symlink_to("/nowhere/python")
    assert installed.run()[0] == 0
    assert installed.answer() == "42\n"


def test_a_damaged_package_is_refused(installed: Project) -> None:
    """A file whose hash is not the one in the lock is not installed."""
    installed.write_locks(f"{NAME}=={VERSION} --hash=sha256:{'0' * 64}\n")
    shutil.rmtree(next((installed.folder / ".venv").rglob(f"{NAME}-*.dist-info")))
    code, output = installed.run()
    assert code == 1
    assert "not the one that the lock names" in output


def test_two_at_once_do_not_disturb_each_other(project: Project) -> None:
    """Of two simultaneous calls one installs, the other waits, and both succeed."""
    with project.begin() as first, project.begin() as second:
        outputs = [first.communicate()[0], second.communicate()[0]]
    assert (first.returncode, second.returncode) == (0, 0)
    assert sum("installing 1 packages" in output for output in outputs) == 1
    assert project.answer() == "42\n"


def test_a_folder_without_permission_is_named(wheels: Path) -> None:
    """Someone who may not write into the checkout is told so."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        project = Project.new(Path(folder) / "checkout", wheels)
        project.folder.chmod(0o555)
        # Root may write everywhere, so root becomes somebody else first.
        code = "import os, sys; sys.path.insert(0, sys.argv[1]); import environment\n"
        code += "os.geteuid() or os.setuid(65534); sys.exit(environment.main(['embedded']))"
        done = subprocess.run(  # noqa: S603 - our own command line
            [sys.executable, "-c", code, str(project.script.parent)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        project.folder.chmod(0o755)
    assert (done.returncode, done.stdout) == (
        1,
        f"cassiopeia: no permission to write to {project.folder}.\n",
    )


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
