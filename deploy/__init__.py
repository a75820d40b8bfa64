"""The ways to run Cassiopeia."""
