"""Progress of long measurements, on standard error, so that the table stays clean."""

import sys


def say(text: str) -> None:
    """Print a line of progress."""
    print(f"  {text}", file=sys.stderr, flush=True)
