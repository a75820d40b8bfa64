"""How JWST images are shown."""

from datetime import datetime

from pydantic import Field, computed_field

from libs.common.events import Instrument
from services.gateway.models.told import Page, Told


class Image(Told):
    """A public image; `time` is its release, else its observation, else when it was fetched."""

    image_id: str = Field(examples=["jw02731-o001_t017_nircam_clear-f090w_i2d"])
    observation_id: str
    program: int
    suffix: str = Field(description="The kind of product, such as `_i2d`.")
    instruments: list[Instrument]
    filters: list[str]
    caption: str
    preview_url: str = Field(description="The smallest picture that the archive has.")
    image_url: str = Field(description="The largest picture.")
    data_url: str | None = Field(description="The measured data (FITS).")
    target: str | None
    target_class: str | None
    title: str | None = Field(description="Of the observing program.")
    description: str | None
    investigator: str | None
    product_type: str | None = Field(description="`image` or `cube`.")
    calibration_level: int | None
    released_at: datetime | None
    observed_from: datetime | None
    observed_until: datetime | None
    exposure_s: float | None
    ra_deg: float | None = Field(description="ICRS.")
    dec_deg: float | None = Field(description="ICRS.")
    wavelength_min_nm: float | None
    wavelength_max_nm: float | None
    archive_id: str | None

    @computed_field(description="Where this API gives the preview.")  # type: ignore[prop-decorator]
    @property
    def thumbnail_path(self) -> str:
        """Where this API gives the preview."""
        return f"/api/v1/jwst/images/{self.image_id}/thumbnail"


class ImagesPage(Page):
    """Images, the newest first."""

    items: list[Image]
    total: int = Field(description="How many there are in all pages.")
