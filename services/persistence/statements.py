"""The SQL that takes a batch from its staging table into its tables, each row once.

One statement per batch and table, so rows, roll-ups and history become visible together. Every
table is written in the order of its key, so two batches cannot deadlock over different rows; two
that insert the same new row may, rarely, and the repository tries again.
"""

from collections.abc import Iterable

from psycopg import sql

from services.persistence.tables import Table
from services.persistence.tables.columns import RollUp

_AGGREGATES = ("min", "max", "sum")


def create_staging(table: Table) -> sql.Composed:
    """Return the statement that makes a staging table for batches, once per session."""
    return sql.SQL("CREATE TEMP TABLE IF NOT EXISTS {} ({}) ON COMMIT DELETE ROWS").format(
        staging(table),
        sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.type))
            for column in table.columns
        ),
    )


def copy_into_staging(table: Table) -> sql.Composed:
    """Return the COPY in binary form, which costs the client two thirds of the text form."""
    return sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(staging(table))


def staging(table: Table) -> sql.Identifier:
    """Return the name of a table's staging table."""
    return sql.Identifier(f"incoming_{table.name}")


def merge(table: Table) -> sql.Composed:
    """Return the statement that merges the staged rows into their table.

    It returns one row: how many rows it wrote, and how many are older than the table's retention.
    """
    parts = [
        sql.SQL(
            "floor AS (SELECT coalesce(max(kept_from), '-infinity') AS kept_from"
            " FROM retention_floors WHERE table_name = {})"
        ).format(sql.Literal(table.name)),
        sql.SQL("written AS ({} RETURNING {})").format(
            _upsert(table) if table.latest_of else _insert(table), _names(_needed(table))
        ),
    ]
    if table.roll_up:
        parts += _roll_ups(table.name, table.roll_up)
    if table.history:
        parts.append(_history(table))
    return sql.SQL(
        "WITH {} SELECT (SELECT count(*) FROM written),"
        " (SELECT count(*) FROM {}, floor WHERE {} < kept_from)"
    ).format(sql.SQL(", ").join(parts), staging(table), sql.Identifier(table.age_column))


def _insert(table: Table) -> sql.Composed:
    return sql.SQL(
        "INSERT INTO {} ({columns}) SELECT {columns} FROM {}, floor WHERE {} >= kept_from"
        " ORDER BY 1, 2 ON CONFLICT DO NOTHING"
    ).format(
        sql.Identifier(table.name),
        staging(table),
        sql.Identifier(table.age_column),
        columns=_columns(table),
    )


def _upsert(table: Table) -> sql.Composed:
    return sql.SQL(
        "INSERT INTO {table} ({columns}) SELECT DISTINCT ON ({key}) {columns} FROM {staging}, floor"
        " WHERE {age} >= kept_from ORDER BY {key}, fetched_at DESC, id DESC"
        " ON CONFLICT ({key}) DO UPDATE SET ({columns}, stored_at) = ROW ({excluded}, now())"
        # The id as well, so that of two versions of one fetch the same one stays, in whatever order
        # they come.
        " WHERE (EXCLUDED.fetched_at, EXCLUDED.id) > ({table}.fetched_at, {table}.id)"
    ).format(
        table=sql.Identifier(table.name),
        columns=_columns(table),
        key=_names(table.latest_of),
        staging=staging(table),
        age=sql.Identifier(table.age_column),
        excluded=sql.SQL(", ").join(
            sql.Identifier("excluded", column.name) for column in table.columns
        ),
    )


def _needed(table: Table) -> list[str]:
    if table.roll_up is None:
        return ["id"]
    return ["time", "origin", *table.roll_up.values, *table.roll_up.last_only]


def _history(table: Table) -> sql.Composed:
    """Return the part that keeps the version of each fetch.

    It is kept even if it equals the stored version before it: another replica may be about to store
    a version that lies between the two. The view over the history leaves out repetitions.
    """
    return sql.SQL(
        "history AS (INSERT INTO {history} ({columns})"
        " SELECT DISTINCT ON ({key}, fetched_at, id) {columns} FROM {staging}"
        " ORDER BY {key}, fetched_at, id ON CONFLICT DO NOTHING)"
    ).format(
        history=sql.Identifier(table.history),
        columns=_columns(table),
        key=_names(table.latest_of),
        staging=staging(table),
    )


def _roll_ups(name: str, roll_up: RollUp) -> list[sql.Composed]:
    """Return the parts that sum up the rows really written by minute, and the minutes by hour."""
    lasts = [*roll_up.values, *roll_up.last_only]
    # The greatest array is that of the newest row, so one aggregate finds all last values.
    by_minute = sql.SQL(
        "minutes AS (SELECT date_trunc('minute', time, 'UTC') AS bucket, count(*) AS samples,"
        " count(*) FILTER (WHERE origin = 'computed') AS computed_samples,"
        " min(time) AS first_time, max(time) AS last_time, {aggregates},"
        " max(ARRAY[extract(epoch FROM time)::float8, {lasts}]) AS last"
        " FROM written GROUP BY 1)"
    ).format(
        aggregates=_aggregates(roll_up, suffixed=False),
        lasts=_names(lasts),
    )
    by_hour = sql.SQL(
        "hours AS (SELECT date_trunc('hour', bucket, 'UTC') AS bucket, sum(samples) AS samples,"
        " sum(computed_samples) AS computed_samples,"
        " min(first_time) AS first_time, max(last_time) AS last_time, {aggregates},"
        " max(last) AS last FROM minutes GROUP BY 1)"
    ).format(aggregates=_aggregates(roll_up, suffixed=True))
    return [
        by_minute,
        _add_to(f"{name}_minute", "minutes", roll_up),
        by_hour,
        _add_to(f"{name}_hour", "hours", roll_up),
    ]


def _aggregates(roll_up: RollUp, *, suffixed: bool) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.SQL("{}({}) AS {}").format(
            sql.SQL(aggregate),
            sql.Identifier(f"{value}_{aggregate}" if suffixed else value),
            sql.Identifier(f"{value}_{aggregate}"),
        )
        for value in roll_up.values
        for aggregate in _AGGREGATES
    )


def _add_to(target: str, buckets: str, roll_up: RollUp) -> sql.Composed:
    summed = [f"{value}_{each}" for value in roll_up.values for each in _AGGREGATES]
    lasts = [f"{value}_last" for value in (*roll_up.values, *roll_up.last_only)]
    columns = ["bucket", "samples", "computed_samples", "first_time", "last_time", *summed, *lasts]
    newest = ["last_time", *lasts]
    return sql.SQL(
        "{name} AS (INSERT INTO {target} AS kept ({columns}) SELECT {values} FROM {buckets}"
        " ORDER BY bucket ON CONFLICT (bucket) DO UPDATE SET {changes})"
    ).format(
        name=sql.Identifier(f"kept_{buckets}"),
        target=sql.Identifier(target),
        columns=_names(columns),
        values=sql.SQL(", ").join(
            [
                *map(sql.Identifier, columns[: -len(lasts)]),
                # The first element of the array is the time.
                *(sql.SQL("last[{}]").format(sql.Literal(n + 2)) for n in range(len(lasts))),
            ]
        ),
        buckets=sql.Identifier(buckets),
        changes=sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(column), _combined(column, newest))
            for column in columns[1:]
        ),
    )


def _combined(column: str, newest: list[str]) -> sql.Composed:
    """Return the new value of a column, combined from the kept row and the added one."""
    if column.endswith(("_min", "first_time")):
        template = "least(kept.{0}, EXCLUDED.{0})"
    elif column.endswith(("_max", "last_time")):
        template = "greatest(kept.{0}, EXCLUDED.{0})"
    elif column.endswith("_last"):
        template = "CASE WHEN ({1}) > ({2}) THEN EXCLUDED.{0} ELSE kept.{0} END"
    else:
        template = "kept.{0} + EXCLUDED.{0}"
    return sql.SQL(template).format(
        sql.Identifier(column), _names(newest, "excluded"), _names(newest, "kept")
    )


def _columns(table: Table) -> sql.Composed:
    return _names(column.name for column in table.columns)


def _names(names: Iterable[str], of: str = "") -> sql.Composed:
    return sql.SQL(", ").join(
        sql.Identifier(of, name) if of else sql.Identifier(name) for name in names
    )
