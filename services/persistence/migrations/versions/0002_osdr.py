"""NASA's open science datasets.

Revision ID: 0002
"""

from services.persistence.migrations.plain_sql import run_sql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# One row per study: its version that was fetched last. `time` is when the catalogue last had
# something new about it.
DATASETS = """
CREATE TABLE osdr_datasets (
  time timestamptz NOT NULL,
  id uuid NOT NULL,
  number integer NOT NULL UNIQUE,
  accession text PRIMARY KEY,
  fetched_at timestamptz NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now(),
  first_stored_at timestamptz NOT NULL DEFAULT now(),
  origin text NOT NULL,
  provider text NOT NULL,
  title text NOT NULL,
  description text,
  project_type text,
  organisms text[] NOT NULL,
  material_types text[] NOT NULL,
  assay_types text[] NOT NULL,
  factors text[] NOT NULL,
  project_ids text[] NOT NULL,
  project_titles text[] NOT NULL,
  flight_programs text[] NOT NULL,
  space_programs text[] NOT NULL,
  publications text[] NOT NULL,
  data_sources text[] NOT NULL,
  release_date date,
  missions jsonb NOT NULL,
  links jsonb NOT NULL,
  raw jsonb NOT NULL,
  CHECK (origin IN ('live', 'computed', 'snapshot')),
  CHECK (accession = 'OSD-' || number)
);
CREATE INDEX osdr_datasets_newest ON osdr_datasets (fetched_at DESC, number DESC);
"""

# The catalogue gives its studies no status; the earlier systems had none for them either.
EARLIER_SYSTEMS = """
CREATE VIEW osdr_items AS
  SELECT number::bigint AS id, accession AS dataset_id, title, NULL::text AS status,
    fetched_at AS updated_at, first_stored_at AS inserted_at, raw
  FROM osdr_datasets;
"""


def upgrade() -> None:
    """Create everything."""
    for statement in (DATASETS, EARLIER_SYSTEMS):
        run_sql(statement)
