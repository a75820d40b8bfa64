"""The biodata API: which studies there are, and what each of them is."""

from libs.common.polling.budget import Limit
from libs.common.upstream.client import Answer, UpstreamClient, Validators

# No limit is published. A crawl of 630 studies takes 631 calls: this allows five an hour.
LIMITS = (Limit(calls=3_600, period_s=3_600.0),)
# A browser's Accept header would get HTML; so would no format, on some paths.
_JSON = {"format": "json"}


class Biodata:
    """Studies from visualization.osdr.nasa.gov."""

    def __init__(self, client: UpstreamClient) -> None:
        self.budget = client.budget
        self._client = client

    async def listing(self) -> Answer:
        """Return the listing of all studies."""
        return await self._client.get_json("/datasets/", _JSON)

    async def detail(self, accession: str, validators: Validators | None) -> Answer:
        """Return the detail of a study.

        Raises:
            NotUpdatedError: It is what the validators came with.
        """
        return await self._client.get_json(f"/dataset/{accession}/", _JSON, validators=validators)
