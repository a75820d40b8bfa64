"""Faults under load: what was sent, stored, doubled and lost."""
