"""The space documents: pictures, asteroids, flares, mass ejections, launches.

Revision ID: 0005
"""

from services.persistence.migrations.plain_sql import run_sql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

APOD = """
CREATE TABLE space_apod (
  picture_date date PRIMARY KEY,
  time timestamptz NOT NULL,
  id uuid NOT NULL,
  sequence bigint NOT NULL,
  fetched_at timestamptz NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now(),
  origin text NOT NULL,
  provider text NOT NULL,
  title text NOT NULL,
  explanation text,
  media_type text NOT NULL,
  copyright text,
  url text,
  hd_url text,
  thumbnail_url text,
  upstream_body jsonb NOT NULL,
  CHECK (origin IN ('live', 'computed', 'snapshot')),
  CHECK (media_type IN ('image', 'video', 'other'))
);
"""

NEO = """
CREATE TABLE space_neo (
  neo_id text NOT NULL,
  approach_date date NOT NULL,
  orbiting_body text NOT NULL,
  time timestamptz NOT NULL,
  id uuid NOT NULL,
  sequence bigint NOT NULL,
  fetched_at timestamptz NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now(),
  origin text NOT NULL,
  provider text NOT NULL,
  name text NOT NULL,
  jpl_url text,
  approach_time timestamptz,
  absolute_magnitude double precision,
  diameter_min_m double precision,
  diameter_max_m double precision,
  relative_velocity_km_s double precision,
  miss_distance_km double precision,
  miss_distance_ld double precision,
  miss_distance_au double precision,
  is_potentially_hazardous boolean,
  is_sentry_object boolean,
  upstream_body jsonb NOT NULL,
  CHECK (origin IN ('live', 'computed', 'snapshot')),
  PRIMARY KEY (neo_id, approach_date, orbiting_body)
);
CREATE INDEX space_neo_date ON space_neo (approach_date);
"""

FLARES = """
CREATE TABLE space_flares (
  flare_id text PRIMARY KEY,
  time timestamptz NOT NULL,
  id uuid NOT NULL,
  sequence bigint NOT NULL,
  fetched_at timestamptz NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now(),
  origin text NOT NULL,
  provider text NOT NULL,
  begin_time timestamptz NOT NULL,
  peak_time timestamptz,
  end_time timestamptz,
  class_type text,
  peak_flux_w_m2 double precision,
  source_location text,
  source_latitude_deg double precision,
  source_longitude_deg double precision,
  active_region integer,
  instruments text[] NOT NULL,
  linked_activities text[] NOT NULL,
  note text,
  submitted_at timestamptz,
  version integer,
  url text,
  upstream_body jsonb NOT NULL,
  CHECK (origin IN ('live', 'computed', 'snapshot'))
);
CREATE INDEX space_flares_begin ON space_flares (begin_time);
"""

CMES = """
CREATE TABLE space_cmes (
  cme_id text PRIMARY KEY,
  time timestamptz NOT NULL,
  id uuid NOT NULL,
  sequence bigint NOT NULL,
  fetched_at timestamptz NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now(),
  origin text NOT NULL,
  provider text NOT NULL,
  start_time timestamptz NOT NULL,
  source_location text,
  active_region integer,
  instruments text[] NOT NULL,
  linked_activities text[] NOT NULL,
  note text,
  submitted_at timestamptz,
  version integer,
  url text,
  analysis_count integer NOT NULL,
  analysis_type text,
  at_21_5_radii timestamptz,
  latitude_deg double precision,
  longitude_deg double precision,
  half_angle_deg double precision,
  speed_km_s double precision,
  earth_arrival_time timestamptz,
  is_earth_glancing_blow boolean,
  kp_max double precision,
  upstream_body jsonb NOT NULL,
  CHECK (origin IN ('live', 'computed', 'snapshot'))
);
CREATE INDEX space_cmes_start ON space_cmes (start_time);
"""

LAUNCHES = """
CREATE TABLE space_launches (
  launch_id text PRIMARY KEY,
  time timestamptz NOT NULL,
  id uuid NOT NULL,
  sequence bigint NOT NULL,
  fetched_at timestamptz NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now(),
  origin text NOT NULL,
  provider text NOT NULL,
  name text NOT NULL,
  net timestamptz NOT NULL,
  net_precision text,
  window_start timestamptz,
  window_end timestamptz,
  status_id integer,
  status text,
  status_name text,
  probability_percent integer,
  hold_reason text,
  fail_reason text,
  provider_id integer,
  provider_name text,
  rocket_name text,
  mission_name text,
  mission_type text,
  mission_description text,
  orbit text,
  pad_name text,
  location_name text,
  pad_latitude_deg double precision,
  pad_longitude_deg double precision,
  image_url text,
  thumbnail_url text,
  image_credit text,
  is_webcast_live boolean,
  webcast_urls text[] NOT NULL,
  updated_at timestamptz,
  url text,
  upstream_body jsonb NOT NULL,
  CHECK (origin IN ('live', 'computed', 'snapshot')),
  CHECK (pad_latitude_deg BETWEEN -90 AND 90),
  CHECK (pad_longitude_deg BETWEEN -180 AND 180)
);
CREATE INDEX space_launches_net ON space_launches (net);
"""

# What the earlier systems kept of every fetch: the picture's body, the asteroid feed from two days
# ago to today, the lists of five days, the next launch by SpaceX. The bodies are assembled from the
# records; the feed's links, which contain an API key, are left out.
EARLIER_SYSTEMS = """
CREATE VIEW space_cache AS
  SELECT sequence AS id, 'apod' AS source, fetched_at, upstream_body AS payload
    FROM space_apod
  UNION ALL
  SELECT max(sequence), 'neo', max(newest),
      jsonb_build_object('element_count', sum(count),
                         'near_earth_objects', jsonb_object_agg(approach_date, records))
    FROM (
      SELECT approach_date, count(*) AS count, max(sequence) AS sequence,
          max(fetched_at) AS newest, jsonb_agg(upstream_body ORDER BY time, neo_id) AS records
        FROM space_neo
        WHERE approach_date BETWEEN (now() AT TIME ZONE 'UTC')::date - 2
                                AND (now() AT TIME ZONE 'UTC')::date
        GROUP BY approach_date) AS days
    HAVING count(*) > 0
  UNION ALL
  SELECT max(sequence), 'flr', max(fetched_at), jsonb_agg(upstream_body ORDER BY begin_time)
    FROM space_flares
    WHERE (begin_time AT TIME ZONE 'UTC')::date >= (now() AT TIME ZONE 'UTC')::date - 5
    HAVING count(*) > 0
  UNION ALL
  SELECT max(sequence), 'cme', max(fetched_at), jsonb_agg(upstream_body ORDER BY start_time)
    FROM space_cmes
    WHERE (start_time AT TIME ZONE 'UTC')::date >= (now() AT TIME ZONE 'UTC')::date - 5
    HAVING count(*) > 0
  UNION ALL
  SELECT * FROM (
    SELECT sequence, 'spacex', fetched_at, upstream_body
      FROM space_launches
      WHERE provider_name = 'SpaceX' AND net >= now()
      ORDER BY net, launch_id LIMIT 1) AS next_by_spacex;
"""


def upgrade() -> None:
    """Create everything."""
    for statement in (APOD, NEO, FLARES, CMES, LAUNCHES, EARLIER_SYSTEMS):
        run_sql(statement)
