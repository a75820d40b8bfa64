"""Unit tests of ingest_jwst."""
