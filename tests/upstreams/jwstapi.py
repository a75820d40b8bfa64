"""api.jwstapi.com as it was recorded: an envelope around items, behind a key."""

import time
from collections.abc import Callable
from typing import Any, ClassVar

from aiohttp import web

from tests.upstreams.base import Answer, Simulator, json_answer
from tests.upstreams.calls import Limit
from tests.upstreams.faults import Fault

KEY = "0f8fad5b-d9cb-469f-a165-70867728950e"
_CDN = "https://jwst-api-cdn.nyc3.cdn.digitaloceanspaces.com"
_DETECTORS = ("nrca1", "nrcblong", "mirimage", "nrs1", "nis", "gs-fg")
_ALL = ("FGS", "NIRCam", "NIRISS", "NIRSpec", "MIRI")


class JwstApi(Simulator):
    """A catalogue of single exposures; every fifth has its thumbnail as an item of its own.

    Attributes:
        count: How many pictures there are.
        key: The one key that is known.
        envelope_status: Where set, calls get 200 with this status inside of the envelope.
    """

    name = "jwstapi"
    setting = "CASSIOPEIA_JWSTAPI_URL"
    # None is published.
    limits = (Limit(calls=10, window_s=60), Limit(calls=60, window_s=3_600))
    vital_keys = ("id", "location")
    inapplicable: ClassVar = frozenset(
        {
            Fault.MILLISECONDS,
            Fault.MILES,
            Fault.MILES_AS_KILOMETERS,
            Fault.NOT_UPDATED_403,
            Fault.NOT_UPDATED_200,
        }
    )

    def __init__(
        self,
        *,
        count: int = 230,
        key: str = KEY,
        enforce_limits: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(enforce_limits=enforce_limits, clock=clock)
        self.count = count
        self.key = key
        self.envelope_status: int | None = None

    def error(self, status: int, text: str) -> Answer:
        """Return an error in the envelope, which has its body empty then."""
        return json_answer({"statusCode": status, "body": None, "error": text}, status)

    async def answer(self, request: web.Request, path: str) -> Answer:
        """Return the answer of the healthy service."""
        given = request.headers.get("X-API-KEY")
        if given != self.key:
            # Gateways of this kind are known to echo what they were sent.
            return self.error(403, f"the key {given} is not known")
        if self.envelope_status:
            return json_answer(
                {
                    "statusCode": self.envelope_status,
                    "error": f"no, {given}: {self.envelope_status}",
                }
            )
        match path.strip("/").split("/"):
            case ["program", "list"]:
                return _envelope([{"program": 2_731 + index} for index in range(4)])
            case ["all", "type", kind]:
                items = [item for item in self.items() if item["file_type"] == kind]
            case ["all", "suffix", suffix]:
                items = [item for item in self.items() if item["details"]["suffix"] == suffix]
            case ["program", "id", number]:
                items = [item for item in self.items() if str(item["program"]) == number]
            case _:
                return self.error(404, "not found")
        return _envelope(_paged(items, request))

    def items(self) -> list[dict[str, Any]]:
        """Return all items: pictures, some thumbnails, some data files."""
        items = []
        for index in range(self.count):
            items.append(self.spoil(_item(index)))
            if index % 5 == 0:
                items.append(self.spoil(_thumbnail(index)))
            if index % 10 == 0:
                items.append(self.spoil(_data_file(index)))
        return items


def _envelope(items: list[dict[str, Any]]) -> Answer:
    return json_answer({"statusCode": 200, "body": items, "error": ""})


def _paged(items: list[dict[str, Any]], request: web.Request) -> list[dict[str, Any]]:
    """Cut a page out; without `page` everything comes at once, as it did in 2022."""
    if "page" not in request.query:
        return items
    page, size = int(request.query["page"]), int(request.query.get("perPage", "10"))
    return items[(page - 1) * size : page * size]


def file_stem(index: int) -> str:
    """Return the name of a picture without its ending."""
    detector = _DETECTORS[index % len(_DETECTORS)]
    program = 2_731 + index // 100
    return f"jw{program:05}001{index % 100 + 1:03}_02105_{index % 100 + 1:05}_{detector}_cal"


def _item(index: int) -> dict[str, Any]:
    stem = file_stem(index)
    observation = stem.removesuffix("_cal")
    return {
        "id": f"{stem}.jpg",
        "observation_id": observation.replace("_", "-") if index % 2 else observation,
        "program": 2_731 + index // 100,
        "details": {
            "mission": "JWST",
            "instruments": [{"instrument": name} for name in _ALL],
            "suffix": "_cal",
            "description": "exposure (L2b): 2D calibrated exposure average over integrations",
        },
        "file_type": "jpg",
        "thumbnail": "" if index % 3 else f"{_CDN}/thumb--{stem}_thumb.jpg",
        "location": f"{_CDN}/jwst--{stem}.jpg",
    }


def _thumbnail(index: int) -> dict[str, Any]:
    stem = file_stem(index)
    item = _item(index)
    return item | {
        "id": f"{stem}_thumb.jpg",
        "details": item["details"] | {"suffix": "_thumb", "description": "thumbnail"},
        "thumbnail": "",
        "location": f"{_CDN}/jwst--{stem}_thumb.jpg",
    }


def _data_file(index: int) -> dict[str, Any]:
    item = _item(index)
    return item | {
        "id": f"{file_stem(index)}.fits",
        "file_type": "fits",
        "location": item["location"].replace(".jpg", ".fits"),
    }
