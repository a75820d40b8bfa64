"""The table of astronomical events: one row per event, from its newest computation."""

from services.persistence.tables.columns import Column, Table, data_columns, envelope_columns

ASTRO_EVENTS = Table(
    "astro_events",
    (
        *envelope_columns(),
        Column("key", "text", "subject"),
        Column("kind", "text", "data.kind.value"),
        *data_columns("text", "variant", "title"),
        *data_columns("text[]", "bodies", "confirmed_by"),
        Column("starts_at", "timestamptz", "data.start"),
        Column("ends_at", "timestamptz", "data.end"),
        *data_columns(
            "float8",
            "magnitude",
            "obscuration",
            "separation_deg",
            "altitude_deg",
            "observer_latitude_deg",
            "observer_longitude_deg",
        ),
        *data_columns("text", "observer_name"),
        *data_columns("bool", "visible"),
        Column("data", "jsonb", "data.document"),
        *data_columns("jsonb", "upstream_body"),
    ),
    latest_of=("key",),
)
