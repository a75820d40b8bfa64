"""How much a client may ask for."""

import math
from dataclasses import dataclass, field

# Above any route's cost, so that no client is refused for good.
SMALLEST_BURST = 10
# That is a token in 0.6 us: the broker's clock and a double both still tell one from the next.
LARGEST = 100_000_000


@dataclass(frozen=True, slots=True)
class Quota:
    """A bucket of `burst` tokens that `per_minute` tokens flow into.

    Attributes:
        per_minute: Tokens that a client may spend in every minute.
        burst: Tokens that it may spend at once, after it was quiet.
        interval_s: The time in which one token flows in.
        window_s: The time in which an empty bucket fills.
        policy: Both as `RateLimit-Policy` has them (draft-ietf-httpapi-ratelimit-headers).
    """

    per_minute: int
    burst: int
    interval_s: float = field(init=False)
    window_s: float = field(init=False)
    policy: str = field(init=False)

    def __post_init__(self) -> None:
        interval_s = 60.0 / self.per_minute
        window_s = self.burst * interval_s
        policy = (
            f'"burst";q={self.burst};w={math.ceil(window_s)}, "minute";q={self.per_minute};w=60'
        )
        object.__setattr__(self, "interval_s", interval_s)
        object.__setattr__(self, "window_s", window_s)
        object.__setattr__(self, "policy", policy)
