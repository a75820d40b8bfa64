"""The readiness checks, run once a second at most, because asking costs clients no quota."""

import asyncio
import time
from collections.abc import Mapping

from libs.common.admin import Check, run_checks

_LIFE_S = 1.0


class SharedChecks:
    """Runs the checks of a process; requests within one second share the verdicts."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._lock = asyncio.Lock()
        self._verdicts: dict[str, str] = {}
        self._again_at = float("-inf")

    async def verdicts(self) -> Mapping[str, str]:
        """Return each check's verdict, `ok` or the reason."""
        async with self._lock:
            if time.monotonic() > self._again_at:
                self._verdicts = await run_checks(self._checks)
                self._again_at = time.monotonic() + _LIFE_S
        return self._verdicts
