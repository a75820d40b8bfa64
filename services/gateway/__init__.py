"""HTTP: what the suite knows, from memory and from PostgreSQL. Owns no data."""
