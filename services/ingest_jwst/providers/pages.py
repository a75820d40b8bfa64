"""Records into events: what cannot be read is kept apart, and the rest of the page is taken."""

import json
from collections.abc import Callable, Iterable

from pydantic import ValidationError

from libs.common.errors import BodyRejectedError
from libs.common.events import JwstImageEvent, reason_of
from libs.common.providers import Reject


class Pages:
    """Collects the pictures of several pages, one event per picture, the first one that came."""

    def __init__(self) -> None:
        self._events: dict[str, JwstImageEvent] = {}
        self.rejects: list[Reject] = []

    @property
    def events(self) -> list[JwstImageEvent]:
        """The events, in the order in which they came."""
        return list(self._events.values())

    def add(
        self, records: Iterable[object], normalize: Callable[[object], JwstImageEvent | None]
    ) -> list[JwstImageEvent]:
        """Add the records of a page; return its events.

        Raises:
            BodyRejectedError: Not one of them can be read: they are not what they should be.
        """
        events: list[JwstImageEvent] = []
        rejects: list[Reject] = []
        is_foreign = True
        for record in records:
            try:
                event = normalize(record)
            except ValueError as error:
                reason = reason_of(error) if isinstance(error, ValidationError) else str(error)
                rejects.append(Reject(json.dumps(record).encode(), reason))
                continue
            is_foreign = False
            if event:
                events.append(event)
        if rejects and is_foreign:
            raise BodyRejectedError(
                f"none of {len(rejects)} records is an image: {rejects[0].reason}", rejects[0].body
            )
        self.rejects += rejects
        for event in events:
            self._events.setdefault(event.data.image_id, event)
        return events
