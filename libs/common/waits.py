"""How long an upstream may have itself left alone."""

import math

# Who asks for more has made a mistake; asking once a day abuses nobody.
MAX_WAIT_S = 86_400.0


def bounded_wait(seconds: float) -> float | None:
    """Return a time that somebody asked to wait, between nothing and a day; None for no number."""
    return None if math.isnan(seconds) else min(max(0.0, seconds), MAX_WAIT_S)
