"""The operator's commands for dead letters: list, show, replay, drop."""
