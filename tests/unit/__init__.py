"""Tests of one unit at a time, without servers of others."""
