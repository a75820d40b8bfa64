"""The pages of the study search, whichever way its `from` counts. Pure.

The documentation says that `from` is the number of a page; clients have taken it as the number of
hits to leave out. The second request, with 1, tells: another page holds other hits, the same hits
mean that pages are counted from 1, and hits shifted by one mean that hits are counted.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

# 16 times the public studies of 2026; whoever still gives new pages then repeats itself.
MAX_REQUESTS = 400


class Cursor(BaseModel):
    """Where the search stands.

    Attributes:
        position: `from` of the next request.
        counts: What `from` counts; None before it is known.
        received: Hits so far, repeated ones left out.
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
        cursor: Where this answer was asked for.
        ids: The ids of its hits.
        total: How many hits there are, as the answer says; None where it does not.
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
