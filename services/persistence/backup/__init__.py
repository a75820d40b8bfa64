"""Backups of the database: taking them, on a schedule too, and putting one back."""
