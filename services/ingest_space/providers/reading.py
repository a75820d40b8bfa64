"""Turns a normalizer's page into the reading that the poller expects."""

from collections.abc import Callable
from typing import Any

from libs.common.events import Origin, Provenance
from libs.common.polling.providers import Reading, Reject
from libs.common.upstream.client import Answer
from services.ingest_space.normalize import Page


def read_page(
    answer: Answer, normalize: Callable[[Any, Provenance], Page], provider: str
) -> Reading:
    """Return the reading of a live answer.

    Raises:
        BodyRejectedError: The answer holds nothing that can be read.
    """
    provenance = Provenance(provider, Origin.LIVE, answer.fetched_at)
    page = answer.read(lambda document: normalize(document, provenance))
    return Reading(page.events, [Reject(*rejected) for rejected in page.rejected])
