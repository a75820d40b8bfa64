"""Calls to upstreams, and the cleaning of their answers."""
