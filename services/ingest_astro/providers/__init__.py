"""One file per provider: how its events are fetched or computed."""
