"""What a product's name says."""

import pytest

from services.ingest_jwst.file_names import parse_product_name, program_of


@pytest.mark.parametrize(
    ("name", "instrument", "filters", "suffix"),
    [
        ("jw02731001001_02105_00004_nrca1_cal.jpg", "NIRCam", [], "_cal"),
        ("jw02731001001_02103_00001_nrcblong_cal.jpg", "NIRCam", [], "_cal"),
        ("jw02731002005_02107_00005_mirimage_o002_crf.jpg", "MIRI", [], "_crf"),
        ("jw01039004001_02101_00001_mirifulong_rate.jpg", "MIRI", [], "_rate"),
        ("jw01538160001_06101_00001_nrs1_rate.jpg", "NIRSpec", [], "_rate"),
        ("jw01093001001_03102_00002_nis_calints.jpg", "NIRISS", [], "_calints"),
        ("jw02731001001_gs-fg_2022154220302_cal.jpg", "FGS", [], "_cal"),
        ("jw02731001001_02105_00004_guider1_cal.jpg", "FGS", [], "_cal"),
        ("jw02731-o001_t017_nircam_f444w-f470n_i2d.jpg", "NIRCam", ["F444W", "F470N"], "_i2d"),
        ("jw02731-o001_t017_nircam_clear-f150w2_i2d.jpg", "NIRCam", ["F150W2"], "_i2d"),
        ("jw01523-o010_t010_miri_f1130w-sub64_i2d.jpg", "MIRI", ["F1130W"], "_i2d"),
        ("jw01039-o004_t001_miri_ch3-long_s3d.jpg", "MIRI", [], "_s3d"),
        (
            "jw01538-o160_s00004_nirspec_f170lp-g235h-s1600a1-sub2048_s2d.jpg",
            "NIRSpec",
            ["F170LP", "G235H"],
            "_s2d",
        ),
        ("jw01093-o012_t001_niriss_gr150c-f200w_i2d.jpg", "NIRISS", ["GR150C", "F200W"], "_i2d"),
    ],
)
def test_the_instrument_comes_from_the_detector_or_the_name(
    name: str, instrument: str, filters: list[str], suffix: str
) -> None:
    """Every form of name gives its instrument, its optics and its kind of product."""
    parsed = parse_product_name(name)
    assert (parsed.instruments, parsed.filters, parsed.suffix) == ([instrument], filters, suffix)
    assert parsed.stem == parsed.observation_id + suffix == name.removesuffix(".jpg")
    assert parsed.program == int(name[2:7])
    assert not parsed.is_thumbnail


def test_a_thumbnail_has_its_pictures_name() -> None:
    """`_thumb` is no suffix of its own."""
    picture = parse_product_name("jw02731001001_02105_00004_nrca1_cal.jpg")
    thumbnail = parse_product_name("JW02731001001_02105_00004_nrca1_cal_thumb.JPG")
    assert (thumbnail.stem, thumbnail.suffix) == (picture.stem, "_cal")
    assert thumbnail.is_thumbnail


@pytest.mark.parametrize(
    "name",
    [
        "",
        "_thumb",
        "x.jpg",
        "jw_cal.jpg",
        "jw02731001001_cal.jpg",
        "hst_17902_02_wfc3_drc.jpg",
        "jw02731001001_021/05_cal.jpg",
        "jw00000001001_02105_00004_nrca1_cal.jpg",
        "jw02731" + "_a" * 500 + ".jpg",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    """What is no name of a JWST product is a ValueError, never a guess."""
    with pytest.raises(ValueError, match="expected"):
        parse_product_name(name)


def test_the_program_is_in_the_observations_name() -> None:
    """Five digits after `jw`."""
    assert program_of("jw01039-o004_t001_miri_ch3-long") == 1_039
