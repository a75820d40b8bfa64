"""The rate limit: one per client over all replicas, and a share of it without the broker."""

from services.gateway.ratelimit.limiter import Limiter
from services.gateway.ratelimit.quota import Quota
from services.gateway.ratelimit.verdict import VERDICT, Verdict

__all__ = ["VERDICT", "Limiter", "Quota", "Verdict"]
