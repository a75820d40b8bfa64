"""The database serves 100 connections of ours at most, however the suite is scaled here."""

import importlib
import pkgutil

import services
from deploy.embedded.settings import MOST_REPLICAS
from libs.common.settings import DatabaseSettings

# What the earlier system allowed itself, and what a PostgreSQL as it is installed serves.
MOST_CONNECTIONS = 100
# A migration, a backup or a restore beside the suite, and an administrator.
BESIDES = 10


def pool_sizes() -> dict[str, int]:
    """Return the size of the pool of each service that has one."""
    sizes = {}
    for service in pkgutil.iter_modules(services.__path__):
        module = importlib.import_module(f"services.{service.name}.settings")
        found = [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, DatabaseSettings)
            and value.__module__ == module.__name__
        ]
        if found:
            (settings,) = found
            sizes[service.name] = settings().database_pool_size
    return sizes


def test_all_pools_together_stay_below_the_limit() -> None:
    """Also with as many replicas of each service as `make run` starts at most."""
    sizes = pool_sizes()
    assert sizes.keys() == {"gateway", "persistence"}
    assert MOST_REPLICAS * sum(sizes.values()) + BESIDES <= MOST_CONNECTIONS
