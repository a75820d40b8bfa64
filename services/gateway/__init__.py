"""The HTTP gateway: serves what the suite knows, from memory and PostgreSQL. Owns no data."""
