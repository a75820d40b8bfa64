"""One file per provider: how its events are got."""
