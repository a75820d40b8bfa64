"""What a long run says at its end."""

from collections.abc import Mapping, Sequence

from tests.soak.sampling import Series
from tests.soak.trend import MEASURES, Sample, trend

# Every connection of persistence to the database fills 8 MB with its temporary tables, within ten
# minutes at this load: two replicas have four each.
_FILLS = {Series("postgres", "memory"): 64}
_HEAD = ("", "measure", "first quarter", "last quarter", "slope/h", "allowed", "")


def lines(series: Mapping[Series, Sequence[Sample]]) -> tuple[list[str], list[str]]:
    """Return the table of all series, and the names of those that are not flat."""
    rows: list[tuple[str, ...]] = [_HEAD]
    growing: list[str] = []
    for name, samples in sorted(series.items(), key=lambda item: item[0][::-1]):
        measure = MEASURES[name.measure]
        found = trend(samples, measure.tolerance, fills=_FILLS.get(name, 0))
        if found is None:
            rows.append((name.subject, name.measure, *["-"] * 4, "too few samples"))
            continue
        if not found.is_flat:
            growing.append(f"{name.subject}: {name.measure}")
        rows.append(
            (
                name.subject,
                name.measure,
                *(_number(value, measure.unit) for value in found[:2]),
                f"{found.per_hour:+,.1f}",
                f"+{_number(found.allowed, measure.unit)}",
                "flat" if found.is_flat else "GROWS",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    aligned = [
        "  ".join(
            cell.ljust(width) if column in (0, 1, len(_HEAD) - 1) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return aligned, growing


def _number(value: float, unit: str) -> str:
    return f"{value:,.1f} {unit}" if unit else f"{value:,.0f}"
