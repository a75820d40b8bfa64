"""Stores the events of the streams in PostgreSQL, whose schema it owns."""
