"""Real processes of the services, and a restarter that starts anew what ended."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Self

from deploy.embedded.readiness import get, unready
from deploy.embedded.servers import free_ports
from tests.servers import CHECKOUT
from tests.waiting import wait_until

# A supervisor pauses before it starts anew what ended, lest a process that cannot start fills logs.
RESTART_PAUSE_S = 0.2
# Longer than the 10 s within which a service has to end by itself.
STOP_S = 15.0


class ServiceProcess:
    """One process of `python -m services.<name>`, which can be started again after its end.

    Args:
        service: The folder below `services/`.
        environment: Environment variables beside those of this process.
        log: The file that its output is appended to.
        replica: Its CASSIOPEIA_REPLICA.
        command: What Python is to run in place of `-m services.<name>`.

    Attributes:
        is_halted: Whether it stands still, after SIGSTOP.
    """

    def __init__(
        self,
        service: str,
        *,
        environment: Mapping[str, str],
        log: Path,
        replica: int = 0,
        command: Sequence[str] | None = None,
    ) -> None:
        self.name = f"{service}-{replica}"
        self.log = log
        self._command = command or ("-m", f"services.{service}")
        port = free_ports(1)[0]
        self._admin = f"http://127.0.0.1:{port}"
        self._environment = {
            **os.environ,
            **environment,
            "CASSIOPEIA_REPLICA": str(replica),
            "CASSIOPEIA_METRICS_PORT": str(port),
        }
        self._process: Process | None = None
        self.is_halted = False

    @property
    def pid(self) -> int | None:
        """The id of the running process; None when there is none."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> None:
        """Start it, without waiting for anything."""
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._command,
                cwd=CHECKOUT,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    async def start_ready(self, timeout_s: float = 30.0) -> None:
        """Start it, and wait until it says that it is ready."""
        await self.start()
        await self.wait_until_ready(timeout_s)

    async def is_live(self) -> bool:
        """Tell whether it has come so far that it answers on its admin port."""
        return (await asyncio.to_thread(get, self._admin, "/live"))[0] == HTTPStatus.OK

    async def is_ready(self) -> bool:
        """Tell whether it says that it is ready."""
        return not await asyncio.to_thread(unready, self._admin)

    async def wait_until_ready(self, timeout_s: float = 30.0) -> None:
        """Wait until it says that it is ready.

        Raises:
            AssertionError: It did not in time.
        """
        await wait_until(
            self.is_ready, timeout_s, f"{self.name} is ready; its log:\n{self.last_lines()}"
        )

    async def wait(self) -> int:
        """Wait for its end; return its exit code, negative where a signal ended it."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        return await self._process.wait()

    async def kill(self) -> None:
        """End it with SIGKILL, if it runs; nothing of it runs after this."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()
            self.is_halted = False

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs; SIGSTOP halts it, SIGCONT lets it go on."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)
            self.is_halted = number == signal.SIGSTOP or (
                self.is_halted and number != signal.SIGCONT
            )

    async def stop(self) -> int | None:
        """Ask it to end and return its exit code; None when it did not run."""
        process = self._process
        if process is None or process.returncode is not None:
            return None
        process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                return await process.wait()
        except TimeoutError:
            process.kill()
            return await process.wait()

    def last_lines(self, count: int = 10) -> str:
        """Return the newest lines of its log."""
        if not self.log.exists():
            return "(nothing)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-count:])


class Replicas:
    """Replicas of one service under a small restarter, as a context manager.

    Args:
        service: The folder below `services/`.
        count: How many.
        environment: Environment variables beside those of this process.
        logs: The folder of their logs.
        command: What Python is to run in place of `-m services.<name>`.

    Attributes:
        processes: One per replica.
        surprises: What a process did that nobody asked for: an end of its own, a stop that failed.
    """

    def __init__(
        self,
        service: str,
        count: int,
        *,
        environment: Mapping[str, str],
        logs: Path,
        command: Sequence[str] | None = None,
    ) -> None:
        self.processes = [
            ServiceProcess(
                service,
                environment=environment,
                log=logs / f"{service}-{replica}.log",
                replica=replica,
                command=command,
            )
            for replica in range(count)
        ]
        self.surprises: list[str] = []
        self._keepers: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    async def __aenter__(self) -> Self:
        for process in self.processes:
            await process.start()
            self._keepers.append(asyncio.create_task(self._keep(process)))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopping.set()
        codes = await asyncio.gather(*(process.stop() for process in self.processes))
        await asyncio.gather(*self._keepers)
        for process, code in zip(self.processes, codes, strict=True):
            if code:
                self.surprises.append(f"{process.name} ended with {code} after SIGTERM")

    async def _keep(self, process: ServiceProcess) -> None:
        while True:
            code = await process.wait()
            if self._stopping.is_set():
                return
            if code != -signal.SIGKILL:
                self.surprises.append(f"{process.name} ended with {code} by itself")
            await asyncio.sleep(RESTART_PAUSE_S)
            if self._stopping.is_set():
                return
            await process.start()
            if self._stopping.is_set():
                # Whoever stops all has passed this one by.
                await process.stop()
                return
