"""Rows enough for the planner to choose as it would in years of use, made by the server itself."""

from typing import LiteralString

import psycopg

_POSITIONS: LiteralString = """
INSERT INTO iss_positions (time, id, fetched_at, origin, provider, sequence, source_url, norad_id,
    name, latitude_deg, longitude_deg, altitude_km, velocity_kmh, footprint_km,
    solar_latitude_deg, solar_longitude_deg, upstream_body)
  SELECT '2026-01-01Z'::timestamptz + n * interval '4 min', gen_random_uuid(), now(), 'live',
      'test', n, 'url', 25544, 'iss', 51 * sin(n), 180 * cos(n), 420, 27600, 4500, 0, 0, '{}'
    FROM generate_series(0, 20000) AS n
"""
_ELEMENTS: LiteralString = """
INSERT INTO iss_elements (epoch, id, fetched_at, origin, provider, norad_id, object_name, object_id,
    mean_motion_rev_per_day, eccentricity, inclination_deg, raan_deg, arg_perigee_deg,
    mean_anomaly_deg, bstar, mean_motion_dot, mean_motion_ddot, element_set_number,
    revolution_number)
  SELECT '2026-01-01Z'::timestamptz + n * interval '8 h', gen_random_uuid(), now(), 'live',
      'test', 25544, 'iss', '1998-067A', 15, 0, 51, 0, 0, 0, 0, 0, 0, 999, n
    FROM generate_series(0, 5000) AS n
"""
_DATASETS: LiteralString = """
INSERT INTO osdr_datasets (time, id, fetched_at, origin, provider, number, accession, title,
    description, project_type, organisms, material_types, assay_types, factors, project_ids,
    project_titles, flight_programs, space_programs, publications, data_sources, release_date,
    missions, links, raw)
  SELECT now(), gen_random_uuid(), now() - n * interval '1 min', 'live', 'test', n, 'OSD-' || n,
      'Study ' || md5(n::text), 'Words ' || md5((n + 1)::text), 'Project type ' || n % 40,
      ARRAY['Organism ' || n % 60], '{}', ARRAY['Assay ' || n % 80], '{}', '{}', '{}',
      ARRAY['Flight program ' || n % 50], ARRAY['Space program ' || n % 50], '{}', '{}',
      '2020-01-01'::date + n % 1500, '[]', '[]', '{}'
    FROM generate_series(1, 4000) AS n
"""
_CHANGES: LiteralString = """
INSERT INTO osdr_dataset_changes (time, id, fetched_at, origin, provider, number, accession, title,
    organisms, material_types, assay_types, factors, project_ids, project_titles, flight_programs,
    space_programs, publications, data_sources, missions, links, raw)
  SELECT fetched_at, id, fetched_at, origin, provider, number, accession, title,
      organisms, material_types, assay_types, factors, project_ids, project_titles, flight_programs,
      space_programs, publications, data_sources, missions, links, raw
    FROM osdr_datasets
"""
_IMAGES: LiteralString = """
INSERT INTO jwst_images (time, id, fetched_at, origin, provider, image_id, observation_id, program,
    suffix, instruments, filters, caption, preview_url, image_url, target)
  SELECT '2022-07-01Z'::timestamptz + n * interval '3 h', gen_random_uuid(), now(), 'live', 'test',
      'jw' || n, 'jw' || n, 1000 + n % 100, '_s' || n % 50, ARRAY['Instrument ' || n % 90], '{}',
      'caption', 'url', 'url', 'Target ' || md5(n::text)
    FROM generate_series(1, 6000) AS n
"""
_SKY: LiteralString = """
INSERT INTO astro_events (time, id, fetched_at, origin, provider, key, kind, variant, title, bodies,
    confirmed_by, data)
  SELECT '2026-01-01Z'::timestamptz + n * interval '1 h', gen_random_uuid(), now(), 'live', 'test',
      'key ' || n, 'kind ' || n % 40, 'v', 't', '{}', '{}', '{}'
    FROM generate_series(1, 8000) AS n
"""
_APOD: LiteralString = """
INSERT INTO space_apod (time, id, fetched_at, origin, provider, picture_date, sequence, title,
    media_type, upstream_body)
  SELECT now(), gen_random_uuid(), now(), 'live', 'test', '2010-01-01'::date + n, n, 't',
      'image', '{}'
    FROM generate_series(1, 5000) AS n
"""
_NEO: LiteralString = """
INSERT INTO space_neo (time, id, fetched_at, origin, provider, neo_id, approach_date, orbiting_body,
    sequence, name, upstream_body)
  SELECT '2024-01-01Z'::timestamptz + n / 20 * interval '1 d' + n % 20 * interval '1 h',
      gen_random_uuid(), now(), 'live', 'test', 'neo ' || n, '2024-01-01'::date + n / 20, 'Earth',
      n, 'n', '{}'
    FROM generate_series(1, 8000) AS n
"""
_FLARES: LiteralString = """
INSERT INTO space_flares (time, id, fetched_at, origin, provider, flare_id, begin_time, sequence,
    instruments, linked_activities, upstream_body)
  SELECT now(), gen_random_uuid(), now(), 'live', 'test', 'flare ' || n,
      '2020-01-01Z'::timestamptz + n * interval '9 h', n, '{}', '{}', '{}'
    FROM generate_series(1, 5000) AS n
"""
_CMES: LiteralString = """
INSERT INTO space_cmes (time, id, fetched_at, origin, provider, cme_id, start_time, sequence,
    instruments, linked_activities, analysis_count, upstream_body)
  SELECT now(), gen_random_uuid(), now(), 'live', 'test', 'cme ' || n,
      '2020-01-01Z'::timestamptz + n * interval '9 h', n, '{}', '{}', 0, '{}'
    FROM generate_series(1, 5000) AS n
"""
_LAUNCHES: LiteralString = """
INSERT INTO space_launches (time, id, fetched_at, origin, provider, launch_id, net, sequence, name,
    webcast_urls, upstream_body)
  SELECT now(), gen_random_uuid(), now(), 'live', 'test', 'launch ' || n,
      '2020-01-01Z'::timestamptz + n * interval '1 d', n, 'n', '{}', '{}'
    FROM generate_series(1, 5000) AS n
"""
_TABLES = (
    _POSITIONS,
    _ELEMENTS,
    _DATASETS,
    _CHANGES,
    _IMAGES,
    _SKY,
    _APOD,
    _NEO,
    _FLARES,
    _CMES,
    _LAUNCHES,
)


def fill(database_url: str) -> None:
    """Fill every table with thousands of rows, and let the planner learn of them."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "SELECT ensure_month('iss_positions', '2026-01-01'::date + n * 28)"
            " FROM generate_series(0, 2) AS n"
        )
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute("SELECT rebuild_roll_ups('-infinity', 'infinity')")
        connection.execute("ANALYZE")
