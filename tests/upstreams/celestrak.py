"""celestrak.org as it was recorded: `/NORAD/elements/gp.php` for the station."""

import csv
import io
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

from aiohttp import web

from tests.upstreams import elements, transport
from tests.upstreams.base import ERROR_PAGE, Answer, Simulator, json_answer, text_answer
from tests.upstreams.calls import Limit
from tests.upstreams.faults import Fault

PATH = "/NORAD/elements/gp.php"
DEFAULT_FORMAT = "CSV"  # since 2026-05-09


class Celestrak(Simulator):
    """One download per client in `update_period_s`; a repeat is refused with prose.

    The service puts whoever makes more than 50 errors in two hours behind its firewall. The
    simulator allows 50 calls, right or wrong, and where it enforces that, resets the connection.

    Attributes:
        epoch: Unix time that the elements are from; settable.
        update_period_s: How long a client has to wait between two downloads; 0 for not at all.
        downloads: When elements were given out, by the simulator's clock.
        repeats: How many calls came before their time and got the prose.
    """

    name = "celestrak"
    setting = "CASSIOPEIA_CELESTRAK_URL"
    limits = (Limit(calls=50, window_s=7_200),)
    vital_keys = ("EPOCH", "MEAN_MOTION")
    inapplicable: ClassVar = frozenset({Fault.MILLISECONDS, Fault.MILES, Fault.MILES_AS_KILOMETERS})

    def __init__(
        self,
        *,
        elements_age_s: float = 6 * 3_600,
        update_period_s: float = 7_200,
        enforce_limits: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(enforce_limits=enforce_limits, clock=clock)
        self.update_period_s = update_period_s
        self.epoch = clock() - elements_age_s
        self.downloads: list[float] = []
        self.repeats = 0
        self._last_download: dict[str | None, float] = {}

    def error(self, status: int, text: str) -> Answer:
        """Return an error as a page for people."""
        del text
        return Answer(ERROR_PAGE, status, "text/html")

    async def refuse(self, request: web.Request) -> web.StreamResponse:
        """Behave as the firewall."""
        return await transport.reset(request)

    async def answer(self, request: web.Request, path: str) -> Answer:
        """Return the answer of the healthy service."""
        satellite = request.query.get("CATNR", "")
        if path != PATH or request.method != "GET":
            return self.error(404, "not found")
        if satellite != "25544":
            return text_answer("No GP data found")
        now = self.clock()
        last = self._last_download.get(request.remote)
        early = last is not None and now - last < self.update_period_s
        self.repeats += early
        if early or self.fault in (Fault.NOT_UPDATED_403, Fault.NOT_UPDATED_200):
            return self._not_updated(satellite, last or now)
        answer = self._elements(request.query.get("FORMAT", DEFAULT_FORMAT).upper())
        if answer.status == web.HTTPOk.status_code:
            self._last_download[request.remote] = now
            self.downloads.append(now)
        return answer

    def forget_downloads(self) -> None:
        """Let every client download again, as after an update."""
        self._last_download.clear()

    def _not_updated(self, satellite: str, last: float) -> Answer:
        at = datetime.fromtimestamp(last, UTC)
        status = 200 if self.fault is Fault.NOT_UPDATED_200 else 403
        # The real text is wrapped with CR and LF in places that have changed over time.
        return text_answer(
            "GP data has not updated since your last successful\r\n"
            f"download of CATNR={satellite} at {at:%Y-%m-%d %H:%M:%S} UTC.\r\n"
            "Data is updated once every 2 hours.\r\n",
            status,
        )

    def _elements(self, wire_format: str) -> Answer:
        epoch = self.epoch - (self.stale_by_s if self.fault is Fault.STALE else 0)
        record = elements.omm(epoch)
        line1, line2 = elements.two_lines(record)
        record = self.spoil(record)
        match wire_format:
            case "JSON":
                return json_answer([record])
            case "JSON-PRETTY":
                text, content_type = json.dumps([record], indent=4), "application/json"
            case "CSV":
                text, content_type = _table(record), "text/csv"
            case "TLE":
                text, content_type = f"{elements.NAME:<24}\r\n{line1}\r\n{line2}\r\n", "text/plain"
            case "3LE":
                text, content_type = f"0 {elements.NAME}\r\n{line1}\r\n{line2}\r\n", "text/plain"
            case "2LE":
                text, content_type = f"{line1}\r\n{line2}\r\n", "text/plain"
            case _:
                return text_answer(f"The simulator does not speak {wire_format}.", 404)
        return text_answer(text, content_type=content_type)


def _table(record: dict[str, Any]) -> str:
    table = io.StringIO()
    writer = csv.DictWriter(table, record)
    writer.writeheader()
    writer.writerow(record)
    return table.getvalue()
