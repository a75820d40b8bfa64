"""Tests of the whole suite, started as a person starts it."""
