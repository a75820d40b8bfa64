"""The elements shipped with the project, for a machine that has never reached Celestrak."""

from functools import cache

from libs.common.clock import Clock
from libs.common.errors import NotUpdatedError
from libs.common.events import IssElements, IssElementsEvent, Origin, Provenance
from libs.common.polling.providers import Reading
from libs.common.polling.published import LastAnswer
from services.ingest_iss.omm import parse_omm
from services.ingest_iss.shipped_elements import SHIPPED_OMM


@cache
def shipped_elements() -> IssElements:
    """Return the elements that are part of the project."""
    return parse_omm(SHIPPED_OMM)


class ShippedElements:
    """Elements from the project's own files."""

    name = "shipped"
    origin = Origin.SNAPSHOT
    budget = None

    def __init__(self, known: LastAnswer, clock: Clock) -> None:
        self._known = known
        self._clock = clock

    async def poll(self) -> Reading:
        """Return the shipped elements.

        Raises:
            NotUpdatedError: Elements are known already, and they are not older than these.
        """
        if await self._known.load():
            raise NotUpdatedError("elements are known already")
        provenance = Provenance(self.name, self.origin, self._clock.now())
        return Reading([IssElementsEvent.of_elements(shipped_elements(), provenance=provenance)])
