"""Tests of ingest_space."""
