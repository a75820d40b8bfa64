"""One file per provider: how its data are fetched."""
