"""How the state of the suite itself is shown."""

from typing import Literal

from pydantic import BaseModel, Field

from libs.common.polling.source_state import SourceState
from services.gateway.models.old import Stamp

Connected = Literal["connected", "disconnected"]
# `unknown` is a source that no process has polled yet.
Reach = Literal["connected", "unknown"] | SourceState


class DatabaseStats(BaseModel):
    """Rows by table; null if the database does not answer."""

    iss_logs: int | None = Field(default=None, description="Positions of the station.")
    osdr_items: int | None = None
    jwst_images: int | None = None
    astro_events: int | None = None
    space_documents: int | None = None
    as_of: Stamp | None = Field(default=None, description="When they were counted.")
    reason: str | None = Field(default=None, description="Why there are no numbers, or old ones.")


class StreamStats(BaseModel):
    """A stream of events."""

    length: int = Field(description="Entries that it holds.")
    waiting: int | None = Field(
        description="Entries that persistence has not stored yet; null where that is not known."
    )


class RedisStats(BaseModel):
    """The broker in numbers; null if it does not answer."""

    version: str | None = None
    uptime_s: int | None = None
    used_memory_bytes: int | None = None
    connected_clients: int | None = None
    streams: dict[str, StreamStats] | None = None
    reason: str | None = Field(default=None, description="Why there are no numbers.")


class WorkerStats(BaseModel):
    """A poller."""

    state: SourceState
    reason: str | None
    provider: str | None
    last_run: Stamp
    last_success: Stamp | None
    next_run: Stamp
    failures: int


class SystemStats(BaseModel):
    """The suite in numbers."""

    database: DatabaseStats
    redis: RedisStats
    workers: dict[str, WorkerStats] = Field(description="By the source's name.")
    workers_reason: str | None = Field(description="Why these are old, where they are.")
    timestamp: Stamp


class ServicesHealth(BaseModel):
    """Whether each service can be reached: asked now, or as its poller last found it."""

    database: Connected
    redis: Connected
    iss_api: Reach
    nasa_api: Reach = Field(description="The worst of the open science data and api.nasa.gov.")
    jwst_api: Reach
    astro_api: Reach


class SystemHealth(BaseModel):
    """Whether all is well."""

    status: Literal["ok", "degraded"] = Field(
        description="`ok` while database and broker answer; upstreams may be away."
    )
    timestamp: Stamp
    services: ServicesHealth
    reasons: dict[str, str] = Field(description="Why a service is not `connected`.")
