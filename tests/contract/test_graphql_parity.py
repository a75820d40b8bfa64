"""Whatever the REST API can be asked, `/graphql` can be asked too, and answers the same."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLObjectType,
    build_client_schema,
    get_introspection_query,
    get_named_type,
    is_required_argument,
    value_from_ast_untyped,
)

from services.gateway.application import ROUTES
from services.gateway.prepared import JSON
from services.gateway.routing import Route
from tests.catalogue import (
    apod_event,
    cme_event,
    dataset_event,
    flare_event,
    image_event,
    launch_event,
    neo_event,
)
from tests.contract.clients import execute, get, store
from tests.contract.test_astro import computing
from tests.contract.test_predictions import ingest_iss
from tests.factories import elements_event, position_events
from tests.gateways import Gateway, running_gateway

# With the reason.
NOT_IN_GRAPHQL = {
    "/api/v1/dashboard": "puts other resources together, as any operation does",
}
RESOURCES = [
    route
    for route in ROUTES
    if (route.method, route.media) == ("GET", JSON)
    and route.path.startswith("/api/v1/")
    and not route.deprecated
    and route.path not in NOT_IN_GRAPHQL
]
FIELDS = {name: route for route in RESOURCES for name in route.graph}
# For what must be given.
GIVEN = {
    "from": "2026-03-01T12:00:00Z",
    "lat": 55.7558,
    "lon": 37.6176,
    "points": 5,
    "accession": "OSD-4",
    "image_id": "jw01234-o001_t003_nircam_clear-f150w_i2d",
    "day": "2026-03-03",
    "neo_id": "2000003",
    "flare_id": "2026-03-01T15:00:00-FLR-001",
    "cme_id": "2026-03-01T15:00:00-CME-001",
    "launch_id": "launch-003",
    "name": "iss",
}


async def root_of(gateway: Gateway) -> dict[str, GraphQLField]:
    """Return the fields of the root, as any client learns them."""
    answer = await execute(gateway, get_introspection_query())
    root = build_client_schema(answer["data"]).query_type
    assert root is not None
    fields: dict[str, GraphQLField] = root.fields
    return fields


def everything(type_: Any) -> str:
    """Return the selection of all that a type has."""
    named = get_named_type(type_)
    if not isinstance(named, GraphQLObjectType):
        return ""
    fields = " ".join(f"{name} {everything(field.type)}" for name, field in named.fields.items())
    return f"{{ {fields} }}"


def written(argument: GraphQLArgument, value: Any) -> str:
    """Return a value as an operation has it."""
    if isinstance(value, list):
        return f"[{', '.join(written(argument, each) for each in value)}]"
    if isinstance(get_named_type(argument.type), GraphQLEnumType):
        return str(value).upper()
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value)


def operation(name: str, field: GraphQLField, values: Mapping[str, Any], selection: str) -> str:
    """Return the operation that asks a field of the root."""
    told = ", ".join(f"{key}: {written(field.args[key], value)}" for key, value in values.items())
    return f"{{ {name}{f'({told})' if told else ''} {selection} }}"


def address(route: Route, values: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return the path and the query that ask the same."""
    path, query = route.path, {}
    for name, value in values.items():
        segment = f"{{{name}}}"
        if segment in path:
            path = path.replace(segment, quote(str(value), safe=""))
        elif isinstance(value, list):
            query[name] = ",".join(value)
        else:
            query[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return path, query


def default_of(argument: GraphQLArgument) -> Any:
    """Return a default as the schema writes it."""
    assert argument.default is not None
    assert argument.default.literal is not None
    return value_from_ast_untyped(argument.default.literal)


def required(field: GraphQLField) -> dict[str, Any]:
    """Return values for the arguments that a field cannot do without."""
    return {
        name: GIVEN[name] for name, argument in field.args.items() if is_required_argument(argument)
    }


@pytest.mark.parametrize("route", RESOURCES, ids=lambda route: route.path)
def test_every_resource_has_a_field(route: Route) -> None:
    """Or stands above, with the reason."""
    assert route.graph, f"{route.path} has no field in GraphQL"


async def test_every_parameter_is_an_argument(gateway: Gateway) -> None:
    """Under the same name, with the same default, and needed where it is needed there."""
    root = await root_of(gateway)
    compared = 0
    for route in RESOURCES:
        arguments = {name: arg for field in route.graph for name, arg in root[field].args.items()}
        parameters = {
            field.alias or name: field for name, field in route.params.model_fields.items()
        }
        assert set(arguments) == set(parameters), route.path
        if len(route.graph) > 1:
            # What one of its fields needs makes the other's answer into something else.
            continue
        for name, parameter in parameters.items():
            argument = arguments[name]
            assert is_required_argument(argument) == parameter.is_required(), name
            if not parameter.is_required():
                assert comparable(default_of(argument)) == comparable(parameter.default), name
            compared += 1
    assert compared > 60


# Wrong for whatever takes a text, a number, a time; GraphQL itself looks at all others.
WRONG = {"String": "x" * 201, "Int": 0, "Float": 1e9, "DateTime": "0001-01-01T00:00:00+14:00"}
BACKWARDS = {
    "DateTime": {"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"},
    "Date": {"from": "2026-03-02", "to": "2026-03-01"},
}


async def test_a_wrong_argument_is_refused_in_the_words_of_rest(gateway: Gateway) -> None:
    """Of every field of the root, so that a new one cannot be left out."""
    root = await root_of(gateway)
    refused = 0
    for name, route in FIELDS.items():
        field = root[name]
        kinds = {key: get_named_type(one.type).name for key, one in field.args.items()}
        tried: list[dict[str, Any]] = [
            {key: WRONG[kind]} for key, kind in kinds.items() if kind in WRONG
        ]
        if {"from", "to"} <= kinds.keys():
            tried.append(BACKWARDS[kinds["to"]])
        for wrong in tried:
            values = required(field) | wrong
            path, query = address(route, values)
            async with gateway.http.get(path, params=query) as response:
                assert response.status == HTTPStatus.UNPROCESSABLE_ENTITY, (path, query)
                problem = await response.json(content_type=None)
            answer = await execute(gateway, operation(name, field, values, "{ __typename }"))
            (error,) = answer["errors"]
            assert error["message"] == problem["detail"], (name, wrong)
            refused += 1
    assert refused > 80


def comparable(value: Any, *, left_out: frozenset[str] = frozenset()) -> Any:
    """Return an answer with times and enumerations in one form, without what REST leaves out."""
    if isinstance(value, dict):
        return {
            name: comparable(each, left_out=left_out)
            for name, each in value.items()
            if each is not None and name not in left_out
        }
    if isinstance(value, list):
        return [comparable(each, left_out=left_out) for each in value]
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return value.casefold()


async def assert_is_the_same(
    gateway: Gateway, name: str, asked: Mapping[str, Any], left_out: frozenset[str] = frozenset()
) -> Any:
    """Ask REST and GraphQL for the same; return what both answer."""
    field = (await root_of(gateway))[name]
    values = {**required(field), **asked}
    path, query = address(FIELDS[name], values)
    document = await get(gateway, path, **query)
    answer = await execute(gateway, operation(name, field, values, everything(field.type)))
    assert answer["errors"] is None, answer["errors"]
    assert comparable(answer["data"][name], left_out=left_out) == comparable(
        document, left_out=left_out
    )
    return document


NOW = datetime.now(UTC).replace(microsecond=0)
STORED = [
    *position_events(20),
    *(elements_event(index) for index in range(6)),
    *(dataset_event(number, title=f"Muscle {'muscle ' * number}") for number in range(1, 6)),
    *(image_event(index) for index in range(6)),
    *(apod_event(index) for index in range(6)),
    *(neo_event(index) for index in range(6)),
    *(flare_event(index, ("C1.0", "M1.2", "X2.0")[index % 3]) for index in range(6)),
    *(cme_event(index) for index in range(6)),
    *(launch_event(index, NOW + timedelta(days=index - 3)) for index in range(6)),
]
ASKED: list[tuple[str, dict[str, Any], int | None]] = [
    ("positions", {"order": "asc", "limit": 7}, 7),
    ("positions", {"to": "2026-03-01T12:00:05Z"}, 5),
    ("positions_chart", {"to": "2026-03-01T12:00:20Z"}, None),
    ("trend", {"limit": 5}, None),
    ("elements", {"limit": 2}, 2),
    # Most often in the last one, which is the newest as well; by number it is the last.
    ("datasets", {"q": "muscle"}, 5),
    ("datasets", {"q": "muscle", "sort": "accession", "organism": "Mus musculus"}, 5),
    ("dataset", {}, None),
    ("dataset_changes", {}, 1),
    ("dataset_facets", {}, None),
    ("images", {"q": "nothing"}, 0),
    ("images", {"program": 1234, "instrument": "NIRCam", "suffix": "_i2d"}, 6),
    ("image", {}, None),
    ("pictures", {"from": "2026-03-02", "to": "2026-03-04"}, 3),
    ("picture", {}, None),
    ("approaches", {"hazardous": True}, 2),
    ("asteroid_approaches", {}, 1),
    ("flares", {"class": "M"}, 2),
    ("flares", {"min_class": "M1.2"}, 4),
    ("flare", {}, None),
    ("ejections", {"min_speed_km_s": 403.0}, 3),
    ("ejection", {}, None),
    ("launches", {}, 2),
    ("launches", {"when": "past", "provider": "spacex"}, 4),
    ("launches", {"when": "all"}, 6),
    ("launch", {}, None),
    ("sources", {}, 0),
]  # fmt: skip


async def test_what_is_stored_is_answered_the_same(gateway: Gateway, database_url: str) -> None:
    """All of it, whatever narrows it down."""
    await store(database_url, STORED)
    for name, asked, count in ASKED:
        document = await assert_is_the_same(gateway, name, asked)
        if count is not None:
            assert len(document["items"]) == count, (name, asked)


async def test_a_window_of_elements(gateway: Gateway, database_url: str) -> None:
    """Which is that of their epochs."""
    await store(database_url, STORED)
    epochs = [item["epoch"] for item in (await get(gateway, "/api/v1/iss/elements"))["items"]]
    window = {"from": epochs[4], "to": epochs[1]}
    document = await assert_is_the_same(gateway, "elements", window)
    assert [item["epoch"] for item in document["items"]] == epochs[2:5]


async def test_words_sort_datasets_by_relevance(gateway: Gateway, database_url: str) -> None:
    """Unless told otherwise; without words the newest come first."""
    titles = ["muscle", "muscle and muscle and muscle", "nothing of it, at length, but muscle"]
    await store(
        database_url, [dataset_event(index + 1, title=each) for index, each in enumerate(titles)]
    )
    best = await assert_is_the_same(gateway, "datasets", {"q": "muscle"})
    newest = await assert_is_the_same(gateway, "datasets", {"q": "muscle", "sort": "newest"})
    assert best["items"][0]["accession"] == "OSD-2"
    assert newest["items"][0]["accession"] == "OSD-3"


async def test_how_the_suite_is(gateway: Gateway) -> None:
    """At two moments, which differ in their times and in the clients of the broker."""
    moving = frozenset({"timestamp", "as_of", "connected_clients", "used_memory_bytes", "uptime_s"})
    await assert_is_the_same(gateway, "system_health", {}, moving)
    document = await assert_is_the_same(gateway, "system_stats", {}, moving)
    assert document["redis"]["streams"]


COMPUTED = frozenset({"fetched_at"})


async def test_what_is_computed_is_answered_the_same(
    valkey_url: str, reader_database_url: str
) -> None:
    """For the same place and the same times."""
    soon = {"from": f"{NOW:%Y-%m-%dT%H:%M:%SZ}"}
    async with (
        ingest_iss(valkey_url),
        computing(valkey_url),
        running_gateway(valkey_url, reader_database_url) as gateway,
    ):
        passes = await assert_is_the_same(
            gateway, "passes", {**soon, "days": 2.0, "min_elevation_deg": 0.0}, COMPUTED
        )
        assert passes["items"]
        await assert_is_the_same(gateway, "passes", {**soon, "visible": True}, COMPUTED)
        track = await assert_is_the_same(gateway, "track", {**soon, "duration_s": 600.0}, COMPUTED)
        assert len(track["points"]) == 11
        moscow = {"lat": 55.7558, "lon": 37.6176, "elevation_m": 150.0}
        events = await assert_is_the_same(gateway, "sky_events", {**moscow, "days": 2}, COMPUTED)
        assert events["location"] == moscow
        types = ["moon_phase", "lunar_apsis"]
        asked = {"types": types, "days": 60}
        events = await assert_is_the_same(gateway, "sky_events", asked, COMPUTED)
        assert events["location"] is None
        assert {event["type"] for event in events["events"]} == set(types)
        # What the service refuses is told in the names of the arguments.
        far = await execute(gateway, '{ track(from: "2150-01-01T00:00:00Z") { time } }')
        assert far["errors"][0]["message"].startswith("from: ")
