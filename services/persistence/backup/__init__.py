"""Backups of the database: taking them, once or on a schedule, and restoring one."""
