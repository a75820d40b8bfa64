"""The questions that the gateway asks, and the index that answers each."""

import json
import re
from collections.abc import Iterator
from typing import Any, LiteralString, NamedTuple

import psycopg
import pytest

from tests.integration.filling import fill
from tests.servers import Servers


class Question(NamedTuple):
    """A query, and a pattern for the names of the indexes that it may use."""

    query: LiteralString
    indexes: str


# A page: it must come out of the index in order, or its cost grows with the table.
PAGES = {
    "positions": Question(
        "SELECT * FROM iss_positions ORDER BY time DESC, id DESC LIMIT 100",
        r"iss_positions_\d+_\d+_pkey",
    ),
    "next page of positions": Question(
        "SELECT * FROM iss_positions WHERE time >= '2026-01-05Z' AND time < '2026-02-25Z'"
        " AND (time, id) < ('2026-02-10Z', '00000000-0000-0000-0000-000000000000')"
        " ORDER BY time DESC, id DESC LIMIT 100",
        r"iss_positions_\d+_\d+_pkey",
    ),
    "newest position by id": Question(
        "SELECT id, fetched_at, source_url, payload FROM iss_fetch_log ORDER BY id DESC LIMIT 1",
        r"iss_positions_\d+_\d+_sequence_idx",
    ),
    "newest elements": Question(
        "SELECT * FROM iss_elements ORDER BY epoch DESC, id DESC LIMIT 1", "iss_elements_pkey"
    ),
    "newest studies": Question(
        "SELECT * FROM osdr_datasets ORDER BY fetched_at DESC, number DESC LIMIT 20",
        "osdr_datasets_newest",
    ),
    "newest studies of the earlier systems": Question(
        "SELECT * FROM osdr_items ORDER BY updated_at DESC LIMIT 20", "osdr_datasets_newest"
    ),
    "studies by release": Question(
        "SELECT * FROM osdr_datasets ORDER BY release_date DESC NULLS LAST, number DESC LIMIT 20",
        "osdr_datasets_released",
    ),
    "studies by release, oldest first": Question(
        "SELECT * FROM osdr_datasets WHERE (release_date, number) > ('2021-05-06', 17)"
        " ORDER BY release_date NULLS FIRST, number LIMIT 20",
        "osdr_datasets_released",
    ),
    "studies by title": Question(
        "SELECT * FROM osdr_datasets WHERE (title_sort, number) > ('m', 17)"
        " ORDER BY title_sort, number LIMIT 20",
        "osdr_datasets_title",
    ),
    "studies by accession": Question(
        "SELECT * FROM osdr_datasets WHERE number > 137 ORDER BY number LIMIT 20",
        "osdr_datasets_number_key",
    ),
    "studies of a kind of project": Question(
        "SELECT * FROM osdr_datasets WHERE project_type = 'Project type 7'"
        " ORDER BY number LIMIT 20",
        "osdr_datasets_project_type",
    ),
    "versions of a study": Question(
        "SELECT * FROM osdr_dataset_changes WHERE accession = 'OSD-137'"
        " ORDER BY fetched_at DESC, id DESC LIMIT 20",
        "osdr_dataset_changes_pkey",
    ),
    "newest changes": Question(
        "SELECT * FROM osdr_dataset_changes ORDER BY time DESC, accession LIMIT 20",
        "osdr_dataset_changes_time",
    ),
    "newest images": Question(
        "SELECT * FROM jwst_images WHERE time < '2024-01-01Z'"
        " ORDER BY time DESC, image_id LIMIT 24",
        "jwst_images_time",
    ),
    "images of a program": Question(
        "SELECT * FROM jwst_images WHERE program = 1042 ORDER BY time DESC LIMIT 24",
        "jwst_images_program",
    ),
    "images of a suffix": Question(
        "SELECT * FROM jwst_images WHERE suffix = '_s7' ORDER BY time DESC LIMIT 24",
        "jwst_images_suffix",
    ),
    "events of the sky of a kind": Question(
        "SELECT * FROM astro_events WHERE kind = 'kind 3' AND time >= '2026-03-01Z'"
        " ORDER BY time LIMIT 20",
        "astro_events_time",
    ),
    "newest pictures of the day": Question(
        "SELECT * FROM space_apod ORDER BY picture_date DESC LIMIT 20", "space_apod_pkey"
    ),
    "flares": Question(
        "SELECT * FROM space_flares WHERE begin_time < '2022-01-01Z'"
        " ORDER BY begin_time DESC LIMIT 20",
        "space_flares_begin",
    ),
    "ejections": Question(
        "SELECT * FROM space_cmes WHERE start_time < '2022-01-01Z'"
        " ORDER BY start_time DESC LIMIT 20",
        "space_cmes_start",
    ),
    "launches to come": Question(
        "SELECT * FROM space_launches WHERE net >= '2025-01-01Z' ORDER BY net LIMIT 20",
        "space_launches_net",
    ),
}
# A filter: what it finds is few, and sorted when it is found.
FILTERS = {
    "studies by words": Question(
        "SELECT * FROM osdr_datasets, websearch_to_tsquery('english', 'rodent liver') AS query"
        " WHERE search @@ query ORDER BY ts_rank_cd(search, query) DESC, number LIMIT 20",
        "osdr_datasets_search",
    ),
    "studies of an organism": Question(
        "SELECT * FROM osdr_datasets WHERE organisms @> ARRAY['Organism 7']",
        "osdr_datasets_organisms",
    ),
    "studies with an assay": Question(
        "SELECT * FROM osdr_datasets WHERE assay_types @> ARRAY['Assay 7']",
        "osdr_datasets_assay_types",
    ),
    "a study": Question(
        "SELECT * FROM osdr_datasets WHERE accession = 'OSD-137'", "osdr_datasets_pkey"
    ),
    "images by words": Question(
        "SELECT * FROM jwst_images WHERE search @@ websearch_to_tsquery('english', 'carina nebula')"
        " ORDER BY time DESC LIMIT 24",
        "jwst_images_search",
    ),
    "images of an instrument": Question(
        "SELECT * FROM jwst_images WHERE instruments @> ARRAY['Instrument 7']"
        " ORDER BY time DESC LIMIT 24",
        "jwst_images_instruments|jwst_images_time",
    ),
    "an image": Question("SELECT * FROM jwst_images WHERE image_id = 'jw7'", "jwst_images_pkey"),
    "events of the sky of a week": Question(
        "SELECT * FROM astro_events WHERE time >= '2026-03-01Z' AND time < '2026-03-08Z'",
        "astro_events_time",
    ),
    "asteroids of three days": Question(
        "SELECT * FROM space_neo WHERE approach_date BETWEEN '2024-06-01' AND '2024-06-03'",
        "space_neo_date",
    ),
    "a picture of the day": Question(
        "SELECT * FROM space_apod WHERE picture_date = '2012-03-04'", "space_apod_pkey"
    ),
    "a position by id": Question(
        "SELECT * FROM iss_fetch_log WHERE id = 1234", r"iss_positions_\d+_\d+_sequence_idx"
    ),
    "a chart of a day by minute": Question(
        "SELECT date_bin('3 min', bucket, '2026-01-01Z') AS point, min(altitude_km_min),"
        " sum(altitude_km_sum) / sum(samples), max(altitude_km_max) FROM iss_positions_minute"
        " WHERE bucket >= '2026-02-01Z' AND bucket < '2026-02-02Z' GROUP BY point ORDER BY point",
        "iss_positions_minute_pkey",
    ),
    "a chart of a week by hour": Question(
        "SELECT bucket, altitude_km_min, altitude_km_sum / samples, altitude_km_max"
        " FROM iss_positions_hour WHERE bucket >= '2026-02-01Z' AND bucket < '2026-02-08Z'"
        " ORDER BY bucket",
        "iss_positions_hour_pkey",
    ),
}


@pytest.fixture(scope="module")
def filled_database_url(servers: Servers) -> Iterator[str]:
    """Give a database with thousands of rows in every table."""
    name = servers.create_database()
    url = servers.database_url(name)
    fill(url)
    yield url
    servers.drop_database(name)


def plan_of(database_url: str, query: LiteralString) -> list[dict[str, Any]]:
    """Return all nodes of a query's plan."""
    with psycopg.connect(database_url) as connection:
        answer = connection.execute("EXPLAIN (FORMAT JSON) " + query).fetchone()
    assert answer is not None
    nodes, waiting = [], [answer[0][0]["Plan"]]
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        waiting += node.get("Plans", [])
    return nodes


def assert_index(nodes: list[dict[str, Any]], pattern: str) -> None:
    """Assert that every table is read through an index that is meant for it."""
    assert "Seq Scan" not in {node["Node Type"] for node in nodes}, json.dumps(nodes, indent=1)
    used = {node["Index Name"] for node in nodes if "Index Name" in node}
    assert used
    assert {name for name in used if not re.fullmatch(pattern, name)} == set()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_comes_sorted_out_of_its_index(filled_database_url: str, name: str) -> None:
    """Neither the table nor what the index finds is sorted to find the first rows."""
    nodes = plan_of(filled_database_url, PAGES[name].query)
    assert_index(nodes, PAGES[name].indexes)
    assert not {"Sort", "Incremental Sort"} & {node["Node Type"] for node in nodes}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_reads_what_it_finds(filled_database_url: str, name: str) -> None:
    """No table is read from its beginning to its end."""
    assert_index(plan_of(filled_database_url, FILTERS[name].query), FILTERS[name].indexes)


def test_pages_of_positions_touch_the_months_they_need(filled_database_url: str) -> None:
    """A page within a day opens one partition, however many years there are."""
    nodes = plan_of(
        filled_database_url,
        "SELECT * FROM iss_positions WHERE time >= '2026-02-10Z' AND time < '2026-02-11Z'"
        " ORDER BY time DESC, id DESC LIMIT 100",
    )
    assert {node["Relation Name"] for node in nodes if "Relation Name" in node} == {
        "iss_positions_2026_02"
    }
