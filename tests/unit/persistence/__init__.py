"""Tests of persistence that need no server."""
