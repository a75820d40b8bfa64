"""Tests of what `make run` does before and around the servers."""
