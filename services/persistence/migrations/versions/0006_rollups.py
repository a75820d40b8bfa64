"""Roll-ups of positions by minute and hour, and the floors below which nothing is kept.

Revision ID: 0006
"""

from services.persistence.migrations.plain_sql import run_sql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# `bucket` is the start of the minute or hour. Sums are stored, not means (sum / samples), because
# sums can be added to. The `_last` columns are of the newest row, that of `last_time`; of two rows
# at one moment, of the one with the greater numbers, so that the order in which rows arrive plays
# no part. A row is updated by every batch that touches its bucket; free space in each page lets
# that happen within the page (HOT).
ROLL_UPS = """
CREATE TABLE iss_positions_minute (
  bucket timestamptz PRIMARY KEY,
  samples bigint NOT NULL,
  computed_samples bigint NOT NULL,
  first_time timestamptz NOT NULL,
  last_time timestamptz NOT NULL,
  altitude_km_min double precision NOT NULL,
  altitude_km_max double precision NOT NULL,
  altitude_km_sum double precision NOT NULL,
  altitude_km_last double precision NOT NULL,
  velocity_kmh_min double precision NOT NULL,
  velocity_kmh_max double precision NOT NULL,
  velocity_kmh_sum double precision NOT NULL,
  velocity_kmh_last double precision NOT NULL,
  latitude_deg_min double precision NOT NULL,
  latitude_deg_max double precision NOT NULL,
  latitude_deg_sum double precision NOT NULL,
  latitude_deg_last double precision NOT NULL,
  longitude_deg_last double precision NOT NULL
) WITH (fillfactor = 70);
CREATE TABLE iss_positions_hour (LIKE iss_positions_minute INCLUDING ALL) WITH (fillfactor = 50);
"""

# Rows older than their table's floor were dropped and do not come back. The floor is stored here
# and not in a process's settings, so that all replicas agree at every moment. A month is attached:
# unlike CREATE ... PARTITION OF, that does not wait for readers, such as a backup that takes hours,
# so no session has to wait behind it.
FLOORS = """
CREATE TABLE retention_floors (
  table_name text PRIMARY KEY,
  kept_from timestamptz NOT NULL,
  raised_at timestamptz NOT NULL DEFAULT now()
);
CREATE OR REPLACE FUNCTION ensure_month(parent regclass, month date) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  first date := date_trunc('month', month);
  past timestamptz := (first + interval '1 month') AT TIME ZONE 'UTC';
  part text := format('%s_%s', parent, to_char(first, 'YYYY_MM'));
BEGIN
  IF to_regclass(part) IS NOT NULL THEN
    RETURN;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('ensure_month'));
  -- Another may have made it meanwhile.
  IF to_regclass(part) IS NOT NULL OR EXISTS (
      SELECT FROM retention_floors WHERE table_name = parent::text AND kept_from >= past) THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE TABLE %I (LIKE %s INCLUDING ALL EXCLUDING INDEXES)', part, parent);
  EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                 parent, part, first::timestamp AT TIME ZONE 'UTC', past);
END
$$;
"""

# Batches maintain the roll-ups themselves. This rebuilds them from the rows, for whole hours, when
# rows came in another way, such as by an import or a replica of a release without roll-ups. Batches
# wait meanwhile. Roll-ups of rows that were dropped stay as they are.
REBUILD = """
CREATE FUNCTION rebuild_roll_ups(since timestamptz, until timestamptz) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  first timestamptz := date_trunc('hour', since, 'UTC');
  past timestamptz := date_trunc('hour', until + interval '1 hour' - interval '1 us', 'UTC');
BEGIN
  LOCK TABLE iss_positions IN SHARE MODE;
  SELECT greatest(first, max(kept_from)) INTO first
    FROM retention_floors WHERE table_name = 'iss_positions';
  DELETE FROM iss_positions_minute WHERE bucket >= first AND bucket < past;
  DELETE FROM iss_positions_hour WHERE bucket >= first AND bucket < past;
  INSERT INTO iss_positions_minute
    SELECT bucket, count(*), count(*) FILTER (WHERE origin = 'computed'), min(time), max(time),
        min(altitude_km), max(altitude_km), sum(altitude_km), (max(last))[2],
        min(velocity_kmh), max(velocity_kmh), sum(velocity_kmh), (max(last))[3],
        min(latitude_deg), max(latitude_deg), sum(latitude_deg), (max(last))[4],
        (max(last))[5]
      FROM (
        SELECT *, date_trunc('minute', time, 'UTC') AS bucket,
            ARRAY[extract(epoch FROM time)::double precision,
                  altitude_km, velocity_kmh, latitude_deg, longitude_deg] AS last
          FROM iss_positions WHERE time >= first AND time < past) AS positions
      GROUP BY bucket;
  INSERT INTO iss_positions_hour
    SELECT date_trunc('hour', bucket, 'UTC') AS hour,
        sum(samples), sum(computed_samples), min(first_time), max(last_time),
        min(altitude_km_min), max(altitude_km_max), sum(altitude_km_sum), (max(last))[2],
        min(velocity_kmh_min), max(velocity_kmh_max), sum(velocity_kmh_sum), (max(last))[3],
        min(latitude_deg_min), max(latitude_deg_max), sum(latitude_deg_sum), (max(last))[4],
        (max(last))[5]
      FROM (
        SELECT *, ARRAY[extract(epoch FROM last_time)::double precision, altitude_km_last,
                        velocity_kmh_last, latitude_deg_last, longitude_deg_last] AS last
          FROM iss_positions_minute WHERE bucket >= first AND bucket < past) AS minutes
      GROUP BY hour;
END
$$;
SELECT rebuild_roll_ups('-infinity', 'infinity');
"""


def upgrade() -> None:
    """Create everything, and roll up the rows that are there."""
    for statement in (ROLL_UPS, FLOORS, REBUILD):
        run_sql(statement)
