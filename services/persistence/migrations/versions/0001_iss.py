"""The station: positions by month, elements, the table of the earlier systems, the reader's role.

Revision ID: 0001
"""

from services.persistence.migrations.plain_sql import run_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The role belongs to the whole server, so another database of ours may have made it already.
READER = """
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'cassiopeia_reader') THEN
    CREATE ROLE cassiopeia_reader NOLOGIN;
  END IF;
EXCEPTION
  WHEN duplicate_object OR unique_violation THEN NULL;  -- made in this very moment
  WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'the role cassiopeia_reader is missing and % may not create it', current_user
      USING HINT = 'As an administrator: CREATE ROLE cassiopeia_reader NOLOGIN; '
        || format('GRANT cassiopeia_reader TO %I;', current_user);
END
$$;
DO $$
BEGIN
  IF NOT pg_has_role(current_user, 'cassiopeia_reader', 'SET') THEN
    EXECUTE format('GRANT cassiopeia_reader TO %I', current_user);
  END IF;
EXCEPTION
  WHEN insufficient_privilege THEN
    RAISE EXCEPTION '% may not act as cassiopeia_reader', current_user
      USING HINT = format('As an administrator: GRANT cassiopeia_reader TO %I;', current_user);
END
$$;
GRANT USAGE ON SCHEMA public TO cassiopeia_reader;
-- Alembic has made its own table before the default below holds.
GRANT SELECT ON alembic_version TO cassiopeia_reader;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO cassiopeia_reader;
"""

# A partition is made by the first session that has a row of its month; the lock prevents two
# sessions from making the same one.
PARTITIONS = """
CREATE FUNCTION ensure_month(parent regclass, month date) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  first date := date_trunc('month', month);
  part text := format('%s_%s', parent, to_char(first, 'YYYY_MM'));
BEGIN
  IF to_regclass(part) IS NULL THEN
    PERFORM pg_advisory_xact_lock(hashtext('ensure_month'));
    EXECUTE format(
      'CREATE TABLE IF NOT EXISTS %I PARTITION OF %s FOR VALUES FROM (%L) TO (%L)',
      part, parent, first::timestamp AT TIME ZONE 'UTC',
      (first + interval '1 month') AT TIME ZONE 'UTC');
  END IF;
END
$$;
"""

# An event's id is made from its source, type and natural key, so (time, id) is as unique as
# (source, id), and has the order in which history is read.
POSITIONS = """
CREATE TABLE iss_positions (
  time timestamptz NOT NULL,
  id uuid NOT NULL,
  sequence bigint NOT NULL,
  fetched_at timestamptz NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now(),
  origin text NOT NULL,
  provider text NOT NULL,
  source_url text NOT NULL,
  norad_id integer NOT NULL,
  name text NOT NULL,
  latitude_deg double precision NOT NULL,
  longitude_deg double precision NOT NULL,
  altitude_km double precision NOT NULL,
  velocity_kmh double precision NOT NULL,
  footprint_km double precision NOT NULL,
  visibility text,
  solar_latitude_deg double precision NOT NULL,
  solar_longitude_deg double precision NOT NULL,
  elements_epoch timestamptz,
  elements_trusted boolean,
  upstream_body jsonb NOT NULL,
  CHECK (origin IN ('live', 'computed', 'snapshot')),
  CHECK (latitude_deg BETWEEN -90 AND 90),
  CHECK (longitude_deg BETWEEN -180 AND 180),
  PRIMARY KEY (time, id)
) PARTITION BY RANGE (time);
CREATE INDEX iss_positions_sequence ON iss_positions (sequence);
"""

ELEMENTS = """
CREATE TABLE iss_elements (
  epoch timestamptz NOT NULL,
  id uuid NOT NULL,
  fetched_at timestamptz NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now(),
  origin text NOT NULL,
  provider text NOT NULL,
  norad_id integer NOT NULL,
  object_name text NOT NULL,
  object_id text NOT NULL,
  mean_motion_rev_per_day double precision NOT NULL,
  eccentricity double precision NOT NULL,
  inclination_deg double precision NOT NULL,
  raan_deg double precision NOT NULL,
  arg_perigee_deg double precision NOT NULL,
  mean_anomaly_deg double precision NOT NULL,
  bstar double precision NOT NULL,
  mean_motion_dot double precision NOT NULL,
  mean_motion_ddot double precision NOT NULL,
  element_set_number integer NOT NULL,
  revolution_number integer NOT NULL,
  CHECK (origin IN ('live', 'computed', 'snapshot')),
  PRIMARY KEY (epoch, id)
);
"""

EARLIER_SYSTEMS = """
CREATE VIEW iss_fetch_log AS
  SELECT sequence AS id, fetched_at, source_url, upstream_body AS payload FROM iss_positions;
"""


def upgrade() -> None:
    """Create everything."""
    for statement in (READER, PARTITIONS, POSITIONS, ELEMENTS, EARLIER_SYSTEMS):
        run_sql(statement)
