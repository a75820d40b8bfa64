"""Progress of long measurements, on standard error, so that the table stays clean."""

import sys


def say(text: str) -> None:
    """Tell what is being done."""
    print(f"  {text}", file=sys.stderr, flush=True)
