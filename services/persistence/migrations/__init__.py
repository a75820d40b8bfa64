"""Migrations: plain SQL, run by Alembic."""
