"""Positions of long windows in few points, from the roll-ups where they are fine enough."""

from datetime import datetime

from psycopg import sql

from libs.common.database import Pool
from services.gateway.buckets import Cut, Grain
from services.gateway.models.charts import Bucket, Extent
from services.gateway.repositories.reading import Reader, Row

_VALUES = ("latitude_deg", "altitude_km", "velocity_kmh")

# The newest row of each bucket is looked up by its key, which costs less than carrying its values
# through the aggregation.
_RAW = sql.SQL(
    """
WITH buckets AS (
  SELECT date_bin(%(width)s, time, %(start)s) AS bucket, count(*) AS samples,
      count(*) FILTER (WHERE origin = 'computed') AS computed_samples, max(time) AS last_time,
      {aggregates}
    FROM iss_positions WHERE time >= %(start)s AND time < %(until)s GROUP BY 1)
SELECT buckets.*, last.* FROM buckets CROSS JOIN LATERAL (
  SELECT latitude_deg AS last_latitude_deg, longitude_deg AS last_longitude_deg
    FROM iss_positions WHERE time = last_time ORDER BY id DESC LIMIT 1) AS last
"""
).format(
    aggregates=sql.SQL(", ").join(
        sql.SQL("min({0}) AS {1}, avg({0}) AS {2}, max({0}) AS {3}").format(
            *map(sql.Identifier, (name, f"{name}_min", f"{name}_avg", f"{name}_max"))
        )
        for name in _VALUES
    )
)


def _rolled_up(table: str) -> sql.Composed:
    return sql.SQL(
        """
WITH buckets AS (
  SELECT date_bin(%(width)s, bucket, %(start)s) AS bucket, max(bucket) AS newest,
      sum(samples)::bigint AS samples, sum(computed_samples)::bigint AS computed_samples,
      max(last_time) AS last_time,
      {aggregates}
    FROM {table} WHERE bucket >= %(start)s AND bucket < %(until)s GROUP BY 1)
SELECT buckets.*, latitude_deg_last AS last_latitude_deg, longitude_deg_last AS last_longitude_deg
  FROM buckets JOIN {table} AS last
    ON last.bucket = newest AND last.bucket >= %(start)s AND last.bucket < %(until)s
"""
    ).format(
        table=sql.Identifier(table),
        aggregates=sql.SQL(", ").join(
            sql.SQL(
                "min({0}) AS {0}, sum({1}) / sum(samples)::float8 AS {2}, max({3}) AS {3}"
            ).format(*(sql.Identifier(f"{name}_{each}") for each in ("min", "sum", "avg", "max")))
            for name in _VALUES
        ),
    )


_STATEMENTS = {
    Grain.RAW: _RAW,
    Grain.MINUTE: _rolled_up("iss_positions_minute"),
    Grain.HOUR: _rolled_up("iss_positions_hour"),
}


class ChartRepository:
    """Reads what a chart draws."""

    def __init__(self, pool: Pool) -> None:
        self._reader = Reader(pool)

    async def positions(self, cut: Cut, until: datetime) -> list[Bucket]:
        """Return every bucket of a window that ends before `until`, empty ones included."""
        rows = await self._reader.rows(
            _STATEMENTS[cut.grain], {"width": cut.width, "start": cut.start, "until": until}
        )
        found = {row["bucket"]: row for row in rows}
        return [
            _bucket(start, found[start]) if start in found else Bucket(time=start)
            for start in cut.starts()
        ]


def _bucket(start: datetime, row: Row) -> Bucket:
    return Bucket(
        time=start,
        samples=row["samples"],
        computed_samples=row["computed_samples"],
        last_time=row["last_time"],
        latitude_deg=_extent(row, "latitude_deg"),
        altitude_km=_extent(row, "altitude_km"),
        velocity_kmh=_extent(row, "velocity_kmh"),
        last_latitude_deg=row["last_latitude_deg"],
        last_longitude_deg=row["last_longitude_deg"],
    )


def _extent(row: Row, name: str) -> Extent:
    return Extent(row[f"{name}_min"], row[f"{name}_avg"], row[f"{name}_max"])
