"""The files of deploy/compose, read as what they are."""

from importlib import import_module
from typing import Any

import yaml

from libs.common.settings import ServiceSettings
from services.persistence.backup.settings import BackupSettings
from tests.servers import CHECKOUT

FOLDER = CHECKOUT / "deploy" / "compose"
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
SERVICES = sorted(path.parent.name for path in CHECKOUT.glob("services/*/__main__.py"))
"""The folders that are processes."""
OURS = [*SERVICES, "backup"]
"""The containers that run our code."""
SERVERS = ["postgres", "valkey"]


def settings_of(container: str) -> type[ServiceSettings]:
    """Return the class that reads a container's variables."""
    if container == "backup":
        return BackupSettings
    module = import_module(f"services.{container}.settings")
    [model] = [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, ServiceSettings)
        and value.__module__ == module.__name__
    ]
    return model
