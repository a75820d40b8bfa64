"""Records in the archives' forms, and who gave them."""

from datetime import UTC, datetime
from typing import Any

from libs.common.events import Origin, Provenance

FETCHED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MAST = Provenance("mast", Origin.LIVE, FETCHED)
JWSTAPI = Provenance("jwstapi.com", Origin.LIVE, FETCHED)
DOWNLOAD = "https://mast.stsci.edu/api/v0.1/Download/file?uri=mast:JWST/product/"
CDN = "https://jwst-api-cdn.nyc3.cdn.digitaloceanspaces.com"


def mast_row(**changes: Any) -> dict[str, Any]:
    """Return a row of MAST with every column that is read; `...` takes a column away."""
    row: dict[str, Any] = {
        "dataproduct_type": "image",
        "calib_level": 3,
        "obs_collection": "JWST",
        "obs_id": "jw01234-o001_t002_nircam_clear-f150w",
        "target_name": "NGC 1234",
        "target_classification": "Galaxy; Spiral galaxies",
        "s_ra": 47.5,
        "s_dec": -20.25,
        "t_min": 60_500.5,
        "t_max": 60_500.75,
        "t_exptime": 1_288.5,
        "instrument_name": "NIRCAM/IMAGE",
        "filters": "CLEAR;F150W",
        "em_min": 1_331.0,
        "em_max": 1_668.0,
        "obs_title": "A survey",
        "t_obs_release": 60_866.0,
        "proposal_pi": "Doe, Jane",
        "proposal_id": "1234",
        "jpegURL": "mast:JWST/product/jw01234-o001_t002_nircam_clear-f150w_i2d.jpg",
        "dataURL": "mast:JWST/product/jw01234-o001_t002_nircam_clear-f150w_i2d.fits",
        "dataRights": "PUBLIC",
        "obsid": 83_209_967,
        "sequence_number": -999,
    }
    return {key: value for key, value in (row | changes).items() if value is not ...}


def jwstapi_item(
    stem: str = "jw02731001001_02105_00004_nrca1_cal", **changes: Any
) -> dict[str, Any]:
    """Return an item of jwstapi.com; `...` takes a field away."""
    item: dict[str, Any] = {
        "id": f"{stem}.jpg",
        "observation_id": stem.rpartition("_")[0].replace("_", "-"),
        "program": 2_731,
        "details": {
            "mission": "JWST",
            "instruments": [{"instrument": "FGS"}, {"instrument": "MIRI"}],
            "suffix": "_cal",
            "description": "exposure (L2b): calibrated",
        },
        "file_type": "jpg",
        "thumbnail": f"{CDN}/thumb--{stem}_thumb.jpg",
        "location": f"{CDN}/jwst--{stem}.jpg",
    }
    return {key: value for key, value in (item | changes).items() if value is not ...}
