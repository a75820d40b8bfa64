"""Some public images that come with the project, for a machine without a network: facts only.

Names, programs and links are the archives' own; the day of the observation is given where known.
The rows have the archives' own form, so that the normalizers read them like live ones.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

WRITTEN_ON = datetime(2026, 11, 23, tzinfo=UTC)
_CDN = "https://jwst-api-cdn.nyc3.cdn.digitaloceanspaces.com"
_LEVEL_2B = "exposure (L2b): 2D calibrated exposure average over integrations"
_LEVEL_2C = "exposure (L2c): 2D Calibrated data averaged over integrations"


def _observation(
    obs_id: str, instrument: str, filters: str, target: str, **more: object
) -> Mapping[str, object]:
    return {
        "obs_collection": "JWST",
        "dataproduct_type": "image",
        "calib_level": 3,
        "dataRights": "PUBLIC",
        "obs_id": obs_id,
        "instrument_name": f"{instrument}/IMAGE",
        "filters": filters,
        "target_name": target,
        "dataURL": f"mast:JWST/product/{obs_id}_i2d.fits",
        **more,
    }


def _exposure(name: str, description: str, *, has_thumbnail: bool = True) -> Mapping[str, object]:
    return {
        "id": f"{name}.jpg",
        "file_type": "jpg",
        "details": {"description": description},
        "thumbnail": f"{_CDN}/thumb--{name}_thumb.jpg" if has_thumbnail else "",
        "location": f"{_CDN}/jwst--{name}.jpg",
    }


_CLIFFS = "NGC 3324 (Cosmic Cliffs, Carina Nebula)"
_CLUSTER = "SMACS J0723.3-7327"
_RING = "NGC 3132 (Southern Ring Nebula)"

# Early Release Observations of July 2022, a spiral galaxy, and a spectral cube of a calibration.
OBSERVATIONS: Sequence[Mapping[str, object]] = (
    _observation("jw02731-o001_t017_nircam_clear-f090w", "NIRCAM", "F090W", _CLIFFS),
    _observation("jw02731-o001_t017_nircam_clear-f187n", "NIRCAM", "F187N", _CLIFFS),
    _observation("jw02731-o001_t017_nircam_clear-f200w", "NIRCAM", "F200W", _CLIFFS),
    _observation("jw02731-o001_t017_nircam_clear-f335m", "NIRCAM", "F335M", _CLIFFS),
    _observation("jw02731-o001_t017_nircam_clear-f444w", "NIRCAM", "F444W", _CLIFFS),
    _observation("jw02731-o001_t017_nircam_f444w-f470n", "NIRCAM", "F444W;F470N", _CLIFFS),
    _observation("jw02736-o001_t001_nircam_clear-f090w", "NIRCAM", "F090W", _CLUSTER),
    _observation("jw02736-o001_t001_nircam_clear-f200w", "NIRCAM", "F200W", _CLUSTER),
    _observation("jw02736-o001_t001_nircam_clear-f356w", "NIRCAM", "F356W", _CLUSTER),
    _observation("jw02736-o002_t001_miri_f770w", "MIRI", "F770W", _CLUSTER),
    _observation("jw02733-o001_t001_nircam_clear-f187n", "NIRCAM", "F187N", _RING),
    _observation("jw02733-o001_t001_nircam_f405n-f444w", "NIRCAM", "F405N;F444W", _RING),
    _observation("jw02733-o002_t001_miri_f1130w", "MIRI", "F1130W", _RING),
    _observation("jw02107-o039_t018_miri_f770w", "MIRI", "F770W", "NGC 628 (M 74)"),
    _observation(
        "jw01039-o004_t001_miri_ch3-long",
        "MIRI",
        "",
        "NGC6552",
        dataproduct_type="cube",
        dataURL="mast:JWST/product/jw01039-o004_t001_miri_ch3-long_s3d.fits",
        obs_title="MIRI Detector Latent Image Characterization",
        proposal_pi="Dicken, Daniel",
        t_min=59706.50301039352,
        t_max=59706.51692592593,
        t_exptime=555.008,
        t_obs_release=59774.8541666,
        s_ra=270.0302116666667,
        s_dec=66.61509722222222,
    ),
)

EXPOSURES: Sequence[Mapping[str, object]] = (
    _exposure("jw02731001001_02105_00004_nrca1_cal", _LEVEL_2B),
    _exposure("jw02731001001_02103_00001_nrcblong_cal", _LEVEL_2B),
    _exposure("jw02731001002_02103_00001_nrca2_cal", _LEVEL_2B),
    _exposure("jw02731002005_02107_00005_mirimage_o002_crf", _LEVEL_2C, has_thumbnail=False),
)
