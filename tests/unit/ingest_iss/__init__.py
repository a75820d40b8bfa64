"""Tests of the orbit model and of what else `ingest_iss` computes without I/O."""
