"""Astronomical events.

Revision ID: 0004
"""

from services.persistence.migrations.plain_sql import run_sql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# One row per event, from its newest computation. `key` is the natural key, the events' subject.
# `data` is the whole payload, with the moments of an eclipse and fields that only some kinds have.
EVENTS = """
CREATE TABLE astro_events (
  key text PRIMARY KEY,
  time timestamptz NOT NULL,
  id uuid NOT NULL,
  fetched_at timestamptz NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now(),
  origin text NOT NULL,
  provider text NOT NULL,
  kind text NOT NULL,
  variant text NOT NULL,
  title text NOT NULL,
  bodies text[] NOT NULL,
  confirmed_by text[] NOT NULL,
  starts_at timestamptz,
  ends_at timestamptz,
  magnitude double precision,
  obscuration double precision,
  separation_deg double precision,
  altitude_deg double precision,
  observer_name text,
  observer_latitude_deg double precision,
  observer_longitude_deg double precision,
  visible boolean,
  data jsonb NOT NULL,
  CHECK (origin IN ('live', 'computed', 'snapshot')),
  CHECK (observer_latitude_deg BETWEEN -90 AND 90),
  CHECK (observer_longitude_deg BETWEEN -180 AND 180)
);
CREATE INDEX astro_events_time ON astro_events (time, kind);
"""


def upgrade() -> None:
    """Create everything."""
    run_sql(EVENTS)
