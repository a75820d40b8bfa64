"""Records become pictures, whole, or a reason why not."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.events import JwstImageEvent, decode
from services.ingest_jwst.normalize import (
    Span,
    caption_of,
    is_public,
    is_wanted,
    jwstapi_image,
    jwstapi_page,
    mast_image,
    mast_page,
    released_image,
    to_mjd,
)
from services.ingest_jwst.providers.shipped import shipped_images
from tests.unit.ingest_jwst.records import (
    CDN,
    DOWNLOAD,
    FETCHED,
    JWSTAPI,
    MAST,
    jwstapi_item,
    mast_row,
)

STEM = "jw01234-o001_t002_nircam_clear-f150w_i2d"
SPAN = Span(datetime(2025, 7, 1, tzinfo=UTC), datetime(2025, 8, 1, tzinfo=UTC))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_a_row_of_mast_is_taken_whole() -> None:
    """Every fact of a row stands in the event, dates as UTC."""
    event = mast_image(mast_row(), MAST)
    image = event.data
    assert event.subject == image.image_id == STEM
    assert event.time == image.released_at == datetime(2025, 7, 10, tzinfo=UTC)
    assert image.observed_from == datetime(2024, 7, 9, 12, tzinfo=UTC)
    assert image.observed_until == datetime(2024, 7, 9, 18, tzinfo=UTC)
    assert image.model_dump(exclude={"released_at", "observed_from", "observed_until"}) == {
        "image_id": STEM,
        "observation_id": "jw01234-o001_t002_nircam_clear-f150w",
        "program": 1_234,
        "suffix": "_i2d",
        "instruments": ["NIRCam"],
        "filters": ["F150W"],
        "caption": "NGC 1234, NIRCam F150W: A survey",
        "preview_url": f"{DOWNLOAD}{STEM}.jpg",
        "image_url": f"{DOWNLOAD}{STEM}.jpg",
        "data_url": f"{DOWNLOAD}{STEM}.fits",
        "target": "NGC 1234",
        "target_class": "Galaxy; Spiral galaxies",
        "title": "A survey",
        "description": None,
        "investigator": "Doe, Jane",
        "product_type": "image",
        "calibration_level": 3,
        "exposure_s": 1_288.5,
        "ra_deg": 47.5,
        "dec_deg": -20.25,
        "wavelength_min_nm": 1_331.0,
        "wavelength_max_nm": 1_668.0,
        "archive_id": "83209967",
        "upstream_body": mast_row(),
    }
    assert decode(event.encode()) == event


@pytest.mark.parametrize(
    "given_link",
    [
        ...,
        None,
        "",
        "not a link",
        "https://example.org/x.jpg",
        f"mast:JWST/product/{STEM}.jpg",
        f"{DOWNLOAD}{STEM}.jpg",
        "mast:JWST/product/jw09999-o001_t002_nircam_clear-f150w_i2d.jpg",
    ],
)
def test_the_preview_is_made_up_by_rule_where_none_is_given(given_link: object) -> None:
    """Null, missing, foreign or of another observation: the archive's rule gives the same link."""
    event = mast_image(mast_row(jpegURL=given_link), MAST)
    assert event.data.preview_url == f"{DOWNLOAD}{STEM}.jpg"
    assert event.subject == STEM


def test_a_cubes_preview_has_the_cubes_suffix() -> None:
    """The rule for the name depends on the kind of product."""
    row = mast_row(
        obs_id="jw01039-o004_t001_miri_ch3-long",
        dataproduct_type="cube",
        jpegURL=None,
        instrument_name="MIRI",
        filters=None,
    )
    event = mast_image(row, MAST)
    assert event.subject == "jw01039-o004_t001_miri_ch3-long_s3d"
    assert (event.data.instruments, event.data.filters) == (["MIRI"], [])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"obsid": "83209967"}, {"archive_id": "83209967"}),
        ({"obsid": None}, {"archive_id": None}),
        ({"instrument_name": None}, {"instruments": ["NIRCam"]}),
        ({"instrument_name": "MIRI/IMAGE"}, {"instruments": ["MIRI"]}),
        ({"filters": None}, {"filters": ["F150W"]}),
        ({"filters": "F444W;F470N"}, {"filters": ["F444W", "F470N"]}),
        ({"t_min": None, "t_max": ...}, {"observed_from": None, "observed_until": None}),
        ({"em_min": 0, "em_max": None}, {"wavelength_min_nm": None, "wavelength_max_nm": None}),
        (
            {"target_name": ""},
            {
                "target": None,
                "caption": "jw01234-o001_t002_nircam_clear-f150w, NIRCam F150W: A survey",
            },
        ),
        ({"obs_title": "<b>Deep</b> &amp; wide"}, {"title": "Deep & wide"}),
        ({"obs_title": "<![x["}, {"title": "<![x["}),
        ({"obs_title": "x" * 9_000}, {"title": "x" * 500}),
        ({"dataURL": None}, {"data_url": None}),
        ({"obs_id": "JW01234-O001_T002_NIRCAM_CLEAR-F150W"}, {"image_id": STEM}),
        ({"target_name": "null", "obs_title": "NULL"}, {"target": None, "title": None}),
        ({"filters": "null"}, {"filters": ["F150W"]}),
    ],
)
def test_what_a_row_may_lack_or_spell_otherwise(
    changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Missing, null and oddly typed columns leave the rest of the row as it is."""
    image = mast_image(mast_row(**changes), MAST).data
    assert {name: getattr(image, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ([], "expected an object"),
        (mast_row(obs_id=None), "obs_id: expected text"),
        (mast_row(obs_id="u27xcs01t"), "expected a JWST name"),
        (mast_row(obs_collection="HST"), "obs_collection: expected JWST"),
        (mast_row(t_min=1_600_000_000), "t_min: expected a Modified Julian Date"),
        (mast_row(t_obs_release="2025-07-10"), "t_obs_release: expected a Modified"),
    ],
)
def test_a_row_that_is_no_picture_says_why(row: object, reason: str) -> None:
    """The reason names the column and what was expected."""
    with pytest.raises(ValueError, match=reason):
        mast_image(row, MAST)


def test_ignored_filters_are_noticed() -> None:
    """Each property that was asked for is verified on the row itself."""
    assert is_wanted(mast_row(), SPAN)
    assert is_wanted(mast_row(dataproduct_type="cube", calib_level="3"), SPAN)
    for changes in (
        {"obs_collection": "HST"},
        {"dataproduct_type": "spectrum"},
        {"calib_level": 2},
        {"t_obs_release": to_mjd(SPAN.until + timedelta(seconds=1))},
        {"t_obs_release": to_mjd(SPAN.since - timedelta(seconds=1))},
    ):
        assert not is_wanted(mast_row(**changes), SPAN), changes


@pytest.mark.parametrize("release", [None, "60866", ...])
def test_a_row_that_cannot_be_read_is_not_one_that_was_not_asked_for(release: object) -> None:
    """Without a time of release it is read, and found to be none."""
    row = mast_row(t_obs_release=release)
    assert is_wanted(row, SPAN)
    assert is_wanted("a row", SPAN)
    with pytest.raises(ValueError, match="t_obs_release: expected a Modified Julian Date"):
        released_image(row, MAST)
    assert not is_wanted({**row, "obs_collection": "HST"}, SPAN)


def test_exclusive_data_are_not_public() -> None:
    """Whoever follows their links gets 401."""
    assert is_public(mast_row())
    assert not is_public(mast_row(dataRights="EXCLUSIVE_ACCESS"))


@pytest.mark.parametrize(
    ("body", "status", "rows", "is_last"),
    [
        ({"status": "EXECUTING", "msg": ""}, "EXECUTING", 0, False),
        ({"status": "ERROR", "msg": "no such column"}, "ERROR", 0, True),
        (
            {"status": "COMPLETE", "data": [1, 2], "paging": {"pagesFiltered": 3}},
            "COMPLETE",
            2,
            False,
        ),
        (
            {"status": "COMPLETE", "data": [1, 2], "paging": {"pagesFiltered": 2}},
            "COMPLETE",
            2,
            True,
        ),
        ({"status": "COMPLETE", "data": [1, 2]}, "COMPLETE", 2, False),
        ({"status": "COMPLETE", "data": [1]}, "COMPLETE", 1, True),
        # Zero pages with rows: it did not count.
        (
            {"status": "COMPLETE", "data": [1, 2], "paging": {"pagesFiltered": 0}},
            "COMPLETE",
            2,
            False,
        ),
        ({"status": "COMPLETE", "data": [], "paging": {"pagesFiltered": 9}}, "COMPLETE", 0, True),
    ],
)
def test_masts_three_states(body: object, status: str, rows: int, is_last: bool) -> None:  # noqa: FBT001 - a column of the table
    """State, rows and the end of the pages are read from the body; HTTP says 200 to all."""
    page = mast_page(body, page=2, page_size=2)
    assert (page.status, len(page.rows), page.is_last) == (status, rows, is_last)


@pytest.mark.parametrize(
    "body", [None, [], {}, {"error": "x", "status": 500}, {"status": "COMPLETE"}]
)
def test_what_is_no_answer_of_mast(body: object) -> None:
    """An error object with 200 is no answer."""
    with pytest.raises(ValueError, match="expected"):
        mast_page(body, page=1, page_size=2)


def test_an_item_of_jwstapi_is_taken_whole() -> None:
    """The instrument is that of the file, whatever the item lists."""
    event = jwstapi_image(jwstapi_item(), JWSTAPI)
    assert event
    image = event.data
    stem = "jw02731001001_02105_00004_nrca1_cal"
    assert event.subject == image.image_id == stem
    assert event.time == FETCHED
    assert image.model_dump(exclude_none=True) == {
        "image_id": stem,
        "observation_id": "jw02731001001_02105_00004_nrca1",
        "program": 2_731,
        "suffix": "_cal",
        "instruments": ["NIRCam"],
        "filters": [],
        "caption": "jw02731001001_02105_00004_nrca1, NIRCam: exposure (L2b): calibrated",
        "preview_url": f"{CDN}/thumb--{stem}_thumb.jpg",
        "image_url": f"{CDN}/jwst--{stem}.jpg",
        "description": "exposure (L2b): calibrated",
        "upstream_body": jwstapi_item(),
    }


def test_an_empty_thumbnail_is_none() -> None:
    """The picture itself is the preview then."""
    event = jwstapi_image(jwstapi_item(thumbnail=""), JWSTAPI)
    assert event
    assert event.data.preview_url == event.data.image_url


@pytest.mark.parametrize(
    "item",
    [jwstapi_item(file_type="fits"), jwstapi_item("jw02731001001_02105_00004_nrca1_cal_thumb")],
)
def test_data_files_and_thumbnails_are_no_pictures_of_their_own(item: object) -> None:
    """They are passed over, and are no reason to complain."""
    assert jwstapi_image(item, JWSTAPI) is None


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (7, "expected an object"),
        (jwstapi_item(id=None), "id: expected"),
        (jwstapi_item(id="picture.jpg"), "expected a JWST name"),
        (jwstapi_item(file_type=...), "file_type: expected"),
        (jwstapi_item(location=None), "location: expected"),
        (jwstapi_item(location="https://example.org/x.jpg"), "location: expected"),
    ],
)
def test_an_item_that_is_no_picture_says_why(item: object, reason: str) -> None:
    """The reason names the field and what was expected."""
    with pytest.raises(ValueError, match=reason):
        jwstapi_image(item, JWSTAPI)


@pytest.mark.parametrize(
    ("body", "status", "items"),
    [
        ({"statusCode": 200, "body": [1], "error": ""}, 200, 1),
        ({"statusCode": 200, "body": []}, 200, 0),
        ({"statusCode": 200}, 200, 0),
        ({"statusCode": 403, "body": None, "error": "no key"}, 403, 0),
    ],
)
def test_the_envelopes_status_counts(body: object, status: int, items: int) -> None:
    """A missing body is an empty one."""
    page = jwstapi_page(body)
    assert (page.status, len(page.items)) == (status, items)


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"statusCode": "200"}, {"statusCode": True}, {"statusCode": 200, "body": "x"}],
)
def test_what_is_no_envelope(body: object) -> None:
    """It is refused as a whole."""
    with pytest.raises(ValueError, match="expected"):
        jwstapi_page(body)


def test_one_picture_has_one_subject_in_both_archives() -> None:
    """A gallery that changes its provider doubles nothing."""
    seen = jwstapi_image(jwstapi_item(STEM), JWSTAPI)
    assert seen
    assert seen.subject == mast_image(mast_row(), MAST).subject


def test_content_and_origin_make_the_id() -> None:
    """The same content from the same kind of origin is the same event, whenever it is fetched."""
    later = MAST.__class__(MAST.provider, MAST.origin, FETCHED + timedelta(days=1))
    event = mast_image(mast_row(), MAST)
    assert mast_image(mast_row(), later).id == event.id
    assert mast_image(mast_row(t_exptime=1.0), MAST).id != event.id


def test_a_row_is_no_news_because_of_its_neighbours() -> None:
    """MAST leaves out a column that is null in all rows of a page; what it sent is kept as sent."""
    alone, among_others = mast_row(filters=..., srcDen=...), mast_row(filters=None, srcDen=None)
    events = [mast_image(row, MAST) for row in (alone, among_others)]
    assert events[0].id == events[1].id
    assert [event.data.upstream_body for event in events] == [alone, among_others]


def test_what_cannot_be_stored_is_not_kept() -> None:
    """Nor is a record that nobody honest sends."""
    event = mast_image(mast_row(project="a\x00b", srcDen=float("inf")), MAST)
    assert event.data.upstream_body == mast_row(project="a\ufffdb", srcDen=None)
    with pytest.raises(ValueError, match="at most 262144 bytes"):
        mast_image(mast_row(s_region="x" * 300_000), MAST)
    with pytest.raises(ValueError, match="nested deeper"):
        jwstapi_image(jwstapi_item(details=json.loads("[" * 400 + "]" * 400)), JWSTAPI)


def test_nobody_sent_the_shipped_images() -> None:
    """They are facts only."""
    assert [event.data.upstream_body for event in shipped_images()] == [None] * len(
        shipped_images()
    )


def test_a_caption_is_one_bounded_line() -> None:
    """It has what there is, and an end."""
    assert caption_of("M 74", [], [], None) == "M 74"
    assert len(caption_of("M 74", ["MIRI"], ["F770W"], "x" * 900)) == 500


@given(JSON)
def test_any_json_is_an_event_or_a_value_error(body: object) -> None:
    """No body whatever raises anything else."""
    for normalize in (
        lambda: mast_image(body, MAST),
        lambda: jwstapi_image(body, JWSTAPI),
        lambda: mast_page(body, page=1, page_size=5),
        lambda: jwstapi_page(body),
    ):
        with suppress(ValueError):
            normalize()
    assert isinstance(is_wanted(body, SPAN), bool)


@given(st.dictionaries(st.sampled_from(sorted(mast_row())), JSON, max_size=4))
def test_a_spoilt_row_is_an_event_or_a_value_error(changes: dict[str, Any]) -> None:
    """Any column may hold anything; what comes out can be encoded and decoded."""
    row = mast_row() | changes
    assert isinstance(is_wanted(row, SPAN), bool)
    assert isinstance(is_public(row), bool)
    _holds(lambda: mast_image(row, MAST))


@given(st.dictionaries(st.sampled_from(sorted(jwstapi_item())), JSON, max_size=4))
def test_a_spoilt_item_is_an_event_or_a_value_error(changes: dict[str, Any]) -> None:
    """Any field may hold anything; what comes out can be encoded and decoded."""
    _holds(lambda: jwstapi_image(jwstapi_item() | changes, JWSTAPI))


def _holds(normalize: Any) -> None:
    try:
        event = normalize()
    except ValueError:
        return
    assert event is None or isinstance(decode(event.encode()), JwstImageEvent)
