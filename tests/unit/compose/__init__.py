"""What of deploy/compose can be wrong without a Docker engine."""
