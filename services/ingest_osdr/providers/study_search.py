"""The study search: release dates and missions of many studies per call."""

from libs.common.polling.budget import Limit
from libs.common.upstream.client import Answer, UpstreamClient

# No limit is published. A crawl takes 26 pages; the crawls of an hour take about a third of this.
LIMITS = (Limit(calls=600, period_s=3_600.0),)
# The largest page that the documentation allows.
PAGE_SIZE = 25


class StudySearch:
    """Pages of osdr.nasa.gov's search."""

    def __init__(self, client: UpstreamClient) -> None:
        self._client = client

    async def page(self, position: int) -> Answer:
        """Return the page at a position, whether the API counts pages or hits."""
        return await self._client.get_json(
            "/search",
            # `cgene` means the repository's own studies, without those of other archives.
            {"term": "", "from": str(position), "size": str(PAGE_SIZE), "type": "cgene"},
        )
