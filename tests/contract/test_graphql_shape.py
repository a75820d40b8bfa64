"""`/graphql` refuses what would take long to validate, and says what a document lacks."""

from http import HTTPStatus

import pytest
from graphql import get_introspection_query

from tests.contract.clients import execute
from tests.gateways import Gateway


def _doubling(count: int) -> str:
    """Return fragments that spread the next one twice: each doubles what was before it."""
    fragments = " ".join(
        f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(count)
    )
    return f"{{ ...F0 }} {fragments} fragment F{count} on Query {{ position {{ time }} }}"


def _fragments(count: int) -> str:
    spreads = " ".join(f"...F{i}" for i in range(count))
    made = " ".join(f"fragment F{i} on Query {{ x{i} }}" for i in range(count))
    return f"{{ {spreads} }} {made}"


REPEATED = "at most 10 is allowed"


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("{" + " position { time }" * 1_000 + "}", "more than 1000 tokens"),
        ("{" + "position{time} " * 240 + "}",
         f"position is asked for 240 times in one place, {REPEATED}"),
        ("{ a: position { time }" + " a: position { time }" * 10 + "}", "a is asked for 11 times"),
        ("{" + " ... { position { time } }" * 11 + "}", REPEATED),
        ("{ position { time } } fragment F on Query {" + " position { time }" * 11 + "}", REPEATED),
        ("{ ...F ...G } fragment F on Query {" + " position { time }" * 6 + "}"
         " fragment G on Query {" + " position { time }" * 6 + "}", REPEATED),
        # None is there too often beside the others, but their answers are merged.
        ("{" + (" images {" + " items { title }" * 4 + " }") * 3 + "}",
         "items is asked for 12 times"),
        (_fragments(50), "51 operations and fragments, at most 50 are allowed"),
        ("{ ...A } fragment A on Q { a { ...B } b { ...B } }"
         " fragment B on Q { a { ...C } b { ...C } }"
         " fragment C on Q { " + " ".join(f"x{i}" for i in range(300)) + " }",
         "more than 1000 fields and fragments"),
        ("{" + " ".join(f"a{i}: position {{ time }}" for i in range(21)) + "}",
         "more than 20 aliases"),
        ("{ a { a { a { a { a { a { a } } } } } } }", "deeper than 6 levels"),
        ("{ __schema" + " { a" * 20 + " }" * 20 + " }", "deeper than 20 levels"),
        (f"{{ datasets(limit: {'9' * 5_000}) {{ total }} }}", "a number has 5000 characters"),
        (f"query ($n: Int = {'9' * 5_000}) {{ datasets(limit: $n) {{ total }} }}",
         "a number has 5000 characters, at most 40 are allowed"),
        (f"{{ datasets(limit: -{'9' * 5_000}) {{ total }} }}", "a number has 5001 characters"),
        ("{ ...Z }", "Unknown fragment 'Z'."),
        ("{ datasets(limit: 1) { items { ...Nope } } }", "Unknown fragment 'Nope'."),
        ("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
         "Cannot spread fragment 'A' within itself via 'B'."),
        ("query A { position { time } } query B { __typename }", "Must provide operation name"),
    ],
)  # fmt: skip
async def test_a_document_is_refused_with_its_limit_and_not_logged(
    gateway: Gateway, caplog: pytest.LogCaptureFixture, query: str, reason: str
) -> None:
    """One bound is named, and nothing of it was a fault of ours."""
    with caplog.at_level("WARNING"):
        answer = await execute(gateway, query)
    assert answer["data"] is None
    (error,) = answer["errors"]
    assert reason in error["message"]
    assert caplog.records == []


async def test_fragments_that_double_each_other_are_looked_at_once(gateway: Gateway) -> None:
    """They ask for one field; whoever followed each spread would never come back."""
    answer = await execute(gateway, _doubling(12))
    assert answer["errors"] is None
    assert answer["data"] == {"position": None}
    (error,) = (await execute(gateway, _doubling(28)))["errors"]
    assert "at most 20000 is allowed" in error["message"]


async def test_a_number_of_a_variable_may_have_any_length(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    """JSON may bring 4,300 digits, which are no Int."""
    fields = "next total items { accession title organisms project_type release_date }"
    query = f"query ($n: Int) {{ datasets(limit: $n) {{ {fields} }} }}"
    with caplog.at_level("WARNING"):
        answer = await execute(gateway, query, n=10**4_300 - 1)
    (error,) = answer["errors"]
    assert "cannot represent non 32-bit signed integer" in error["message"]
    assert caplog.records == []


@pytest.mark.parametrize("query", ["{}", "{ position {} }", "{ ...F } fragment F on Query {}"])
async def test_nothing_may_be_asked_for(gateway: Gateway, query: str) -> None:
    """The parser takes selections without fields, so their answer is without fields."""
    answer = await execute(gateway, query)
    assert answer["errors"] is None


async def test_a_name_may_stand_a_few_times_in_one_place(gateway: Gateway) -> None:
    """Fragments of a page's parts name the same fields."""
    answer = await execute(gateway, "{" + " sources { items { name } }" * 10 + " }")
    assert answer["errors"] is None
    assert set(answer["data"]) == {"sources"}


async def test_the_usual_introspection_is_within_the_bounds(gateway: Gateway) -> None:
    """Any client may ask for the schema."""
    answer = await execute(gateway, get_introspection_query(input_value_deprecation=True))
    assert answer["errors"] is None
    assert answer["data"]["__schema"]["queryType"] == {"name": "Query", "kind": "OBJECT"}


async def test_of_many_operations_the_named_one_runs(gateway: Gateway) -> None:
    """Whichever place it has."""
    query = "query A { position { time } } query B { __typename }"
    body = {"query": query, "operationName": "B"}
    async with gateway.http.post("/graphql", json=body) as response:
        assert response.status == HTTPStatus.OK
        assert (await response.json())["data"] == {"__typename": "Query"}
