"""Turns records into events; unreadable records are set apart, and the rest is used."""

import json
from collections.abc import Callable, Iterable

from pydantic import ValidationError

from libs.common.errors import BodyRejectedError
from libs.common.events import JwstImageEvent, reason_of
from libs.common.polling.providers import Reject


class Pages:
    """Collects the pictures of several pages; of events of the same picture, the first is kept."""

    def __init__(self) -> None:
        self._events: dict[str, JwstImageEvent] = {}
        self._any_readable = False
        self.rejects: list[Reject] = []

    @property
    def events(self) -> list[JwstImageEvent]:
        """The events, in the order in which they were added."""
        return list(self._events.values())

    def add(
        self, records: Iterable[object], normalize: Callable[[object], JwstImageEvent | None]
    ) -> list[JwstImageEvent]:
        """Add the records of a page; return its events.

        A page without a readable record is accepted if another page had one: then its records are
        bad, and not our way of reading them.

        Raises:
            BodyRejectedError: No record of any page can be read: they have an unexpected form. The
                error holds those of this page.
        """
        events: list[JwstImageEvent] = []
        rejects: list[Reject] = []
        for record in records:
            try:
                event = normalize(record)
            except ValueError as error:
                reason = reason_of(error) if isinstance(error, ValidationError) else str(error)
                rejects.append(Reject(json.dumps(record).encode(), reason))
                continue
            self._any_readable = True
            if event:
                events.append(event)
        if rejects and not self._any_readable:
            refusal = BodyRejectedError(
                f"none of {len(rejects)} records is an image: {rejects[0].reason}", rejects[0].body
            )
            refusal.rejects = [(reject.body, reject.reason) for reject in rejects]
            raise refusal
        self.rejects += rejects
        for event in events:
            self._events.setdefault(event.data.image_id, event)
        return events
