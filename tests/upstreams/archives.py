"""The archives of JWST pictures behind one address, each below its host's name."""

import time
from collections.abc import Callable
from typing import ClassVar

from aiohttp import web

from tests.upstreams.base import Answer, Simulator
from tests.upstreams.faults import Fault

_JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"


class Archives(Simulator):
    """A picture for every address.

    Attributes:
        content: What is sent in place of a picture that holds its own address.
        content_type: What it is said to be.
        redirect_to: Where every call is sent, as long as it is set.
    """

    name = "archives"
    setting = "CASSIOPEIA_THUMBNAIL_MIRROR_URL"
    # They send no JSON.
    inapplicable: ClassVar = frozenset(
        {
            Fault.TRUNCATED_JSON,
            Fault.MISSING_KEYS,
            Fault.NULL_VALUES,
            Fault.STALE,
            Fault.MILLISECONDS,
            Fault.MILES,
            Fault.MILES_AS_KILOMETERS,
            Fault.NOT_UPDATED_403,
            Fault.NOT_UPDATED_200,
        }
    )

    def __init__(
        self, *, enforce_limits: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(enforce_limits=enforce_limits, clock=clock)
        self.content: bytes | None = None
        self.content_type = "image/jpeg"
        self.redirect_to: str | None = None

    async def answer(self, request: web.Request, path: str) -> Answer:
        """Return the picture of an address."""
        if self.redirect_to is not None and not path.endswith(self.redirect_to[-12:]):
            return Answer(b"", 307, headers={"Location": self.redirect_to})
        content = _JPEG + f"{path}?{request.query_string}".encode()
        return Answer(self.content or content, content_type=self.content_type)
