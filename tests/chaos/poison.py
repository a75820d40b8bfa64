"""Bodies that must become dead letters, of every kind that a stream may bring."""

import itertools
import random
from datetime import UTC, datetime
from typing import Any

from tests.chaos.positions import position
from tests.factories import altered, undecodable

# Well-formed, and refused: by a bound of the model, by the handler, or by the database alone.
_REFUSED: tuple[dict[str, Any], ...] = (
    {"data__norad_id": 2**31},
    {"data__norad_id": 2**63},
    {"data__name": "i\0ss"},
    {"data__upstream_body": {"note": "\0"}},
    {"data__upstream_body": {"altitude": float("nan")}},
    {"provider": "where\0theiss"},
    {"time": "0001-01-01T00:00:00+14:00"},
    {"time": "9999-12-31T23:59:59-14:00"},
    {"time": "2199-01-01T00:00:00Z"},
    {"fetchedat": "9999-12-31T23:59:59-14:00"},
)


def poison(count: int, choose: random.Random) -> list[bytes]:
    """Return bodies that no consumer can take, of all kinds, in random order."""
    event = position(datetime(2026, 3, 1, 12, tzinfo=UTC))
    kinds = [item.body for item in undecodable()]
    kinds += [altered(event, **changes) for changes in _REFUSED]
    bodies = list(itertools.islice(itertools.cycle(kinds), count))
    choose.shuffle(bodies)
    return bodies
