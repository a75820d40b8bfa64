"""`python -m tests.check_samples FOLDER`: reads recorded bodies with their normalizers.

A file is named by its path below the folder. Each one that a check claims must be read without
loss, or recognised as the error that it is; what no check claims is listed, so that nobody
takes it for checked.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tests.sample_checks import astro, iss, jwst, osdr, space

Check = tuple[str, Callable[[bytes], str]]
CHECKS: list[Check] = [
    *iss.CHECKS,
    *osdr.CHECKS,
    *jwst.CHECKS,
    *astro.CHECKS,
    *space.CHECKS,
]


def main() -> int:
    """Check a folder; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.check_samples", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    if not folder.is_dir():
        parser.error(f"{folder} is no folder")
    passed = failed = 0
    unclaimed = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder)
        checks = [check for pattern, check in CHECKS if name.match(pattern)]
        if not checks:
            unclaimed.append(str(name))
        for check in checks:
            try:
                verdict = check(path.read_bytes())
            except AssertionError as error:
                failed += 1
                print(f"FAILED  {name}: {error}")
            else:
                passed += 1
                print(f"passed  {name}: {verdict}")
    for unread in unclaimed:
        print(f"no body of an upstream's API: {unread}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
