"""Tests of ingest_astro that need no server."""
