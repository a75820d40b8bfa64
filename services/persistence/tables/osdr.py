"""The table of NASA's datasets."""

from services.persistence.tables.columns import Column, Table, data_columns, envelope_columns

OSDR_DATASETS = Table(
    "osdr_datasets",
    (
        *envelope_columns(),
        *data_columns("int4", "number"),
        *data_columns("text", "accession", "title", "description", "project_type"),
        *data_columns(
            "text[]",
            "organisms",
            "material_types",
            "assay_types",
            "factors",
            "project_ids",
            "project_titles",
            "flight_programs",
            "space_programs",
            "publications",
            "data_sources",
        ),
        *data_columns("date", "release_date"),
        Column("missions", "jsonb", "data.missions_document"),
        Column("links", "jsonb", "data.links_document"),
        *data_columns("jsonb", "raw"),
    ),
    latest_of=("accession",),
    history="osdr_dataset_changes",
)
