"""Celestrak: the station's mean elements, at most one download in two hours."""

from libs.common.errors import AccessRefusedError, BodyRejectedError, NotUpdatedError
from libs.common.events import Origin, Provenance
from libs.common.polling.budget import Limit
from libs.common.polling.providers import Reading
from libs.common.polling.published import LastAnswer
from libs.common.upstream.client import UpstreamClient
from services.ingest_iss.normalize import ISS_NORAD_ID, elements_event

# Celestrak's policy blocks an address after 50 errors in 2 h; a quarter of that leaves room for
# other clients behind the same address.
LIMITS = (Limit(calls=12, period_s=7_200.0),)
_NOT_UPDATED = "has not updated since your last successful"


class Celestrak:
    """Elements from celestrak.org."""

    name = "celestrak"
    origin = Origin.LIVE

    def __init__(self, client: UpstreamClient, known: LastAnswer) -> None:
        self.budget = client.budget
        self._client = client
        self._known = known

    async def poll(self) -> Reading:
        """Return the newest elements.

        Raises:
            NotUpdatedError: Celestrak refuses to repeat the elements that it gave before.
            AccessRefusedError: The same, but those elements are not known here: another process
                behind the same address has them, or a broker that no longer exists had them.
        """
        try:
            answer = await self._client.get_json(
                "/NORAD/elements/gp.php", {"CATNR": str(ISS_NORAD_ID), "FORMAT": "JSON"}
            )
        except (AccessRefusedError, BodyRejectedError) as error:
            if not _says_not_updated(error):
                raise
            if not any(event.provider == self.name for event in await self._known.load()):
                raise AccessRefusedError(
                    "celestrak gives each set once to an address, and has given this one already,"
                    " which is not known here: the next is due within hours"
                ) from None
            raise NotUpdatedError("celestrak has nothing newer") from None
        provenance = Provenance(self.name, self.origin, answer.fetched_at)
        return Reading([answer.read(lambda body: elements_event(body, provenance))])


def _says_not_updated(error: AccessRefusedError | BodyRejectedError) -> bool:
    """Recognise the text that means `keep what you have`, sent with 403 and formerly with 200."""
    body = error.body.decode(errors="replace") if isinstance(error, BodyRejectedError) else ""
    # The text is wrapped at varying places.
    return _NOT_UPDATED in " ".join(f"{error} {body}".split())
