"""Ingests the space documents: picture of the day, asteroids, space weather, launches."""
