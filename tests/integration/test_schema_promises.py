"""What everybody may rely on in the schema: provenance everywhere, and the earlier tables."""

from typing import LiteralString

import pytest

from services.persistence.tables import TABLES
from tests.integration.repositories import execute

COLUMNS: LiteralString = (
    "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
    " JOIN information_schema.tables USING (table_schema, table_name)"
    " WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1, ordinal_position"
)
PROVENANCE = {
    "time": "timestamp with time zone",
    "fetched_at": "timestamp with time zone",
    "stored_at": "timestamp with time zone",
    "origin": "text",
    "provider": "text",
}
# Tables whose rows are no events: sums of many, what an earlier system wrote, our own books.
NO_EVENTS = {
    "iss_positions_minute",
    "iss_positions_hour",
    "telemetry_legacy",
    "alembic_version",
    "retention_floors",
}
# Under these names, what the source sent.
BODIES = {"raw", "upstream_body"}

EARLIER = {
    "iss_fetch_log": {
        "id": "bigint",
        "fetched_at": "timestamp with time zone",
        "source_url": "text",
        "payload": "jsonb",
    },
    "osdr_items": {
        "id": "bigint",
        "dataset_id": "text",
        "title": "text",
        "status": "text",
        "updated_at": "timestamp with time zone",
        "inserted_at": "timestamp with time zone",
        "raw": "jsonb",
    },
    "space_cache": {
        "id": "bigint",
        "source": "text",
        "fetched_at": "timestamp with time zone",
        "payload": "jsonb",
    },
    "telemetry_legacy": {
        "id": "bigint",
        "recorded_at": "timestamp with time zone",
        "voltage": "numeric(6,2)",
        "temp": "numeric(6,2)",
        "source_file": "text",
    },
}


def tables(database_url: str) -> dict[str, dict[str, tuple[str, bool]]]:
    """Return type and nullability of every column of every table of ours."""
    found: dict[str, dict[str, tuple[str, bool]]] = {}
    for table, column, type_, nullable in execute(database_url, COLUMNS):
        found.setdefault(str(table), {})[str(column)] = (str(type_), nullable == "YES")
    return found


def test_every_row_says_when_and_whence(database_url: str) -> None:
    """Each table of events has the five columns, always filled, and what the source sent."""
    found = tables(database_url)
    assert {table.name for table in TABLES} | {"osdr_dataset_changes"} <= found.keys() - NO_EVENTS
    for table, columns in found.items():
        if table in NO_EVENTS:
            continue
        for name, type_ in PROVENANCE.items():
            # A generated column is nullable in name only.
            computed = (table, name) == ("iss_elements", "time")
            assert columns[name] == (type_, computed), (table, name)
        assert BODIES & columns.keys(), table


@pytest.mark.parametrize("name", EARLIER)
def test_clients_of_the_earlier_systems_find_their_tables(database_url: str, name: str) -> None:
    """Names, order and types of the columns are those of the earlier systems, and no others."""
    found = execute(
        database_url,
        "SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod)"
        " FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v')"
        " AND attnum > 0 AND NOT attisdropped ORDER BY attrelid, attnum",
    )
    assert [(column, type_) for table, column, type_ in found if table == name] == [
        *EARLIER[name].items()
    ]


def test_telemetry_of_an_earlier_system_can_be_imported(database_url: str) -> None:
    """Rows come in with the ids that they had, and new ones count on."""
    statement: LiteralString = (
        "INSERT INTO telemetry_legacy (id, recorded_at, voltage, temp, source_file) VALUES"
        " (7, '2024-05-06 07:08:09Z', 12.345, -49.994, 'telemetry_20240506_070809.csv')"
        " RETURNING id, voltage::text, temp::text"
    )
    assert execute(database_url, statement) == [(7, "12.35", "-49.99")]
