"""The station's tables."""

from services.persistence.tables.columns import (
    Column,
    RollUp,
    Table,
    data_columns,
    envelope_columns,
)

ISS_POSITIONS = Table(
    "iss_positions",
    (
        *envelope_columns(),
        Column("sequence", "int8", "sequence"),
        *data_columns("int4", "norad_id"),
        *data_columns("text", "name", "visibility", "source_url"),
        *data_columns(
            "float8",
            "latitude_deg",
            "longitude_deg",
            "altitude_km",
            "velocity_kmh",
            "footprint_km",
            "solar_latitude_deg",
            "solar_longitude_deg",
        ),
        *data_columns("timestamptz", "elements_epoch"),
        *data_columns("bool", "elements_trusted"),
        *data_columns("jsonb", "upstream_body"),
    ),
    by_month=True,
    roll_up=RollUp(
        values=("altitude_km", "velocity_kmh", "latitude_deg"), last_only=("longitude_deg",)
    ),
)

ISS_ELEMENTS = Table(
    "iss_elements",
    (
        *envelope_columns(time="epoch"),
        *data_columns("int4", "norad_id", "element_set_number", "revolution_number"),
        *data_columns("text", "object_name", "object_id"),
        *data_columns(
            "float8",
            "mean_motion_rev_per_day",
            "eccentricity",
            "inclination_deg",
            "raan_deg",
            "arg_perigee_deg",
            "mean_anomaly_deg",
            "bstar",
            "mean_motion_dot",
            "mean_motion_ddot",
        ),
        *data_columns("jsonb", "upstream_body"),
    ),
)
