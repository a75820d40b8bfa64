"""The client of a request, and what it may do."""

from services.gateway.access.access import CLIENT, Access
from services.gateway.access.client import Client

__all__ = ["CLIENT", "Access", "Client"]
