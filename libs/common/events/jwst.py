"""Events of the James Webb Space Telescope."""

from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints

from libs.common.events.envelope import Event, Latitude, Name, Provenance, Recorded

MAX_TEXT = 500
MAX_LINK = 2_000

Instrument = Literal["NIRCam", "NIRSpec", "MIRI", "NIRISS", "FGS"]
ShortText = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT)]
OpticalElement = Annotated[str, StringConstraints(min_length=1, max_length=40)]
SecureLink = Annotated[str, StringConstraints(pattern=r"^https://", max_length=MAX_LINK)]


class JwstImage(Recorded):
    """One public picture, whichever archive it was found in.

    `image_id` is the picture's file name in lower case, without its extension and `_thumb`: the
    same picture has the same name in every archive. `suffix` is the last part of that name, with
    the underscore (`_i2d`, `_s3d`, `_cal`): the kind of product that the picture shows.
    `observation_id` is the rest.

    `preview_url` is the smallest picture available, `image_url` the largest, `data_url` the
    measured data (FITS); they lead to archives that the service knows. The other optional fields
    are None where the archive does not give them: jwstapi.com has neither dates nor targets.

    Coordinates are ICRS; `wavelength_*_nm` is the band, `exposure_s` the sum of all exposures.
    `released_at` is the end of the exclusive period, `observed_from` and `observed_until` are the
    first and the last moment of exposure. `calibration_level` is that of CAOM: 2 for a calibrated
    exposure, 3 for a combination of them. `upstream_body` is the archive's row or item.
    """

    image_id: Name
    observation_id: Name
    program: Annotated[int, Field(ge=1, le=99_999)]
    suffix: Annotated[str, StringConstraints(pattern=r"^_[a-z0-9-]{1,40}$")]
    instruments: list[Instrument] = Field(default_factory=list, max_length=5)
    filters: list[OpticalElement] = Field(default_factory=list, max_length=20)
    caption: ShortText
    preview_url: SecureLink
    image_url: SecureLink
    data_url: SecureLink | None = None
    target: ShortText | None = None
    target_class: ShortText | None = None
    title: ShortText | None = None
    description: ShortText | None = None
    investigator: ShortText | None = None
    product_type: Literal["image", "cube"] | None = None
    calibration_level: Annotated[int, Field(ge=0, le=4)] | None = None
    released_at: AwareDatetime | None = None
    observed_from: AwareDatetime | None = None
    observed_until: AwareDatetime | None = None
    exposure_s: Annotated[float, Field(ge=0)] | None = None
    ra_deg: Annotated[float, Field(ge=0, le=360)] | None = None
    dec_deg: Latitude | None = None
    wavelength_min_nm: Annotated[float, Field(gt=0)] | None = None
    wavelength_max_nm: Annotated[float, Field(gt=0)] | None = None
    archive_id: Name | None = None


class JwstImageEvent(Event):
    """One picture; `time` is its release, else its observation, else when it was fetched."""

    SOURCE = "/cassiopeia/ingest_jwst"
    TYPE = "cassiopeia.jwst.image.v1"

    type: Literal["cassiopeia.jwst.image.v1"]
    data: JwstImage

    @classmethod
    def of_image(cls, data: JwstImage, *, provenance: Provenance) -> Self:
        """Wrap a picture; one event per picture, origin and content.

        The origin is part of the key, so that live data replace the shipped snapshot even where
        both say the same.
        """
        return cls.of(
            data,
            time=data.released_at or data.observed_from or provenance.fetched_at,
            provenance=provenance,
            subject=data.image_id,
            key=f"{provenance.origin}:{data.content}",
        )
