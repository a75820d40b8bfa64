"""wrk, the load generator that Linux distributions package."""

import asyncio
import re
import shutil
from dataclasses import dataclass

CONNECTIONS = 64
SECONDS = 5
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_P99 = re.compile(r"99%\s+([\d.]+)(us|ms|s)")
_TO_MS = {"us": 0.001, "ms": 1.0, "s": 1_000.0}


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of wrk measured."""

    per_second: float
    p99_ms: float


def is_installed() -> bool:
    """Whether wrk is installed."""
    return shutil.which("wrk") is not None


async def load(url: str, *, seconds: int = SECONDS) -> Load:
    """Request a URL as often as it is answered, on 64 connections.

    Raises:
        RuntimeError: wrk failed, or an answer was an error.
    """
    arguments = ("-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", url)
    process = await asyncio.create_subprocess_exec(
        "wrk", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output = (await process.communicate())[0].decode()
    rate, p99 = _RATE.search(output), _P99.search(output)
    if process.returncode or rate is None or p99 is None or "Non-2xx" in output:
        raise RuntimeError(f"wrk {' '.join(arguments)}:\n{output}")
    return Load(float(rate[1]), float(p99[1]) * _TO_MS[p99[2]])
