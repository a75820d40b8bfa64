"""The decision on each request, made without asking the broker where that is possible."""

import asyncio
import secrets
import time
from collections import OrderedDict

from redis.asyncio import Redis

from libs.common import metrics
from services.gateway.ratelimit.bucket import Bucket
from services.gateway.ratelimit.quota import Quota
from services.gateway.ratelimit.shared import SharedBuckets
from services.gateway.ratelimit.verdict import Verdict

# About 300 bytes each: 15 MB. The broker still knows a client that is forgotten here.
MOST_BUCKETS = 50_000
# How often replicas show that they are alive, and how long a lease may lie idle.
PERIOD_S = 1.0

_LEASED = metrics.LIMITER_DECISIONS.labels("admitted", "lease")
_SHARED = metrics.LIMITER_DECISIONS.labels("admitted", "broker")
_ALONE = metrics.LIMITER_DECISIONS.labels("admitted", "alone")
_REFUSED = metrics.LIMITER_DECISIONS.labels("refused", "broker")
_REFUSED_KNOWN = metrics.LIMITER_DECISIONS.labels("refused", "memory")
_REFUSED_ALONE = metrics.LIMITER_DECISIONS.labels("refused", "alone")


class Limiter:
    """One limit per client over all replicas (ADR 0011)."""

    def __init__(self, redis: Redis, most_buckets: int = MOST_BUCKETS) -> None:
        self._shared = SharedBuckets(redis)
        self._most_buckets = most_buckets
        # The least recently used bucket is the first.
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._leasing: dict[str, Bucket] = {}
        # Not the replica's number: two processes that share a number by mistake must count as two.
        self._name = secrets.token_hex(8)

    def spend_leased(self, key: str, quota: Quota, cost: int) -> Verdict | None:
        """Admit at once what a lease covers; return None if there is more to decide."""
        bucket = self._bucket(key, quota)
        now = time.monotonic()
        if not bucket.spend_leased(cost, now):
            return None
        _LEASED.inc()
        return bucket.verdict(now)

    def decide(self, key: str, quota: Quota, cost: int) -> Verdict | None:
        """Decide at once; return None if the broker must be asked."""
        verdict = self.spend_leased(key, quota, cost)
        if verdict is not None:
            return verdict
        bucket = self._bucket(key, quota)
        now = time.monotonic()
        if self._shared.is_away:
            return self._alone(bucket, cost, now)
        if bucket.is_known_empty(cost, now):
            _REFUSED_KNOWN.inc()
            return bucket.verdict(now, cost)
        return None

    async def ask(self, key: str, quota: Quota, cost: int) -> Verdict:
        """Ask the broker, and decide alone when it is away."""
        bucket = self._bucket(key, quota)
        admitted = await self._shared.ask(bucket, cost, time.monotonic())
        now = time.monotonic()
        if admitted is None:
            return self._alone(bucket, cost, now)
        if bucket.leased:
            self._leasing[key] = bucket
        if admitted:
            _SHARED.inc()
            return bucket.verdict(now)
        _REFUSED.inc()
        return bucket.verdict(now, cost)

    async def open(self) -> None:
        """Join the other replicas."""
        await self._shared.be_present(self._name)

    async def keep_forever(self) -> None:
        """Stay among the replicas, notice the broker's return, give idle leases back."""
        while True:
            await asyncio.sleep(PERIOD_S)
            await self._shared.be_present(self._name)
            metrics.LIMITER_SHARED.set(not self._shared.is_away)
            if not self._shared.is_away:
                self._give_back(time.monotonic() - PERIOD_S)

    async def close(self) -> None:
        """Leave the other replicas; in place of the tokens leased here new ones flow in."""
        await self._shared.close(self._name)

    def _bucket(self, key: str, quota: Quota) -> Bucket:
        bucket = self._buckets.get(key)
        if bucket is not None:
            self._buckets.move_to_end(key)
            return bucket
        bucket = self._buckets[key] = Bucket(key, quota)
        if len(self._buckets) > self._most_buckets:
            self._buckets.popitem(last=False)
        return bucket

    def _give_back(self, idle_since: float) -> None:
        for key, bucket in list(self._leasing.items()):
            if bucket.leased and bucket.used_at > idle_since:
                continue
            del self._leasing[key]
            if bucket.leased:
                self._shared.give_back(bucket)

    def _alone(self, bucket: Bucket, cost: int, now: float) -> Verdict:
        replicas = self._shared.replicas
        if bucket.spend_alone(cost, now, replicas):
            _ALONE.inc()
            return bucket.verdict(now, replicas=replicas)
        _REFUSED_ALONE.inc()
        return bucket.verdict(now, cost, replicas)
