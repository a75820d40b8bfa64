"""What the searches return."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import NamedTuple

from libs.common.events import AstroEvent
from services.ingest_astro.computed.sky import Sky
from services.ingest_astro.computed.times import Window


class Happening(NamedTuple):
    """An event and the time of its peak."""

    time: datetime
    event: AstroEvent


GlobalSearch = Callable[[Window, Sky], Iterator[Happening]]
