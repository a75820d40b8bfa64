"""Arguments of `/graphql` are held to what the parameters of the REST API are."""

from http import HTTPStatus

import pytest

from tests.catalogue import dataset_event
from tests.contract.clients import execute, fault, store
from tests.gateways import Gateway

EARLY, LATE = "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"
REVERSED = f'from: "{LATE}", to: "{EARLY}"'


async def _refusal(gateway: Gateway, query: str) -> str:
    """Return the message of an operation that must be refused."""
    answer = await execute(gateway, query)
    (error,) = answer["errors"]
    message: str = error["message"]
    return message


@pytest.mark.parametrize(
    ("query", "reason", "path", "params"),
    [
        ("datasets(sort: RELEVANCE) { total }", "sort: expected `relevance` only with `q`",
         "osdr/datasets", {"sort": "relevance"}),
        ('datasets(q: "") { total }', "q: expected to have at least 1 character",
         "osdr/datasets", {"q": ""}),
        (f'datasets(q: "{"x" * 7_000}") {{ total }}', "q: expected to have at most 200 characters",
         "osdr/datasets", {"q": "x" * 7_000}),
        ("images(program: -1) { total }", "program: expected greater than or equal to 1",
         "jwst/images", {"program": "-1"}),
        ('images(suffix: "x") { total }', "suffix: expected to match pattern",
         "jwst/images", {"suffix": "x"}),
        (f"images({REVERSED}) {{ total }}", "from: expected a time before `to`",
         "jwst/images", {"from": LATE, "to": EARLY}),
        (f"sky_events({REVERSED}) {{ days }}", "from: expected a time before `to`",
         "astro/events", {"from": LATE, "to": EARLY}),
        (f'sky_events(from: "{EARLY}", to: "{EARLY}") {{ days }}',
         "to: expected after `from`", "astro/events", {"from": EARLY, "to": EARLY}),
        ("sky_events(types: []) { days }", "types: expected at least one",
         "astro/events", {"types": ""}),
        ('dataset(accession: "OSD-0") { title }', "accession: expected to match pattern",
         "osdr/datasets/OSD-0", {}),
    ],
)  # fmt: skip
async def test_what_rest_refuses_is_refused_with_the_name_of_the_argument(
    gateway: Gateway,
    caplog: pytest.LogCaptureFixture,
    query: str,
    reason: str,
    path: str,
    params: dict[str, str],
) -> None:
    """It is the client's mistake in both, and not logged."""
    with caplog.at_level("WARNING"):
        assert (await _refusal(gateway, f"{{ {query} }}")).startswith(reason)
    assert caplog.records == []
    status, _ = await fault(gateway, f"/api/v1/{path}", **params)
    assert status == HTTPStatus.UNPROCESSABLE_ENTITY


async def test_all_that_is_wrong_is_named_at_once(gateway: Gateway) -> None:
    """As in a problem document."""
    message = await _refusal(gateway, '{ datasets(q: "", limit: 0) { total } }')
    assert message.startswith(("limit: expected", "q: expected"))
    assert "; " in message


async def test_a_dataset_is_found_in_any_case_of_its_accession(
    gateway: Gateway, database_url: str
) -> None:
    """As under its path."""
    await store(database_url, [dataset_event(4)])
    answer = await execute(gateway, '{ dataset(accession: "osd-4") { accession } }')
    assert answer == {"data": {"dataset": {"accession": "OSD-4"}}, "errors": None}
