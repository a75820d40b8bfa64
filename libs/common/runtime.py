"""The life of a process: settings, logs, signals, readiness, tasks, and a truthful exit code."""

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, TypeVar

import uvloop
from aiohttp import web

from libs.common.admin import Check, create_admin
from libs.common.errors import ConfigurationError, DependencyUnavailableError
from libs.common.logging import get_logger, setup_logging
from libs.common.settings import ServiceSettings, load_settings
from libs.common.tasks import end_tasks
from libs.common.watchdog import Watchdog

_log = get_logger(__name__)

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_CONFIGURATION = 78  # EX_CONFIG of sysexits.h

# A cancelled task has one second to end, and the admin port needs a moment. After that nothing is
# waited for: psycopg asks a server that hangs to cancel a statement, which took another 10 s, and
# Python waits for its threads for ever. With 8 s for work, a stop takes less than 10 s.
_CLEANING_UP_S = 1.5

_Settings = TypeVar("_Settings", bound=ServiceSettings)


class Runtime:
    """What a service's bootstrap may use: tasks, readiness checks, the request to stop."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.checks: dict[str, Check] = {"started": self._check_started}
        self._tasks: dict[asyncio.Task[None], str] = {}
        self.is_started = False
        # Why the process must end although nobody asked it to.
        self.failure: BaseException | None = None
        self.exit_code = EXIT_OK

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run work beside the service; if it ends before a stop is requested, the process ends."""
        task = asyncio.create_task(work, name=name)
        self._tasks[task] = name
        task.add_done_callback(self._ended)
        return task

    async def finish(self, *tasks: asyncio.Task[None]) -> None:
        """Cancel the given tasks, or all spawned ones when none is given, and wait for them."""
        ending = tasks or tuple(self._tasks)
        for task in ending:
            self._tasks.pop(task, None)
        await end_tasks(*ending)

    def started(self) -> None:
        """Note that bootstrap is over: from now on `/ready` depends on the other checks alone."""
        # Imported objects stay for good. Without the freeze, every full collection traverses them,
        # which took a third of a busy consumer's time.
        gc.collect()
        gc.freeze()
        # A batch of 2,000 events is about 20,000 objects that die together. A collection in the
        # middle of a batch (by default after every 700 objects) finds no garbage.
        gc.set_threshold(50_000, 10, 10)
        self.is_started = True

    def end_within(self, seconds: float) -> None:
        """End the process with its exit code when it has not ended by itself in time."""
        timer = threading.Timer(seconds, self._end)
        timer.name, timer.daemon = "last resort", True
        timer.start()

    def _end(self) -> None:
        # In a thread that is not waited for: writing to a log that nobody reads may block as well.
        said = threading.Thread(target=_log.warning, args=("ended_by_force",), daemon=True)
        said.start()
        said.join(0.1)
        # sys.exit would wait for the loop. Nothing is lost: unfinished entries are unacknowledged.
        os._exit(self.exit_code)

    async def _check_started(self) -> None:
        if not self.is_started:
            raise DependencyUnavailableError("still starting")
        if self.stop.is_set():
            raise DependencyUnavailableError("stopping")

    def _ended(self, task: asyncio.Task[None]) -> None:
        name = self._tasks.pop(task, None)
        if name is None or task.cancelled():
            return
        error = task.exception()
        if error is None and self.stop.is_set():
            return
        failure = error or RuntimeError(f"{name} ended by itself")
        self.failure = self.failure or failure
        self.exit_code = EXIT_FAILURE
        _log.error("task_failed", task=name, reason=str(failure), exc_info=error)
        self.stop.set()


def exit_code_of(error: Exception) -> int:
    """Return the exit code of a process that an error has ended."""
    return EXIT_CONFIGURATION if isinstance(error, ConfigurationError) else EXIT_FAILURE


Bootstrap = Callable[[_Settings, Runtime], AbstractAsyncContextManager[None]]


def run(name: str, model: type[_Settings], bootstrap: Bootstrap[_Settings]) -> int:
    """Run a service until it is asked to stop; return the process's exit code.

    Args:
        name: The service, as logs and metrics call it.
        model: Its settings.
        bootstrap: Builds the service, yields while it works, and takes it down in order.

    Returns:
        0 after a stop signal, 78 for wrong settings, 1 for every other end.
    """
    try:
        settings = load_settings(model)
    except ConfigurationError as error:
        print(f"{name} cannot start. {error}", file=sys.stderr)  # noqa: T201 - before logging is set up
        return EXIT_CONFIGURATION
    setup_logging(settings, name)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(settings, bootstrap))


async def _serve(settings: _Settings, bootstrap: Bootstrap[_Settings]) -> int:
    runtime = Runtime()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, runtime.stop.set)
    try:
        async with _admin_port(settings, runtime):
            runtime.spawn("watchdog", Watchdog(settings.watchdog_seconds).beat_forever())
            await _until_over(settings, runtime, bootstrap)
            await runtime.finish()
    except ConfigurationError as error:
        # A setting that is only wrong beside other processes, such as another stream layout.
        _log.error("wrong_settings", reason=str(error))
        runtime.exit_code = EXIT_CONFIGURATION
    except Exception as error:  # noqa: BLE001 - whatever ends a process is logged, and it ends
        _log.error("service_failed", exc_info=error)
        runtime.exit_code = EXIT_FAILURE
    if runtime.exit_code == EXIT_OK:
        _log.info("stopped")
    return runtime.exit_code


async def _until_over(
    settings: _Settings, runtime: Runtime, bootstrap: Bootstrap[_Settings]
) -> None:
    async def live() -> None:
        async with bootstrap(settings, runtime):
            runtime.started()
            _log.info("started")
            await runtime.stop.wait()

    life = asyncio.create_task(live(), name="service")
    stopping = asyncio.create_task(runtime.stop.wait(), name="stop signal")
    await asyncio.wait([life, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    runtime.end_within(settings.stop_seconds + _CLEANING_UP_S)
    if not runtime.is_started:
        # Bootstrap may be waiting for a server that never comes.
        life.cancel()
    await asyncio.wait([life], timeout=settings.stop_seconds)
    if not life.done():
        # Unfinished entries are unacknowledged, so the next process gets them again.
        _log.warning("stopped_before_work_was_done", after_s=settings.stop_seconds)
        life.cancel()
        await asyncio.wait([life], timeout=1.0)
    if life.done() and not life.cancelled():
        life.result()


@asynccontextmanager
async def _admin_port(settings: ServiceSettings, runtime: Runtime) -> AsyncIterator[None]:
    runner = web.AppRunner(create_admin(runtime.checks), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.metrics_host, settings.metrics_port)
        await site.start()
        _log.info("admin_port", address=f"http://{':'.join(map(str, runner.addresses[0][:2]))}")
        yield
    finally:
        await runner.cleanup()
