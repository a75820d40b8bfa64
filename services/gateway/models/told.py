"""What every datum tells about itself."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel, Field

from libs.common.events import Origin


class Told(BaseModel):
    """When a datum was true, when it came, and where from."""

    time: datetime = Field(description="When it was true, as the provider says.")
    fetched_at: datetime = Field(description="When the suite got it.")
    stored_at: datetime | None = Field(
        default=None, description="When its row was written; null for what has no row."
    )
    origin: Origin
    provider: str


class Page(BaseModel):
    """What all pages have; a subclass says what its items are."""

    next: str | None = Field(
        default=None,
        description="The `cursor` of the next page, also in `Link`; null on the last.",
    )
    items: Sequence[Told]
