"""Indexes in exactly the orders in which the gateway reads lists, and for the filter by program.

Revision ID: 0009
"""

from services.persistence.migrations.plain_sql import run_sql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# A page is sorted by all its keys in one direction, so that a cursor is one comparison of rows. An
# index with the same keys serves it, backwards too. A key that may be null is indexed as the
# expression that the gateway sorts by.
DATASETS = """
DROP INDEX osdr_datasets_released;
CREATE INDEX osdr_datasets_released
  ON osdr_datasets (coalesce(release_date, '0001-01-01'::date), number);
-- The view osdr_items has these as inserted_at and id.
CREATE INDEX osdr_datasets_stored ON osdr_datasets (first_stored_at, (number::bigint));
CREATE INDEX osdr_datasets_flight_programs ON osdr_datasets
  USING gin (flight_programs) WITH (fastupdate = off);
CREATE INDEX osdr_datasets_space_programs ON osdr_datasets
  USING gin (space_programs) WITH (fastupdate = off);
"""

IMAGES = """
DROP INDEX jwst_images_time, jwst_images_program, jwst_images_suffix;
CREATE INDEX jwst_images_time ON jwst_images (time, image_id);
CREATE INDEX jwst_images_program ON jwst_images (program, time, image_id);
CREATE INDEX jwst_images_suffix ON jwst_images (suffix, time, image_id);
"""

SPACE = """
CREATE INDEX space_neo_time ON space_neo (time, neo_id, approach_date, orbiting_body);
"""


def upgrade() -> None:
    """Add indexes, and replace those that no query uses."""
    for statement in (DATASETS, IMAGES, SPACE):
        run_sql(statement)
