"""The images shipped with the project, for a machine that has never reached an archive."""

from libs.common.errors import NotUpdatedError
from libs.common.events import JwstImageEvent, Origin, Provenance
from libs.common.polling.providers import Reading
from libs.common.polling.published import Published
from services.ingest_jwst.normalize import jwstapi_image, mast_image
from services.ingest_jwst.shipped_images import EXPOSURES, OBSERVATIONS, WRITTEN_ON


def shipped_images() -> list[JwstImageEvent]:
    """Return the images that are part of the project, dated to the day when they were written."""
    provenance = Provenance(ShippedImages.name, ShippedImages.origin, WRITTEN_ON)
    exposures = [jwstapi_image(item, provenance) for item in EXPOSURES]
    observations = [mast_image(row, provenance) for row in OBSERVATIONS]
    return [event for event in (*observations, *exposures) if event]


class ShippedImages:
    """Images from the project's own files."""

    name = "shipped"
    origin = Origin.SNAPSHOT
    budget = None

    def __init__(self, known: Published) -> None:
        self._known = known

    async def poll(self) -> Reading:
        """Return the shipped images.

        Raises:
            NotUpdatedError: Images are known already, and these would add nothing.
        """
        if not await self._known.is_empty():
            raise NotUpdatedError("images are known already")
        return Reading(shipped_images())
