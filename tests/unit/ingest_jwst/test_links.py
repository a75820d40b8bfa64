"""Only links to known archives leave the service."""

import pytest

from services.ingest_jwst.links import archive_link, product_link
from tests.unit.ingest_jwst.records import CDN, DOWNLOAD


@pytest.mark.parametrize(
    "link",
    [
        f"{DOWNLOAD}jw01234-o001_t002_nircam_clear-f150w_i2d.jpg",
        "https://mast.stsci.edu/api/v0.1/Download/file?uri=mast%3AJWST%2Fproduct%2Fx_i2d.jpg",
        "https://archive.stsci.edu/hst/previews/U27X/U27XCS01T.jpg",
        "https://stpubdata-jwst.stsci.edu/ero/jw02734/L3/t/x_thumb.jpg",
        "https://stpubdata-jwst.s3.amazonaws.com/public/x_thumb.jpg",
        "https://s3.amazonaws.com/stpubdata-jwst/public/x_thumb.jpg",
        f"{CDN}/jwst--x_cal.jpg",
    ],
)
def test_known_archives_are_kept_as_they_are(link: str) -> None:
    """The archives' own links stay as they were written."""
    assert archive_link(link) == link


@pytest.mark.parametrize(
    "link",
    [
        None,
        5,
        "",
        "javascript:alert(1)",
        "http://mast.stsci.edu/x.jpg",
        "https://stsci.edu.example.org/x.jpg",
        "https://evil-stsci.edu/x.jpg",
        "https://mast.stsci.edu:8443/x.jpg",
        "https://example.org/https://mast.stsci.edu/x.jpg",
        "https://s3.amazonaws.com/somebody-else/x.jpg",
        "mast:HST/product/x.jpg",
        "mast:JWST/product/../../x.jpg",
        "mast:JWST/product/x.jpg&token=1",
        "https://[",
    ],
)
def test_everything_else_is_dropped(link: object) -> None:
    """Other hosts, other schemes, ports and names that are no file's are no links."""
    assert archive_link(link) is None


def test_a_link_carries_no_credentials() -> None:
    """User, password and key parameters are taken out."""
    assert archive_link("https://me:pw@mast.stsci.edu/x.jpg?token=1&a=2") == (
        "https://mast.stsci.edu/x.jpg?a=2"
    )


def test_a_mast_name_becomes_a_download() -> None:
    """The archive's URIs are turned into links that a browser can open."""
    assert (
        archive_link("mast:JWST/product/x_i2d.jpg")
        == product_link("x_i2d.jpg")
        == (f"{DOWNLOAD}x_i2d.jpg")
    )
