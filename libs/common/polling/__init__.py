"""Polling a source: one leader over all replicas, within the upstream's limits."""
