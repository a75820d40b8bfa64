"""Recorded bodies of the archives of JWST images."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from libs.common.events import Origin, Provenance
from services.ingest_jwst.normalize import (
    Span,
    is_wanted,
    jwstapi_image,
    jwstapi_page,
    mast_image,
    mast_page,
    mjd_of,
)

_NOW = datetime(2026, 11, 1, tzinfo=UTC)
_LIVE = Provenance("samples", Origin.LIVE, _NOW)
_EVER = Span(datetime(1990, 1, 1, tzinfo=UTC), _NOW)


def _jwstapi_items(content: bytes) -> str:
    """Check items that were recorded without their envelope."""
    items = json.loads(content)
    page = jwstapi_page({"statusCode": 200, "body": items, "error": ""})
    for item in page.items:
        assert isinstance(item, dict)
        event = jwstapi_image(item, _LIVE)
        assert event, item["id"]
        image = event.data
        assert f"{image.image_id}.jpg" == item["id"]
        assert image.observation_id.replace("_", "-") == item["observation_id"].replace("_", "-")
        assert image.program == item["program"]
        assert image.suffix == item["details"]["suffix"]
        assert image.description == item["details"]["description"]
        assert image.image_url == item["location"]
        assert image.preview_url == (item["thumbnail"] or item["location"])
        assert len(image.instruments) == 1
        assert image.upstream_body == item
    return f"{len(page.items)} images of jwstapi.com"


def _jwstapi_envelope(content: bytes) -> str:
    page = jwstapi_page(json.loads(content))
    assert (page.status, page.error) == (200, "")
    assert page.items
    return f"an envelope of jwstapi.com with {len(page.items)} items"


def _mast_record(content: bytes) -> str:
    """Check a record of CAOM's columns that stands alone."""
    row = json.loads(content)
    image = mast_image(row, _LIVE).data
    _same(row, image.model_dump(), _COLUMNS)
    assert image.released_at == mjd_of(row, "t_obs_release")
    assert image.observed_from == mjd_of(row, "t_min")
    assert image.observed_until == mjd_of(row, "t_max")
    assert image.program == int(row["proposal_id"])
    assert image.archive_id == str(row["obsid"])
    assert image.preview_url.endswith(row["jpegURL"])
    assert image.data_url
    assert image.data_url.endswith(row["dataURL"])
    assert is_wanted(row, _EVER)
    assert image.upstream_body == row
    return f"the image {image.image_id}: {image.caption}"


def _mast_answer(content: bytes) -> str:
    """Check an answer of `invoke`: its page is read, other missions' rows are not ours."""
    page = mast_page(json.loads(content), page=1, page_size=50_000)
    assert page.status == "COMPLETE"
    assert page.rows
    assert page.is_last
    ours = 0
    for row in page.rows:
        assert isinstance(row, dict)
        is_jwst = row.get("obs_collection") == "JWST" and "obs_id" in row
        assert is_wanted(row, _EVER) <= is_jwst
        if is_jwst:
            mast_image(row, _LIVE)
            ours += 1
        else:
            _refused(row)
    return f"a page of MAST: {len(page.rows)} rows, {ours} of them JWST's"


def _no_answer(content: bytes) -> str:
    """Check that a body of another service is not taken for a page."""
    try:
        mast_page(json.loads(content), page=1, page_size=50_000)
    except ValueError as error:
        return f"no page of images: {error}"
    raise AssertionError("another service's body was taken for a page of images")


def _refused(row: dict[str, Any]) -> None:
    try:
        mast_image(row, _LIVE)
    except ValueError:
        return
    raise AssertionError(f"{row.get('obs_id')} was taken for an image of JWST")


_COLUMNS = {
    "observation_id": "obs_id",
    "target": "target_name",
    "title": "obs_title",
    "investigator": "proposal_pi",
    "product_type": "dataproduct_type",
    "calibration_level": "calib_level",
    "exposure_s": "t_exptime",
    "ra_deg": "s_ra",
    "dec_deg": "s_dec",
}


def _same(row: dict[str, Any], image: dict[str, Any], columns: dict[str, str]) -> None:
    for field, column in columns.items():
        assert image[field] == row[column], f"{column}: {row[column]!r} became {image[field]!r}"


CHECKS: list[tuple[str, Callable[[bytes], str]]] = [
    ("jwstapi/all_type_jpg_items.json", _jwstapi_items),
    ("jwstapi/program_list_*.json", _jwstapi_envelope),
    ("mast/viz_parameters_*.documented.json", _mast_record),
    ("mast/astroquery_advSearch*.json", _mast_answer),
    ("mast/astroquery_caom.json", _mast_answer),
    ("mast/astroquery_products.json", _mast_answer),
    ("mast/astroquery_bundleResponse.json", _no_answer),
    ("mast/astroquery_columnsconfig.json", _no_answer),
    ("mast/astroquery_mast_relative_path.json", _no_answer),
    ("mast/astroquery_mission_*.json", _no_answer),
    ("mast/viz_products_*.documented.json", _no_answer),
]
