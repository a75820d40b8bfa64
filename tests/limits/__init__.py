"""The rate limit over real replicas: `python -m tests.limits` counts what each client gets."""
