"""mast.stsci.edu as it was recorded: `Mast.Caom.Filtered`, and its silences."""

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from aiohttp import web

from tests.upstreams.base import ERROR_PAGE, Answer, Simulator, json_answer
from tests.upstreams.calls import Limit
from tests.upstreams.faults import Fault

PATH = "/api/v0/invoke"
DAY_S = 86_400
DEFAULT_PAGE_SIZE = 50_000
_OPTICS = (
    ("NIRCAM/IMAGE", "nircam_clear-f090w", "F090W"),
    ("NIRCAM/IMAGE", "nircam_f444w-f470n", "F444W;F470N"),
    ("MIRI/IMAGE", "miri_f770w", "F770W"),
    ("NIRISS/IMAGE", "niriss_clear-f200w", "CLEAR;F200W"),
    ("MIRI/IFU", "miri_ch3-long", None),
)
_CUBE = 4


class Mast(Simulator):
    """Rows of several missions, released at even intervals up to now.

    Attributes:
        count: How many JWST rows there are; every seventh of them is not public yet.
        apart_s: Between two releases.
        start: Unix time of the newest release.
        executing: How often a question is answered with EXECUTING before it is answered.
        error_message: Where set, every question is answered with ERROR and this text.
        ignores_filters: Answer with the whole table whatever is asked, as with misspelt filters.
        requests: Every question, decoded.
    """

    name = "mast"
    setting = "CASSIOPEIA_MAST_URL"
    # None is published; who makes more than one call a second would be noticed.
    limits = (Limit(calls=60, window_s=60),)
    vital_keys = ("obs_id",)
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
        count: int = 400,
        apart_s: float = 0.5 * DAY_S,
        enforce_limits: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(enforce_limits=enforce_limits, clock=clock)
        self.count = count
        self.apart_s = apart_s
        self.start = clock() - 3_600
        self.executing = 0
        self.error_message = ""
        self.ignores_filters = False
        self.requests: list[Mapping[str, Any]] = []
        self._asked: dict[str, int] = {}

    def error(self, status: int, text: str) -> Answer:
        """Return an error as a page for people."""
        del text
        return Answer(ERROR_PAGE, status, "text/html")

    async def answer(self, request: web.Request, path: str) -> Answer:
        """Return the answer of the healthy service, which has status 200 whatever it says."""
        if path != PATH:
            return self.error(404, "not found")
        given = request.query if request.method == "GET" else await request.post()
        text = str(given.get("request", ""))
        try:
            asked = json.loads(text)
            self.requests.append(asked)
            filters = {each["paramName"]: each["values"] for each in asked["params"]["filters"]}
        except (KeyError, TypeError, ValueError) as error:
            return json_answer(
                {"status": "ERROR", "msg": f"Invalid request: {error!r}", "data": []}
            )
        if asked.get("service") != "Mast.Caom.Filtered":
            return json_answer({"status": "ERROR", "msg": "Unknown service", "data": []})
        if self.error_message:
            return json_answer({"status": "ERROR", "msg": self.error_message, "data": []})
        self._asked[text] = self._asked.get(text, 0) + 1
        if self._asked[text] <= self.executing:
            return json_answer({"status": "EXECUTING", "msg": "", "data": []})
        del self._asked[text]
        return self._page(asked, filters)

    def rows(self) -> list[dict[str, Any]]:
        """Return the whole table as it is now."""
        foreign = [_hubble(index, self.start) for index in range(5)]
        ours = [self.row(index) for index in range(self.count)]
        limit = mjd(self.now)
        return [row for row in (*foreign, *ours) if row["t_obs_release"] <= limit]

    def public_rows(self, *, since_s: float = 0) -> list[dict[str, Any]]:
        """Return the public JWST rows that were released since a Unix time."""
        return [
            row
            for row in self.rows()
            if row["obs_collection"] == "JWST"
            and row["dataRights"] == "PUBLIC"
            and row["t_obs_release"] >= mjd(since_s)
        ]

    def row(self, index: int) -> dict[str, Any]:
        """Return the row of the index-th release, counted back from the newest."""
        instrument, optics, filters = _OPTICS[index % len(_OPTICS)]
        is_cube = index % len(_OPTICS) == _CUBE
        program = 1_000 + index // 20
        obs_id = f"jw{program:05}-o{index % 1_000:03}_t{index % 20 + 1:03}_{optics}"
        suffix = "s3d" if is_cube else "i2d"
        released = mjd(self.start - index * self.apart_s)
        picture = f"mast:JWST/product/{obs_id}_{suffix}.jpg"
        row: dict[str, Any] = {
            "dataproduct_type": "cube" if is_cube else "image",
            "calib_level": 3,
            "obs_collection": "JWST",
            "obs_id": obs_id,
            "intentType": "science",
            "target_name": f"NGC{100 + index}",
            "s_ra": math.fmod(index * 7.25, 360),
            "s_dec": math.fmod(index * 3.5, 180) - 90,
            "t_min": released - 365.25,
            "t_max": released - 365.0,
            "t_exptime": 555.008,
            "instrument_name": instrument,
            "filters": filters,
            "em_min": None if is_cube else 795.0,
            "em_max": None if is_cube else 1_005.0,
            "target_classification": "Galaxy; Spiral galaxies",
            "obs_title": f"Survey &amp; <i>deep</i> imaging {program}",
            "t_obs_release": released,
            "proposal_pi": "Doe, Jane",
            "proposal_id": str(program),
            "project": "JWST",
            "sequence_number": -999,
            "jpegURL": (
                picture,
                None,
                f"https://mast.stsci.edu/api/v0.1/Download/file?uri={picture}",
            )[index % 3],
            "dataURL": f"mast:JWST/product/{obs_id}_{suffix}.fits",
            "dataRights": "EXCLUSIVE_ACCESS" if index % 7 == 6 else "PUBLIC",
            "srcDen": None,
            "obsid": 83_000_000 + index if index % 2 else str(83_000_000 + index),
            "objID": 165_000_000 + index,
        }
        return self.spoil(row)

    def _page(self, asked: Mapping[str, Any], filters: Mapping[str, Any]) -> Answer:
        rows = [row for row in self.rows() if self.ignores_filters or _passes(row, filters.items())]
        if asked["params"].get("columns") == "COUNT_BIG(*)":
            return json_answer({"status": "COMPLETE", "msg": "", "data": [{"Column1": len(rows)}]})
        size = int(asked.get("pagesize", DEFAULT_PAGE_SIZE))
        page = int(asked.get("page", 1))
        shown = rows[(page - 1) * size : page * size]
        # All values of a column on this page must be null for it to go.
        empty = {key for row in shown for key in row} - {
            key for row in shown for key, value in row.items() if value is not None
        }
        if asked.get("removenullcolumns"):
            shown = [{key: row[key] for key in row if key not in empty} for row in shown]
        return json_answer(
            {
                "status": "COMPLETE",
                "msg": "",
                "data": shown,
                "fields": [{"name": "obsid", "type": "string"}],
                "paging": {
                    "page": page,
                    "pageSize": size,
                    "pagesFiltered": math.ceil(len(rows) / size),
                    "rows": len(shown),
                    "rowsFiltered": len(rows),
                    "rowsTotal": len(rows),
                },
            }
        )


def mjd(unix_s: float) -> float:
    """Return a Unix time as a Modified Julian Date, to the second as it is recorded."""
    return round(unix_s) / DAY_S + 40_587


def _passes(row: Mapping[str, Any], filters: Iterable[tuple[str, Any]]) -> bool:
    """Apply filters; one for a column that there is not, or of another form, does nothing."""
    for name, values in filters:
        if name not in row or not isinstance(values, list):
            continue
        ranges = [each for each in values if isinstance(each, dict)]
        if ranges:
            if not any(each["min"] <= row[name] <= each["max"] for each in ranges):
                return False
        elif row[name] not in values:
            return False
    return True


def _hubble(index: int, newest: float) -> dict[str, Any]:
    return {
        "dataproduct_type": "image",
        "calib_level": 3,
        "obs_collection": "HST",
        "obs_id": f"U27XCS{index:02}T",
        "instrument_name": "WFPC2/WFC",
        "filters": "F814W",
        "target_name": "LO-LAT",
        "t_obs_release": mjd(newest - index * DAY_S),
        "jpegURL": f"https://archive.stsci.edu/hst/previews/U27X/U27XCS{index:02}T.jpg",
        "dataRights": "PUBLIC",
        "obsid": 2_003_585_980 + index,
    }
