"""Polling a source: one leader across all replicas, within the upstream's limits."""
