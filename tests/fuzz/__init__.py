"""Input that no client of good will sends: `python -m tests.fuzz`."""
