"""Tests of the upstream simulators: they must lie only when told to."""
