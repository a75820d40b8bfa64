"""Settings of the gateway."""

from typing import Annotated

from pydantic import Field

from libs.common.settings import DatabaseSettings, Port


class GatewaySettings(DatabaseSettings):
    """What the gateway is told."""

    host: str = Field(
        default="127.0.0.1", description="Address to listen on; 0.0.0.0 for every interface."
    )
    port: Port = Field(default=8080, description="Port to listen on; replicas share it.")
    live_connection_seconds: Annotated[float, Field(ge=1, le=86_400)] = Field(
        # Long enough to be rare, short enough that a forgotten tab does not hold a socket for days.
        default=600.0,
        description="A live stream is ended after this time; clients come back by themselves.",
    )
    live_queue_length: Annotated[int, Field(ge=1, le=100_000)] = Field(
        # 256 events of 1 KiB for each of 1,000 clients are shared bytes: 256 references each.
        default=256,
        description="Events that wait for a slow client at most; older ones are dropped.",
    )
    refresh_wait_seconds: Annotated[float, Field(gt=0, le=60)] = Field(
        # The position API has 3 s to answer, and the command takes milliseconds.
        default=4.0,
        description="How long a client that asks for fresh data waits for them.",
    )
