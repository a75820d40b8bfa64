"""Calls to upstreams, and what they answer made safe to keep."""
