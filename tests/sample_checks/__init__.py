"""What is recognised in recorded bodies, a file per domain."""
