"""The cache of history: memory, then the broker, then one query per key over all replicas."""

from services.gateway.cache.history import HistoryCache
from services.gateway.cache.kept import Kept, Kind, Make

__all__ = ["HistoryCache", "Kept", "Kind", "Make"]
