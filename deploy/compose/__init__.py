"""The suite in Docker: what `docker compose` builds and starts."""
