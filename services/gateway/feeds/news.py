"""What goes into the feeds: datasets, images, pictures, space weather, launches. Pure."""

from urllib.parse import quote

from services.gateway.feeds.atom import Entry
from services.gateway.models.datasets import DatasetSummary
from services.gateway.models.images import Image
from services.gateway.models.space import Ejection, Flare, LaunchShown, Picture

_API = "/api/v1"


def dataset_entry(dataset: DatasetSummary) -> Entry:
    """Return a study as news: new once, updated with every version."""
    return Entry(
        path=f"{_API}/osdr/datasets/{dataset.accession}",
        title=f"{dataset.accession}: {dataset.title}",
        author=dataset.provider,
        published=dataset.first_stored_at,
        updated=dataset.time,
        summary="; ".join([*dataset.organisms, *dataset.assay_types]),
        link=f"https://osdr.nasa.gov/bio/repo/data/studies/{dataset.accession}",
        labels=[*dataset.organisms, *dataset.assay_types],
    )


def image_entry(image: Image) -> Entry:
    """Return an image as news."""
    return Entry(
        path=f"{_API}/jwst/images/{quote(image.image_id)}",
        title=f"{image.target}: {image.caption}" if image.target else image.caption,
        author=image.provider,
        published=image.time,
        updated=image.fetched_at,
        summary=image.description or image.title or "",
        link=image.image_url,
        labels=[*image.instruments, *image.filters],
    )


def picture_entry(picture: Picture) -> Entry:
    """Return the picture of a day as news."""
    return Entry(
        path=f"{_API}/space/apod/{picture.picture_date}",
        title=picture.title,
        author=picture.copyright or picture.provider,
        published=picture.time,
        updated=picture.fetched_at,
        summary=picture.explanation or "",
        link=picture.hd_url or picture.url,
        labels=[picture.media_type],
    )


def flare_entry(flare: Flare) -> Entry:
    """Return a flare as news."""
    where = f" at {flare.source_location}" if flare.source_location else ""
    return Entry(
        path=f"{_API}/space/flares/{quote(flare.flare_id)}",
        title=f"Solar flare {flare.class_type or 'of unknown class'}{where}",
        author=flare.provider,
        published=flare.begin_time,
        updated=flare.fetched_at,
        summary=flare.note or "",
        link=flare.url,
        labels=[flare.class_type[:1]] if flare.class_type else [],
    )


def ejection_entry(ejection: Ejection) -> Entry:
    """Return a mass ejection as news."""
    speed = f", {ejection.speed_km_s:.0f} km/s" if ejection.speed_km_s is not None else ""
    return Entry(
        path=f"{_API}/space/cmes/{quote(ejection.cme_id)}",
        title=f"Coronal mass ejection{speed}",
        author=ejection.provider,
        published=ejection.start_time,
        updated=ejection.fetched_at,
        summary=ejection.note or "",
        link=ejection.url,
    )


def launch_entry(launch: LaunchShown) -> Entry:
    """Return a launch as news; its record changes until it has happened."""
    when = f"{launch.net:%Y-%m-%d %H:%M} UTC"
    words = [when, launch.status_name or launch.status, launch.mission_description]
    return Entry(
        path=f"{_API}/space/launches/{quote(launch.launch_id)}",
        title=f"{launch.name} ({launch.status})" if launch.status else launch.name,
        author=launch.provider,
        published=None,
        updated=launch.time,
        summary=". ".join(word for word in words if word),
        link=launch.url,
        labels=[launch.provider_name] if launch.provider_name else [],
    )
