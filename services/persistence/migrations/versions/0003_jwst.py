"""JWST images.

Revision ID: 0003
"""

from services.persistence.migrations.plain_sql import run_sql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

IMAGES = """
CREATE TABLE jwst_images (
  image_id text PRIMARY KEY,
  time timestamptz NOT NULL,
  id uuid NOT NULL,
  fetched_at timestamptz NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now(),
  origin text NOT NULL,
  provider text NOT NULL,
  observation_id text NOT NULL,
  program integer NOT NULL,
  suffix text NOT NULL,
  instruments text[] NOT NULL,
  filters text[] NOT NULL,
  caption text NOT NULL,
  preview_url text NOT NULL,
  image_url text NOT NULL,
  data_url text,
  target text,
  target_class text,
  title text,
  description text,
  investigator text,
  product_type text,
  calibration_level integer,
  released_at timestamptz,
  observed_from timestamptz,
  observed_until timestamptz,
  exposure_s double precision,
  ra_deg double precision,
  dec_deg double precision,
  wavelength_min_nm double precision,
  wavelength_max_nm double precision,
  archive_id text,
  CHECK (origin IN ('live', 'computed', 'snapshot'))
);
-- The newest first, of everything, of a program, of a kind of product.
CREATE INDEX jwst_images_time ON jwst_images (time DESC, image_id);
CREATE INDEX jwst_images_program ON jwst_images (program, time DESC);
CREATE INDEX jwst_images_suffix ON jwst_images (suffix, time DESC);
"""

# The snapshot that is shipped with the project is shown only while there is nothing else, in
# whatever order rows arrive.
GALLERY = """
CREATE VIEW jwst_gallery AS
  SELECT * FROM jwst_images
  WHERE origin <> 'snapshot'
    OR NOT EXISTS (SELECT FROM jwst_images WHERE origin <> 'snapshot');
"""


def upgrade() -> None:
    """Create everything."""
    for statement in (IMAGES, GALLERY):
        run_sql(statement)
