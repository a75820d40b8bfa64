"""Events of datasets, images, the sky and the space documents, valid and numbered."""

from datetime import date, datetime, timedelta
from typing import Any

from libs.common.events import (
    ApodEvent,
    ApodPicture,
    AstroEvent,
    AstroEventEvent,
    AstroKind,
    CoronalMassEjection,
    CoronalMassEjectionEvent,
    JwstImage,
    JwstImageEvent,
    Launch,
    LaunchEvent,
    NearEarthObject,
    NearEarthObjectEvent,
    Origin,
    OsdrDataset,
    OsdrDatasetEvent,
    Provenance,
    SolarFlare,
    SolarFlareEvent,
)
from tests.factories import START


def fetched(provider: str, index: int = 0) -> Provenance:
    """Return a live provenance of second `index`."""
    return Provenance(provider, Origin.LIVE, START + timedelta(seconds=index))


def dataset_event(number: int, *, fetch: int | None = None, **changes: Any) -> OsdrDatasetEvent:
    """Return study OSD-`number`, fetched at second `fetch`, by default its number."""
    fields: dict[str, Any] = {
        "accession": f"OSD-{number}",
        "number": number,
        "title": f"Study number {number}",
        "organisms": ["Mus musculus"],
        "raw": {"Study Identifier": f"OSD-{number}"},
    }
    provenance = fetched("osdr", number if fetch is None else fetch)
    return OsdrDatasetEvent.of_dataset(OsdrDataset(**(fields | changes)), provenance=provenance)


def image_event(index: int, **changes: Any) -> JwstImageEvent:
    """Return image `index` of program 1234, released an hour after the one before."""
    stem = f"jw01234-o001_t{index:03}_nircam_clear-f150w_i2d"
    link = f"https://mast.stsci.edu/api/v0.1/Download/file?uri=mast:JWST/product/{stem}.jpg"
    fields: dict[str, Any] = {
        "image_id": stem,
        "observation_id": stem.removesuffix("_i2d"),
        "program": 1_234,
        "suffix": "_i2d",
        "instruments": ["NIRCam"],
        "filters": ["F150W"],
        "caption": f"picture {index}",
        "preview_url": link,
        "image_url": link,
        "released_at": START + timedelta(hours=index),
        "upstream_body": {"obs_collection": "JWST", "obsid": index, "mtFlag": None},
    }
    return JwstImageEvent.of_image(JwstImage(**(fields | changes)), provenance=fetched("mast"))


def sky_event(days: float, **changes: Any) -> AstroEventEvent:
    """Return an event of the whole Earth, so many days after START."""
    fields: dict[str, Any] = {
        "kind": AstroKind.MOON_PHASE,
        "variant": "full",
        "title": "Full moon",
        "bodies": ["moon"],
    }
    provenance = Provenance("astronomy-engine", Origin.COMPUTED, START)
    time = START + timedelta(days=days)
    return AstroEventEvent.of_event(
        AstroEvent(**(fields | changes)), time=time, provenance=provenance
    )


def apod_event(index: int, **changes: Any) -> ApodEvent:
    """Return the picture of day `index` of March 2026, counted from 0."""
    day = date(2026, 3, 1) + timedelta(days=index)
    fields: dict[str, Any] = {
        "picture_date": day,
        "title": f"Picture of {day}",
        "explanation": "What there is to see.",
        "media_type": "image",
        "url": f"https://apod.nasa.gov/apod/image/{index}.jpg",
        "upstream_body": {"date": day.isoformat()},
    }
    return ApodEvent.of_picture(ApodPicture(**(fields | changes)), provenance=fetched("nasa"))


def neo_event(index: int, **changes: Any) -> NearEarthObjectEvent:
    """Return the passage of asteroid `index`, ten to a day."""
    time = START + timedelta(days=index // 10)
    fields: dict[str, Any] = {
        "neo_id": f"{2_000_000 + index}",
        "name": f"({index} XY)",
        "approach_date": time.date(),
        "approach_time": time,
        "is_potentially_hazardous": index % 3 == 0,
        "miss_distance_km": 1e6 + index,
        "upstream_body": {"id": f"{2_000_000 + index}"},
    }
    return NearEarthObjectEvent.of_approach(
        NearEarthObject(**(fields | changes)), provenance=fetched("nasa")
    )


def flare_event(index: int, class_type: str = "C1.0", **changes: Any) -> SolarFlareEvent:
    """Return flare `index`, one an hour."""
    time = START + timedelta(hours=index)
    unit = {"C": 1e-6, "M": 1e-5, "X": 1e-4}[class_type[0]]
    fields: dict[str, Any] = {
        "flare_id": f"{time:%Y-%m-%dT%H:%M:%S}-FLR-001",
        "begin_time": time,
        "class_type": class_type,
        "peak_flux_w_m2": unit * float(class_type[1:]),
        "source_location": "N10W20",
        "upstream_body": {"flrID": index},
    }
    return SolarFlareEvent.of_flare(SolarFlare(**(fields | changes)), provenance=fetched("nasa"))


def cme_event(index: int, **changes: Any) -> CoronalMassEjectionEvent:
    """Return mass ejection `index`, one an hour."""
    time = START + timedelta(hours=index)
    fields: dict[str, Any] = {
        "cme_id": f"{time:%Y-%m-%dT%H:%M:%S}-CME-001",
        "start_time": time,
        "speed_km_s": 400.0 + index,
        "note": "Seen in LASCO C2.",
        "upstream_body": {"activityID": index},
    }
    return CoronalMassEjectionEvent.of_ejection(
        CoronalMassEjection(**(fields | changes)), provenance=fetched("nasa")
    )


def launch_event(index: int, net: datetime, **changes: Any) -> LaunchEvent:
    """Return launch `index`."""
    fields: dict[str, Any] = {
        "launch_id": f"launch-{index:03}",
        "name": f"Falcon 9 | Payload {index}",
        "net": net,
        "net_precision": "Minute",
        "status_id": 1,
        "status": "Go",
        "status_name": "Go for Launch",
        "provider_name": "SpaceX",
        "updated_at": START,
        "upstream_body": {"id": f"launch-{index:03}"},
    }
    return LaunchEvent.of_launch(
        Launch(**(fields | changes)), provenance=fetched("launchlibrary", index)
    )
