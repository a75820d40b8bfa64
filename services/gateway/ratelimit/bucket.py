"""What this replica knows of one client's tokens: pure arithmetic of the GCRA.

The generic cell rate algorithm keeps one number per client, the theoretical arrival time: the
moment when the bucket will be full again. Spending a token moves it by one interval; it may lie
ahead of now by one window at most.
"""

from services.gateway.ratelimit.quota import Quota
from services.gateway.ratelimit.verdict import Verdict

# Each request of a client that asks less often than this is checked in the broker.
BUSY_S = 1.0
# With so many the broker is asked once in 500 requests. A replica that dies loses no more tokens.
MOST_LEASED = 500


class Bucket:
    """One client's bucket; times are this process's monotonic seconds.

    Attributes:
        key: The client's key in the broker.
        quota: Its size and rate.
        full_at: The theoretical arrival time, as last heard of, leased tokens included.
        leased: Tokens that were taken from the bucket and may be spent here without asking.
        used_at: When it was last spent from.
        outage: How many outages the broker had had when it last answered for this bucket.
    """

    __slots__ = ("_asked_at", "_spent", "full_at", "key", "leased", "outage", "quota", "used_at")

    def __init__(self, key: str, quota: Quota) -> None:
        self.key = key
        self.quota = quota
        self.full_at = 0.0
        self.leased = 0
        self.used_at = 0.0
        self.outage = -1
        self._spent = 0
        self._asked_at = 0.0

    def spend_leased(self, cost: int, now: float) -> bool:
        """Spend leased tokens, if there are enough."""
        if self.leased < cost:
            return False
        self.leased -= cost
        self._spent += cost
        self.used_at = now
        return True

    def is_known_empty(self, cost: int, now: float) -> bool:
        """Whether asking is useless: what other replicas spend only makes the bucket emptier."""
        quota = self.quota
        return self.full_at + (cost - self.leased) * quota.interval_s - now > quota.window_s

    def spend_alone(self, cost: int, now: float, replicas: int) -> bool:
        """Spend tokens without the broker: each of `replicas` has an equal share of the flow.

        A full bucket admits any cost, so that a share smaller than the cost shuts no client out.
        """
        step = cost * self.quota.interval_s * replicas
        if self.full_at > now and self.full_at + step - now > self.quota.window_s:
            return False
        self.full_at = max(self.full_at, now) + step
        return True

    def wish(self, now: float) -> int:
        """Return how many tokens to lease: twice what was spent since a recent question, or 0."""
        busy = now - self._asked_at < BUSY_S
        wish = min(MOST_LEASED, 2 * self._spent) if busy else 0
        self._spent = 0
        self._asked_at = now
        return wish

    def asked_for(self, cost: int, now: float) -> None:
        """Note that tokens are being asked for."""
        self._spent += cost
        self.used_at = now

    def take_back(self) -> int:
        """Put the leased tokens back; return how many of them the broker must be told of."""
        count, self.leased = self.leased, 0
        self.full_at -= count * self.quota.interval_s
        return count

    def lease(self, count: int) -> None:
        """Take tokens from the bucket to spend them without asking."""
        self.leased += count
        self.full_at += count * self.quota.interval_s

    def verdict(self, now: float, refused_cost: int = 0, replicas: int = 1) -> Verdict:
        """Return how the bucket stands after a request, which may have been refused."""
        quota = self.quota
        interval_s = quota.interval_s * replicas
        full_in_s = max(0.0, self.full_at - now)
        # A hundredth of a token makes up for the rounding of sums.
        remaining = int((quota.window_s - full_in_s) / interval_s + 0.01) + self.leased
        retry_in_s = 0.0
        if refused_cost:
            retry_in_s = max(0.001, full_in_s + refused_cost * interval_s - quota.window_s)
        # Leased tokens have left the bucket, but the client can still spend them.
        full_in_s = max(0.0, full_in_s - self.leased * quota.interval_s)
        # The bucket fills while a lease lies idle; no client is told of more than fits into it.
        remaining = min(quota.burst, max(0, remaining))
        return Verdict(quota, remaining, full_in_s, retry_in_s)
