"""The biodata API: the listing of all studies, and the detail of each."""

from libs.common.polling.budget import Limit
from libs.common.upstream.client import Answer, UpstreamClient, Validators

# No limit is published. A crawl of 630 studies takes 631 calls: this allows five an hour.
LIMITS = (Limit(calls=3_600, period_s=3_600.0),)
# Without a format, some paths answer with HTML; so do all with a browser's Accept header.
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
            NotUpdatedError: The detail is unchanged since the answer with these validators.
        """
        return await self._client.get_json(f"/dataset/{accession}/", _JSON, validators=validators)
