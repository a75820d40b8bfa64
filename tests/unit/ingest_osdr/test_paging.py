"""All hits are found, whatever `from` counts, with about one request per page."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest_osdr.paging import MAX_REQUESTS, Cursor, next_cursor

Api = Callable[[list[str], int], list[str]]
SIZE = 25


def pages_from_0(hits: list[str], position: int) -> list[str]:
    """Answer as the documentation says."""
    return hits[position * SIZE : (position + 1) * SIZE]


def pages_from_1(hits: list[str], position: int) -> list[str]:
    """Answer 0 and 1 with the same page."""
    return pages_from_0(hits, max(0, position - 1))


def counted_hits(hits: list[str], position: int) -> list[str]:
    """Answer as Elasticsearch itself does."""
    return hits[position : position + SIZE]


def repeating_its_last_page(hits: list[str], position: int) -> list[str]:
    """Answer beyond the end with the end."""
    return pages_from_0(hits, min(position, max(0, (len(hits) - 1) // SIZE)))


def crawl(api: Api, hits: list[str], total: int | None) -> tuple[set[str], int]:
    """Return what was found and how many requests it took."""
    found: set[str] = set()
    cursor: Cursor | None = Cursor()
    requests = 0
    while cursor is not None:
        ids = api(hits, cursor.position)
        requests += 1
        found.update(ids)
        # As it goes through the broker.
        after = next_cursor(cursor, ids, total)
        cursor = Cursor.model_validate_json(after.model_dump_json()) if after else None
    return found, requests


@pytest.mark.parametrize("api", [pages_from_0, pages_from_1, counted_hits, repeating_its_last_page])
@given(count=st.integers(0, 400), tells_total=st.booleans())
def test_every_hit_is_found(api: Api, count: int, *, tells_total: bool) -> None:
    """Nothing is left out, and at most three requests are wasted."""
    hits = [f"OSD-{number}" for number in range(count)]
    found, requests = crawl(api, hits, count if tells_total else None)
    assert found == set(hits)
    assert requests <= count / SIZE + 4


def test_an_api_without_an_end_is_left() -> None:
    """New hits for ever end at the bound."""

    def endless(hits: list[str], position: int) -> list[str]:
        return [f"{hits}-{position}-{number}" for number in range(SIZE)]

    assert crawl(endless, [], None)[1] == MAX_REQUESTS
