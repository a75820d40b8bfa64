"""Full-text search, and the indexes that lists and filters need.

Revision ID: 0007
"""

from services.persistence.migrations.plain_sql import run_sql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# array_to_string is not IMMUTABLE, because the text form of some types depends on settings; for
# text[] it does not.
WORDS = """
CREATE FUNCTION words(VARIADIC labels text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_to_string(labels, ' ');
"""

# Without `fastupdate`: with it, a GIN index keeps new entries in a list that every search reads as
# well, and these tables are changed rarely and searched often.
#
# The number is indexed beside the accession, because the parser reads OSD-137 as `osd` and `-137`.
# Titles may be longer than an index entry, so they are sorted by their beginning, ignoring case.
DATASETS = """
ALTER TABLE osdr_datasets
  ADD COLUMN title_sort text GENERATED ALWAYS AS (lower(left(title, 200))) STORED,
  ADD COLUMN search tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('english', words(title, accession, number::text)), 'A') ||
    setweight(to_tsvector('english', words(words(VARIADIC organisms), words(VARIADIC assay_types),
      words(VARIADIC flight_programs), words(VARIADIC space_programs))), 'B') ||
    setweight(jsonb_to_tsvector('english', jsonb_path_query_array(missions, '$[*].name'),
      '"string"'), 'B') ||
    setweight(to_tsvector('english', words(description, project_type, words(VARIADIC factors),
      words(VARIADIC material_types), words(VARIADIC project_titles))), 'C')) STORED;
CREATE INDEX osdr_datasets_search ON osdr_datasets
  USING gin (search) WITH (fastupdate = off);
CREATE INDEX osdr_datasets_organisms ON osdr_datasets
  USING gin (organisms) WITH (fastupdate = off);
CREATE INDEX osdr_datasets_assay_types ON osdr_datasets
  USING gin (assay_types) WITH (fastupdate = off);
CREATE INDEX osdr_datasets_project_type ON osdr_datasets (project_type, number);
CREATE INDEX osdr_datasets_released ON osdr_datasets (release_date DESC NULLS LAST, number DESC);
CREATE INDEX osdr_datasets_title ON osdr_datasets (title_sort, number);
"""

IMAGES = """
ALTER TABLE jwst_images
  ADD COLUMN search tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('english', words(target, title)), 'A') ||
    setweight(to_tsvector('english', words(translate(caption, '/', ' '), program::text,
      words(VARIADIC instruments), words(VARIADIC filters))), 'B') ||
    setweight(to_tsvector('english', words(description, target_class, investigator)), 'C')) STORED;
CREATE INDEX jwst_images_search ON jwst_images
  USING gin (search) WITH (fastupdate = off);
CREATE INDEX jwst_images_instruments ON jwst_images
  USING gin (instruments) WITH (fastupdate = off);
-- A view's columns are those that the table had when it was made.
CREATE OR REPLACE VIEW jwst_gallery AS
  SELECT * FROM jwst_images
  WHERE origin <> 'snapshot'
    OR NOT EXISTS (SELECT FROM jwst_images WHERE origin <> 'snapshot');
"""

OTHERS = """
-- Every row of every table has a column `time`.
ALTER TABLE iss_elements ADD COLUMN time timestamptz GENERATED ALWAYS AS (epoch) STORED;
"""


def upgrade() -> None:
    """Add columns and indexes."""
    for statement in (WORDS, DATASETS, IMAGES, OTHERS):
        run_sql(statement)
