"""Starts the suite as a person does, as a process of its own, and watches it from outside."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

from deploy.embedded.account import server_account, server_home
from deploy.embedded.leftovers import end_leftovers, find_processes
from tests.servers import CHECKOUT
from tests.upstreams.everything import every_simulator

CLOSED_PORT = 9
"""Nobody listens there (the `discard` service of old), so a connection is refused at once."""
NO_UPSTREAMS = {
    simulator.setting: f"http://127.0.0.1:{CLOSED_PORT}" for simulator in every_simulator()
}
"""Settings with which a suite calls no upstream, whether this machine has a network or not."""


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for a condition.

    Raises:
        AssertionError: It did not hold in time; the message says what was waited for.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not after {seconds:g} s: {what}"
        time.sleep(0.05)


class Run:
    """One `run` of a module in a data folder.

    Args:
        data: The data folder, which may be one that an earlier run used.
        module: What `python -m` runs.
        environ: Environment variables beside those of the tests.
    """

    def __init__(self, data: Path, module: str, environ: Mapping[str, str]) -> None:
        kept = {name: value for name, value in os.environ.items() if "CASSIOPEIA_" not in name}
        kept.pop("REPLICAS", None)
        self.data = data
        self._module = module
        self._environ = kept | {"CASSIOPEIA_DATA_DIR": str(data), **environ}
        self._output = data.with_name(f"{data.name}.output")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Run":
        """Begin the run, without waiting for anything."""
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                [sys.executable, "-m", self._module, "run"],
                cwd=CHECKOUT,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def start_ready(self, seconds: float = 60) -> "Run":
        """Begin the run and wait for its `ready:` line."""
        self.start()
        wait_until(
            lambda: self.process.poll() is not None or "\nready: " in self.output,
            seconds,
            f"the ready line in:\n{self.output}",
        )
        assert self.process.poll() is None, self.output
        wait_until((self.data / "run.json").exists, 5, "run.json")
        return self

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command (`status`, `stop`, `logs`) on the same data folder."""
        return subprocess.run(  # noqa: S603 - our own command line
            [sys.executable, "-m", self._module, *arguments],
            cwd=CHECKOUT,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=30,
            check=False,
        )

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The driver."""
        assert self._process is not None
        return self._process

    @property
    def output(self) -> str:
        """What the run printed so far, with a line break in front."""
        return "\n" + self._output.read_text(errors="replace")

    @property
    def known(self) -> dict[str, Any]:
        """What `run.json` holds now."""
        content: dict[str, Any] = json.loads((self.data / "run.json").read_text())
        return content

    def pid(self, service: str, replica: int = 0) -> int | None:
        """The process id of a replica as `run.json` has it now."""
        pid: int | None = self.known["pids"][service][replica]
        return pid

    def wait_for_exit(self, seconds: float) -> int:
        """Return the exit code of the run, which ends by itself."""
        return self.process.wait(timeout=seconds)

    def stop(self) -> int:
        """End the run with SIGTERM and return its exit code; it has the 15 s that are promised."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=15)

    def processes(self) -> list[psutil.Process]:
        """Return the processes that belong to the data folder, without the driver."""
        return find_processes(self.data, self.home)

    @property
    def home(self) -> Path:
        """The folder of the servers that the run brings itself."""
        own = not {"CASSIOPEIA_REDIS_URL", "CASSIOPEIA_DATABASE_URL"} <= self._environ.keys()
        return server_home(self.data, server_account(self._environ) if own else None)

    def close(self) -> None:
        """End whatever is still there."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        end_leftovers(self.data, self.home)

    def remove(self) -> None:
        """End whatever is still there and remove the data, also what lies outside the folder."""
        self.close()
        shutil.rmtree(self.home, ignore_errors=True)
