"""The pages of the study search, whichever way its `from` counts. Pure.

The documentation says that `from` is the number of a page; some clients use it as the number of
hits to skip. The second request, with 1, shows which is right: other hits mean that pages are
counted from 0, the same hits that pages are counted from 1, and hits shifted by one that hits are
counted.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

# Enough for 16 times the public studies of 2026; a search that goes on after that repeats itself.
MAX_REQUESTS = 400


class Cursor(BaseModel):
    """The progress of the search.

    Attributes:
        position: `from` of the next request.
        counts: What `from` counts; None while that is unknown.
        received: Hits so far, without repeated ones.
        requests: Requests so far.
        last: The ids of the last answer.
    """

    model_config = ConfigDict(frozen=True)

    position: int = 0
    counts: Literal["pages", "hits"] | None = None
    received: int = 0
    requests: int = 0
    last: list[str] = []


def next_cursor(cursor: Cursor, ids: list[str], total: int | None) -> Cursor | None:
    """Return where to go on after an answer; None when that was the last.

    Args:
        cursor: The position of this answer.
        ids: The ids of its hits.
        total: How many hits there are in all; None if the answer does not say.
    """
    requests = cursor.requests + 1
    if not ids or requests >= MAX_REQUESTS:
        return None
    if requests == 1:
        after = Cursor(position=1, received=len(ids), requests=1, last=ids)
    elif cursor.counts is None:
        after = _decided(cursor, ids)
    elif cursor.counts == "pages":
        if set(ids) == set(cursor.last):
            return None
        after = _advanced(cursor, ids, cursor.position + 1)
    else:
        after = _advanced(cursor, ids, cursor.position + len(ids))
    done = total is not None and after.received >= total
    return None if done else after


def _decided(cursor: Cursor, ids: list[str]) -> Cursor:
    repeated = len(set(ids) & set(cursor.last))
    if set(ids) == set(cursor.last):
        return Cursor(position=2, counts="pages", received=cursor.received, requests=2, last=ids)
    if repeated * 2 >= len(set(ids)):
        shown = cursor.received
        return Cursor(position=shown, counts="hits", received=shown, requests=2, last=ids)
    return _advanced(cursor.model_copy(update={"counts": "pages"}), ids, 2)


def _advanced(cursor: Cursor, ids: list[str], position: int) -> Cursor:
    return Cursor(
        position=position,
        counts=cursor.counts,
        received=cursor.received + len(ids),
        requests=cursor.requests + 1,
        last=ids,
    )
