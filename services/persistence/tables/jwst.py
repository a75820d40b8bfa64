"""The table of the James Webb Space Telescope's pictures."""

from services.persistence.tables.columns import Table, data_columns, envelope_columns

JWST_IMAGES = Table(
    "jwst_images",
    (
        *envelope_columns(),
        *data_columns(
            "text",
            "image_id",
            "observation_id",
            "suffix",
            "caption",
            "preview_url",
            "image_url",
            "data_url",
            "target",
            "target_class",
            "title",
            "description",
            "investigator",
            "product_type",
            "archive_id",
        ),
        *data_columns("text[]", "instruments", "filters"),
        *data_columns("int4", "program", "calibration_level"),
        *data_columns("timestamptz", "released_at", "observed_from", "observed_until"),
        *data_columns(
            "float8", "exposure_s", "ra_deg", "dec_deg", "wavelength_min_nm", "wavelength_max_nm"
        ),
        *data_columns("jsonb", "upstream_body"),
    ),
    latest_of=("image_id",),
)
