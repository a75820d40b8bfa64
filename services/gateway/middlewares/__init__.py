"""The steps that every request passes through, one file each."""
