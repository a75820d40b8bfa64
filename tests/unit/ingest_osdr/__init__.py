"""Tests of ingest_osdr that need no server."""
