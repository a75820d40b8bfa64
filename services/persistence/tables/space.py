"""The tables of the space events: one row per thing, as it was fetched last."""

from services.persistence.tables.columns import Column, Table, data_columns, envelope_columns

SPACE_APOD = Table(
    "space_apod",
    (
        *envelope_columns(),
        Column("sequence", "int8", "sequence"),
        *data_columns("date", "picture_date"),
        *data_columns("text", "title", "explanation", "media_type", "copyright"),
        *data_columns("text", "url", "hd_url", "thumbnail_url"),
        *data_columns("jsonb", "upstream_body"),
    ),
    latest_of=("picture_date",),
)

SPACE_NEO = Table(
    "space_neo",
    (
        *envelope_columns(),
        Column("sequence", "int8", "sequence"),
        *data_columns("text", "neo_id", "name", "orbiting_body", "jpl_url"),
        *data_columns("date", "approach_date"),
        *data_columns("timestamptz", "approach_time"),
        *data_columns(
            "float8",
            "absolute_magnitude",
            "diameter_min_m",
            "diameter_max_m",
            "relative_velocity_km_s",
            "miss_distance_km",
            "miss_distance_ld",
            "miss_distance_au",
        ),
        *data_columns("bool", "is_potentially_hazardous", "is_sentry_object"),
        *data_columns("jsonb", "upstream_body"),
    ),
    latest_of=("neo_id", "approach_date", "orbiting_body"),
)

SPACE_FLARES = Table(
    "space_flares",
    (
        *envelope_columns(),
        Column("sequence", "int8", "sequence"),
        *data_columns("text", "flare_id", "class_type", "source_location", "note", "url"),
        *data_columns("timestamptz", "begin_time", "peak_time", "end_time", "submitted_at"),
        *data_columns("float8", "peak_flux_w_m2", "source_latitude_deg", "source_longitude_deg"),
        *data_columns("int4", "active_region", "version"),
        *data_columns("text[]", "instruments", "linked_activities"),
        *data_columns("jsonb", "upstream_body"),
    ),
    latest_of=("flare_id",),
)

SPACE_CMES = Table(
    "space_cmes",
    (
        *envelope_columns(),
        Column("sequence", "int8", "sequence"),
        *data_columns("text", "cme_id", "source_location", "analysis_type", "note", "url"),
        *data_columns(
            "timestamptz", "start_time", "at_21_5_radii", "earth_arrival_time", "submitted_at"
        ),
        *data_columns(
            "float8", "latitude_deg", "longitude_deg", "half_angle_deg", "speed_km_s", "kp_max"
        ),
        *data_columns("bool", "is_earth_glancing_blow"),
        *data_columns("int4", "active_region", "version", "analysis_count"),
        *data_columns("text[]", "instruments", "linked_activities"),
        *data_columns("jsonb", "upstream_body"),
    ),
    latest_of=("cme_id",),
)

SPACE_LAUNCHES = Table(
    "space_launches",
    (
        *envelope_columns(),
        Column("sequence", "int8", "sequence"),
        *data_columns("text", "launch_id", "name", "status", "status_name", "net_precision"),
        *data_columns("timestamptz", "net", "window_start", "window_end", "updated_at"),
        *data_columns("int4", "status_id", "provider_id", "probability_percent"),
        *data_columns("text", "hold_reason", "fail_reason", "provider_name", "rocket_name"),
        *data_columns("text", "mission_name", "mission_type", "mission_description", "orbit"),
        *data_columns("text", "pad_name", "location_name"),
        *data_columns("float8", "pad_latitude_deg", "pad_longitude_deg"),
        *data_columns("text", "image_url", "thumbnail_url", "image_credit", "url"),
        *data_columns("bool", "is_webcast_live"),
        *data_columns("text[]", "webcast_urls"),
        *data_columns("jsonb", "upstream_body"),
    ),
    latest_of=("launch_id",),
    # The time is that of the record's last change; the launch itself may be years ahead.
    kept_by="net",
)
