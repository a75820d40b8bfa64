"""The records as received of elements, images and announced events, as in the other tables.

Revision ID: 0010
"""

from services.persistence.migrations.plain_sql import run_sql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# NULL in older rows, and where nothing was received: computed, or shipped with the project.
RECORDS = """
ALTER TABLE iss_elements ADD COLUMN upstream_body jsonb;
ALTER TABLE jwst_images ADD COLUMN upstream_body jsonb;
ALTER TABLE astro_events ADD COLUMN upstream_body jsonb;
-- A view's columns are those that the table had when it was made.
CREATE OR REPLACE VIEW jwst_gallery AS
  SELECT * FROM jwst_images
  WHERE origin <> 'snapshot'
    OR NOT EXISTS (SELECT FROM jwst_images WHERE origin <> 'snapshot');
"""


def upgrade() -> None:
    """Add a column to each of the three tables."""
    run_sql(RECORDS)
