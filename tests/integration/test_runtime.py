"""The life of a process, watched from outside: exit codes, signals, the admin port."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.servers import CHECKOUT
from tests.waiting import wait_until

HEAD = """
import asyncio, sys, time
from contextlib import asynccontextmanager
from libs.common.errors import DependencyUnavailableError
from libs.common.runtime import run
from libs.common.settings import ServiceSettings
"""
TAIL = """
sys.exit(run("demo", ServiceSettings, bootstrap))
"""
WELL = """
@asynccontextmanager
async def bootstrap(settings, runtime):
    yield
"""


class Demo:
    """A service of a few lines in a process of its own."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def line(self, event: str) -> dict[str, Any] | None:
        """Return the first log line of an event; None while there is none."""
        return next((line for line in self.lines if line["event"] == event), None)

    async def logged(self, event: str) -> dict[str, Any]:
        """Wait for the log line of an event."""
        return await wait_until(lambda: self.line(event), 20, f"the line {event!r}")

    async def ended(self) -> tuple[int, str]:
        """Wait for the end; return the exit code, and what it wrote to standard error."""
        assert self.process.stderr is not None
        async with asyncio.timeout(20):
            errors = await self.process.stderr.read()
            await self._reading
            return await self.process.wait(), errors.decode()

    async def stopped(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Ask for the end; return the exit code, and what it wrote to standard error."""
        self.process.send_signal(number)
        return await self.ended()

    async def get(self, path: str) -> tuple[int, Any]:
        """Return status and content of a page of the admin port."""
        address = (await self.logged("admin_port"))["address"]
        async with aiohttp.ClientSession() as session, session.get(address + path) as response:
            is_json = response.content_type == "application/json"
            return response.status, await (response.json() if is_json else response.text())


Start = Callable[..., Awaitable[Demo]]


@pytest_asyncio.fixture
async def start() -> AsyncIterator[Start]:
    """Give a starter of services: of a bootstrap, with settings by keyword."""
    async with AsyncExitStack() as stack:

        async def starter(bootstrap: str, **settings: str) -> Demo:
            return await stack.enter_async_context(_running(HEAD + bootstrap + TAIL, settings))

        yield starter


@asynccontextmanager
async def _running(program: str, settings: dict[str, str]) -> AsyncIterator[Demo]:
    kept = {name: value for name, value in os.environ.items() if "CASSIOPEIA_" not in name}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, cwd=CHECKOUT, env=kept | settings, stdout=PIPE, stderr=PIPE
    )
    demo = Demo(process)
    try:
        yield demo
    finally:
        if process.returncode is None:
            process.kill()
        await demo.ended()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
async def test_a_stop_signal_is_a_good_end(start: Start, number: signal.Signals) -> None:
    """SIGTERM and Ctrl-C let the service take itself down, and end it with 0."""
    demo = await start(
        """
@asynccontextmanager
async def bootstrap(settings, runtime):
    try:
        yield
    finally:
        await asyncio.sleep(0.1)
        from libs.common.logging import get_logger
        get_logger("demo").info("taken_down")
"""
    )
    await demo.logged("started")
    code, errors = await demo.stopped(number)
    assert (code, errors) == (0, "")
    assert [line["event"] for line in demo.lines][-2:] == ["taken_down", "stopped"]


async def test_two_signals_are_one_stop(start: Start) -> None:
    """Whoever is impatient does not break the stop in progress."""
    demo = await start(WELL)
    await demo.logged("started")
    demo.process.send_signal(signal.SIGTERM)
    assert (await demo.stopped(signal.SIGINT))[0] == 0


async def test_a_stop_does_not_wait_for_a_start_that_never_ends(start: Start) -> None:
    """A service that still waits for its servers ends with 0 when it is asked to."""
    demo = await start(
        """
@asynccontextmanager
async def bootstrap(settings, runtime):
    await asyncio.Event().wait()
    yield
"""
    )
    await demo.logged("admin_port")
    assert await demo.stopped() == (0, "")


async def test_work_without_end_does_not_hold_up_a_stop(start: Start) -> None:
    """What is not finished in the time allowed is cancelled, and a line says so."""
    demo = await start(
        """
@asynccontextmanager
async def bootstrap(settings, runtime):
    yield
    await asyncio.Event().wait()
""",
        CASSIOPEIA_STOP_SECONDS="0.2",
    )
    await demo.logged("started")
    assert (await demo.stopped())[0] == 0
    assert demo.line("stopped_before_work_was_done")


@pytest.mark.parametrize(("asked", "code"), [("True", 0), ("False", 1)])
async def test_what_cannot_be_cancelled_does_not_hold_up_the_end(
    start: Start, asked: str, code: int
) -> None:
    """A thread that hangs is left alone, and the exit code is the one that the end has anyway."""
    demo = await start(
        """
async def work():
    await asyncio.Event().wait() if ASKED else await asyncio.sleep(0)
    raise ValueError("of the task")

@asynccontextmanager
async def bootstrap(settings, runtime):
    runtime.spawn("work", work())
    yield
    while True:
        try:
            await asyncio.to_thread(time.sleep, 3_600)
        except asyncio.CancelledError:
            pass
""".replace("ASKED", asked),
        CASSIOPEIA_STOP_SECONDS="0.2",
    )
    await demo.logged("started" if code == 0 else "task_failed")
    if code == 0:
        demo.process.terminate()
    assert (await demo.ended())[0] == code
    assert demo.line("ended_by_force")


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        ("raise ValueError('of the task')", "of the task"),
        ("return", "work ended by itself"),
    ],
    ids=["fails", "returns"],
)
async def test_a_task_that_ends_ends_the_process(start: Start, work: str, reason: str) -> None:
    """A task that should run for ever and does not, however it ended, makes the exit code 1."""
    demo = await start(
        f"""
async def work():
    {work}

@asynccontextmanager
async def bootstrap(settings, runtime):
    runtime.spawn("work", work())
    yield
"""
    )
    code, _ = await demo.ended()
    assert code == 1
    line = demo.line("task_failed")
    assert line is not None
    assert (line["task"], line["level"], line["reason"]) == ("work", "error", reason)


@pytest.mark.parametrize(
    "body",
    ["raise ValueError('at the start')\n    yield", "yield\n    raise ValueError('at the end')"],
    ids=["start", "end"],
)
async def test_a_failing_service_is_a_bad_end(start: Start, body: str) -> None:
    """An error while starting or stopping makes the exit code 1, and is logged with its place."""
    demo = await start(
        f"""
@asynccontextmanager
async def bootstrap(settings, runtime):
    {body}
"""
    )
    if "start" not in body:
        await demo.logged("started")
        demo.process.terminate()
    code, _ = await demo.ended()
    assert code == 1
    line = demo.line("service_failed")
    assert line is not None
    assert line["exception"][0]["exc_type"] == "ValueError"


async def test_a_wrong_setting_is_said_on_standard_error(start: Start) -> None:
    """The exit code is 78, and standard error has the service and one line about the variable."""
    demo = await start(WELL, CASSIOPEIA_METRICS_PORT="seventy")
    code, errors = await demo.ended()
    assert code == 78
    assert errors == (
        "demo cannot start. CASSIOPEIA_METRICS_PORT=seventy: expected a valid integer,"
        " unable to parse string as an integer\n"
    )
    assert demo.lines == []


async def test_a_port_that_is_taken_is_a_bad_end(start: Start) -> None:
    """Another process on the admin port makes the exit code 1, with the address in the log."""
    first = await start(WELL)
    port = (await first.logged("admin_port"))["address"].rpartition(":")[2]
    second = await start(WELL, CASSIOPEIA_METRICS_PORT=port)
    code, _ = await second.ended()
    assert code == 1
    assert port in json.dumps(second.line("service_failed"))
    assert (await first.stopped())[0] == 0


async def test_a_loop_that_stands_still_is_ended(start: Start) -> None:
    """A blocked event loop ends the process with 70, and standard error has what it was doing."""
    demo = await start(
        """
def block_for_ever():
    while True:
        time.sleep(60)

@asynccontextmanager
async def bootstrap(settings, runtime):
    asyncio.get_running_loop().call_later(0.2, block_for_ever)
    yield
""",
        CASSIOPEIA_WATCHDOG_SECONDS="1",
    )
    code, errors = await demo.ended()
    assert code == 70
    assert "the event loop has stood still" in errors
    assert "block_for_ever" in errors


async def test_a_stopped_process_is_not_a_blocked_one(start: Start) -> None:
    """A process that was stopped for longer than the limit, and resumed, goes on."""
    demo = await start(WELL, CASSIOPEIA_WATCHDOG_SECONDS="1")
    await demo.logged("started")
    demo.process.send_signal(signal.SIGSTOP)
    # Only time itself can show that it is not counted.
    await asyncio.sleep(3)
    demo.process.send_signal(signal.SIGCONT)
    assert (await demo.get("/live"))[0] == 200
    assert await demo.stopped() == (0, "")


READY = """
async def well():
    pass

async def ill():
    raise DependencyUnavailableError("the broker does not answer: refused")

async def slow():
    await asyncio.Event().wait()

@asynccontextmanager
async def bootstrap(settings, runtime):
    runtime.checks["well"] = well
    {more}
    yield
"""


async def test_a_ready_service_says_so(start: Start) -> None:
    """`/live` and `/ready` answer 200 when all is well."""
    demo = await start(READY.format(more=""))
    await demo.logged("started")
    assert await demo.get("/live") == (200, {"live": True})
    assert await demo.get("/ready") == (
        200,
        {"ready": True, "checks": {"started": "ok", "well": "ok"}},
    )
    assert (await demo.get("/elsewhere"))[0] == 404


async def test_what_is_not_ready_says_why(start: Start) -> None:
    """`/ready` answers 503 with the reason of each check, also of one that does not answer."""
    demo = await start(
        READY.format(more="runtime.checks['broker'] = ill; runtime.checks['slow'] = slow")
    )
    await demo.logged("started")
    assert await demo.get("/ready") == (
        503,
        {
            "ready": False,
            "checks": {
                "started": "ok",
                "well": "ok",
                "broker": "the broker does not answer: refused",
                "slow": "no answer within 1 s",
            },
        },
    )
    assert (await demo.get("/live"))[0] == 200


async def test_a_starting_service_is_alive_and_not_ready(start: Start) -> None:
    """While it waits for its servers, a service must not be restarted, nor be given work."""
    demo = await start(READY.format(more="await asyncio.Event().wait()"))
    assert (await demo.get("/live"))[0] == 200
    status, answer = await demo.get("/ready")
    assert (status, answer["checks"]["started"]) == (503, "still starting")


async def test_metrics_are_for_prometheus(start: Start) -> None:
    """`/metrics` has the process's own and the suite's metrics in the text format."""
    demo = await start(WELL)
    await demo.logged("started")
    status, text = await demo.get("/metrics")
    assert status == 200
    assert "process_resident_memory_bytes" in text
    assert "# TYPE cassiopeia_loop_lateness_seconds gauge" in text
