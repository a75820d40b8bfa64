"""NASA's OSDR as it is documented: the biodata API, and the study search of another host."""

import hashlib
import time
from collections.abc import Callable
from typing import Any, ClassVar, Literal

from aiohttp import web

from tests.upstreams.base import ERROR_PAGE, Answer, Simulator, json_answer
from tests.upstreams.faults import Fault
from tests.upstreams.osdr_studies import Studies

_OF_OTHER_UPSTREAMS = frozenset(
    {
        Fault.MILLISECONDS,
        Fault.MILES,
        Fault.MILES_AS_KILOMETERS,
        Fault.NOT_UPDATED_403,
        Fault.NOT_UPDATED_200,
        # A catalogue has no clock.
        Fault.STALE,
    }
)
_MOST_FOR_ONE_PAGE = 25


class Osdr(Simulator):
    """The biodata API: a listing without titles, and a detail of each study.

    Attributes:
        studies: What is public; settable.
        conditional: Requests that came with a validator.
        not_modified: Those of them that were answered with 304.
        broken: Accessions whose detail ends in status 500.
        with_validators: Whether answers carry an ETag.
    """

    name = "osdr"
    setting = "CASSIOPEIA_OSDR_URL"
    root = "/biodata/api/v2"
    vital_keys = ("metadata", "REST_URL")
    inapplicable: ClassVar = _OF_OTHER_UPSTREAMS

    def __init__(
        self,
        studies: Studies,
        *,
        enforce_limits: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(enforce_limits=enforce_limits, clock=clock)
        self.studies = studies
        self.conditional = 0
        self.not_modified = 0
        self.broken: set[str] = set()
        self.with_validators = True

    def error(self, status: int, text: str) -> Answer:
        """Return an error as a page for people."""
        del text
        return Answer(ERROR_PAGE, status, "text/html")

    async def answer(self, request: web.Request, path: str) -> Answer:
        """Return the answer of the healthy service."""
        if request.query.get("format") != "json":
            # The tree is content-negotiated; whoever names no format gets a page.
            return Answer(ERROR_PAGE, 200, "text/html")
        match path.strip("/").split("/"):
            case ["datasets"]:
                return self._listing()
            case ["dataset", accession] if self.studies.has(accession):
                if accession in self.broken:
                    return self.error(500, "")
                return self._conditional(request, self.detail(accession))
            case _:
                return self.error(404, "not found")

    def detail(self, accession: str) -> dict[str, Any]:
        """Return the detail of a study."""
        address = f"https://visualization.osdr.nasa.gov/biodata/api/v2/dataset/{accession}/"
        number = int(accession.removeprefix("OSD-"))
        record = {
            "REST_URL": address,
            "files": {"REST_URL": f"{address}files/"},
            "assays": {"REST_URL": f"{address}assays/"},
            "metadata": self.studies.metadata(number),
        }
        return {accession: self.spoil(record)}

    def _listing(self) -> Answer:
        address = "https://visualization.osdr.nasa.gov/biodata/api/v2/dataset"
        return json_answer(
            {each: {"REST_URL": f"{address}/{each}/"} for each in self.studies.accessions}
        )

    def _conditional(self, request: web.Request, document: object) -> Answer:
        answer = json_answer(document)
        if not self.with_validators:
            return answer
        etag = f'"{hashlib.sha256(answer.body).hexdigest()[:16]}"'
        asked = request.headers.get("If-None-Match")
        self.conditional += asked is not None
        if asked == etag:
            self.not_modified += 1
            return Answer(b"", 304, headers={"ETag": etag})
        return Answer(answer.body, headers={"ETag": etag})


class OsdrSearch(Simulator):
    """The study search: pages of Elasticsearch hits.

    Attributes:
        studies: What is public.
        counts: What `from` counts: pages from 0, pages from 1, or hits.
    """

    name = "osdr_search"
    setting = "CASSIOPEIA_OSDR_SEARCH_URL"
    root = "/osdr/data"
    vital_keys = ("Accession", "organism", "Study Public Release Date", "Mission")
    inapplicable: ClassVar = _OF_OTHER_UPSTREAMS | {Fault.FROZEN}

    def __init__(
        self,
        studies: Studies,
        *,
        counts: Literal["pages", "pages from 1", "hits"] = "pages",
        enforce_limits: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(enforce_limits=enforce_limits, clock=clock)
        self.studies = studies
        self.counts = counts

    async def answer(self, request: web.Request, path: str) -> Answer:
        """Return the answer of the healthy service."""
        if path.strip("/") != "search":
            return self.error(404, "not found")
        size = min(_MOST_FOR_ONE_PAGE, int(request.query.get("size", "10")))
        position = int(request.query.get("from", "0"))
        start = {
            "pages": position * size,
            "pages from 1": max(0, position - 1) * size,
            "hits": position,
        }[self.counts]
        hits = [self._hit(number) for number in self.studies.numbers[start : start + size]]
        return json_answer(
            {
                "took": 12,
                "timed_out": False,
                "_shards": {"total": 5, "successful": 5, "skipped": 0, "failed": 0},
                "hits": {"total": len(self.studies.numbers), "max_score": 1.0, "hits": hits},
            }
        )

    def _hit(self, number: int) -> dict[str, Any]:
        return {
            "_index": "cgene",
            "_type": "study",
            "_id": f"OSD-{number}",
            "_score": 1.0,
            "_source": self.spoil(self.studies.source(number)),
        }
