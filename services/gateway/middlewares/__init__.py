"""What every request passes through, one file each."""
