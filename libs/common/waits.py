"""The longest pause that an upstream may ask for."""

import math

# An upstream that asks for a longer pause has made a mistake, and one call a day is no abuse.
MAX_WAIT_S = 86_400.0


def bounded_wait(seconds: float) -> float | None:
    """Return a requested wait, limited to between 0 and one day; None for NaN."""
    return None if math.isnan(seconds) else min(max(0.0, seconds), MAX_WAIT_S)
