"""The whole suite on one machine without Docker: what `make run` starts."""
