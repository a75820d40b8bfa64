"""Streams to PostgreSQL; owns the schema."""
