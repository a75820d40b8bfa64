"""`python -m bench [--only name,name] [--strict]`: measures, prints, and writes the results."""

import argparse
import asyncio
import json
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench import computing, embedded, gateway, latency, live, persisting, reclaiming, year
from bench.figure import Figure, Measurement
from bench.machine import describe

RESULTS = Path(__file__).parent / "results" / "latest.json"

# Figures that come from one measurement share an entry: asking for one of them gives all.
MEASUREMENTS: dict[tuple[str, ...], Measurement] = {
    ("persist_ratio", "persist_two_ratio"): persisting.measure,
    ("reclaim_100k_s",): reclaiming.measure,
    ("quiet_event_to_row_ms", "event_to_row_p99_ms", "event_to_gateway_p99_ms"): latency.measure,
    ("gateway_latest_ratio", "gateway_latest_p99_ratio", "gateway_history_ratio"): gateway.measure,
    ("sse_1000_delivered_ratio", "sse_1000_pss_mb"): live.measure,
    ("astro_year_s", "passes_10d_s"): computing.measure,
    ("ready_s", "idle_pss_mb"): embedded.measure,
    ("year_insert_ratio", "chart_year_p95_ms"): year.measure,
}
# These take five minutes and 15 GB of disk, so they are only measured when asked for.
LONG = {"year_insert_ratio", "chart_year_p95_ms"}


def main() -> int:
    """Run the bench; return the exit code."""
    known = [name for names in MEASUREMENTS for name in names]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", default="", help=f"of {', '.join(known)}")
    parser.add_argument("--strict", action="store_true", help="exit with 1 when a goal is missed")
    arguments = parser.parse_args()
    short = [name for name in known if name not in LONG]
    wanted = [name for name in arguments.only.split(",") if name] or short
    if unknown := sorted(set(wanted) - set(known)):
        parser.error(f"no such figure: {', '.join(unknown)}; there are {', '.join(known)}")
    machine = describe()
    figures = asyncio.run(_measure(wanted))
    document = {
        "machine": machine,
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "figures": [figure.document() for figure in figures],
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print(f"written to {RESULTS}")
    missed = [figure.name for figure in figures if figure.reached is False]
    if missed:
        print(f"missed: {', '.join(missed)}")
    return 1 if missed and arguments.strict else 0


async def _measure(wanted: list[str]) -> list[Figure]:
    figures = []
    print(f"{'figure':<26}{'value':>12} {'unit':<10}{'baseline':>12}{'ratio':>8}  goal")
    for names, measure in MEASUREMENTS.items():
        if not set(names) & set(wanted):
            continue
        with tempfile.TemporaryDirectory(prefix="cassiopeia-bench-") as folder:
            for figure in await measure(Path(folder)):
                figures.append(figure)
                print(_line(figure), flush=True)
    return figures


def _line(figure: Figure) -> str:
    verdict = {True: "reached", False: "MISSED", None: "not measured on this system"}
    return (
        f"{figure.name:<26}{_number(figure.value):>12} {figure.unit:<10}"
        f"{_number(figure.baseline):>12}{_ratio(figure.ratio):>8}"
        f"  {figure.goal} {verdict[figure.reached]}"
    )


def _ratio(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"  # noqa: PLR2004 - for reading


if __name__ == "__main__":
    sys.exit(main())
