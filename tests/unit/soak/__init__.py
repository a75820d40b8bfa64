"""Tests of what judges a long run."""
