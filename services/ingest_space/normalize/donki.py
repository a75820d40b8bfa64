"""Space weather from DONKI: solar flares and coronal mass ejections. Pure."""

import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

from libs.common.events import (
    CoronalMassEjection,
    CoronalMassEjectionEvent,
    Provenance,
    SolarFlare,
    SolarFlareEvent,
)
from services.ingest_space.normalize.envelopes import page_list
from services.ingest_space.normalize.fields import (
    flag,
    link,
    moment,
    name,
    names,
    number,
    parts,
    required_moment,
    required_name,
    text,
    whole,
)
from services.ingest_space.normalize.records import Page, Record, read_records

# NOAA's classes: the X-ray flux from 0.1 to 0.8 nm that each letter means, in W/m2.
_FLUX_W_M2 = {"A": 1e-8, "B": 1e-7, "C": 1e-6, "M": 1e-5, "X": 1e-4}
_CLASS = re.compile(r"([ABCMX])(\d{1,3}(?:\.\d{1,3})?)")
_LOCATION = re.compile(r"([NS])(\d{1,2})([EW])(\d{1,3})")
_KP_FIELDS = ("kp_18", "kp_90", "kp_135", "kp_180")
_LARGEST = 1_000_000
# Earlier than any time that can be read.
_NEVER = datetime.min.replace(tzinfo=UTC)


class Analysis(NamedTuple):
    """How an ejection was measured: degrees, km/s."""

    kind: str | None
    at_21_5_radii: datetime | None
    latitude_deg: float | None
    longitude_deg: float | None
    half_angle_deg: float | None
    speed_km_s: float | None


class Forecast(NamedTuple):
    """The forecast of a run of the WSA-ENLIL model for the Earth."""

    arrival_time: datetime | None
    is_glancing_blow: bool | None
    kp_max: float | None


def flare_events(document: Any, provenance: Provenance) -> Page:  # noqa: ANN401 - any JSON
    """Read a list of flares, which may be empty.

    Raises:
        ValueError: The document is an error, or nothing in it is a flare.
    """
    return read_records(page_list(document), lambda record: _flare(record, provenance))


def ejection_events(document: Any, provenance: Provenance) -> Page:  # noqa: ANN401 - any JSON
    """Read a list of mass ejections, which may be empty.

    Raises:
        ValueError: The document is an error, or nothing in it is an ejection.
    """
    return read_records(page_list(document), lambda record: _ejection(record, provenance))


def read_analysis(record: Record) -> Analysis:
    """Read one analysis of an ejection; every field may be missing."""
    return Analysis(
        kind=name(record.get("type")),
        at_21_5_radii=moment(record.get("time21_5")),
        latitude_deg=number(record.get("latitude"), low=-90, high=90),
        longitude_deg=number(record.get("longitude"), low=-180, high=180),
        half_angle_deg=number(record.get("halfAngle"), low=0, high=180),
        speed_km_s=number(record.get("speed"), low=0),
    )


def _flare(record: Record, provenance: Provenance) -> SolarFlareEvent:
    class_type = name(record.get("classType"))
    latitude, longitude = _place(name(record.get("sourceLocation")))
    flare = SolarFlare(
        flare_id=required_name(record, "flrID"),
        begin_time=required_moment(record, "beginTime"),
        peak_time=moment(record.get("peakTime")),
        end_time=moment(record.get("endTime")),
        class_type=class_type,
        peak_flux_w_m2=_flux(class_type),
        source_location=name(record.get("sourceLocation")),
        source_latitude_deg=latitude,
        source_longitude_deg=longitude,
        active_region=whole(record.get("activeRegionNum"), high=_LARGEST),
        instruments=_instruments(record),
        linked_activities=_linked(record),
        note=text(record.get("note")),
        submitted_at=moment(record.get("submissionTime")),
        version=whole(record.get("versionId"), high=_LARGEST),
        url=link(record.get("link")),
        upstream_body=record,
    )
    return SolarFlareEvent.of_flare(flare, provenance=provenance)


def _ejection(record: Record, provenance: Provenance) -> CoronalMassEjectionEvent:
    analyses = parts(record, "cmeAnalyses")
    chosen = _most_accurate(analyses)
    analysis = read_analysis(chosen)
    forecast = _forecast(chosen)
    ejection = CoronalMassEjection(
        cme_id=required_name(record, "activityID"),
        start_time=required_moment(record, "startTime"),
        source_location=name(record.get("sourceLocation")),
        active_region=whole(record.get("activeRegionNum"), high=_LARGEST),
        instruments=_instruments(record),
        linked_activities=_linked(record),
        note=text(record.get("note")),
        submitted_at=moment(record.get("submissionTime")),
        version=whole(record.get("versionId"), high=_LARGEST),
        url=link(record.get("link")),
        analysis_count=len(analyses),
        analysis_type=analysis.kind,
        at_21_5_radii=analysis.at_21_5_radii,
        latitude_deg=analysis.latitude_deg,
        longitude_deg=analysis.longitude_deg,
        half_angle_deg=analysis.half_angle_deg,
        speed_km_s=analysis.speed_km_s,
        earth_arrival_time=forecast.arrival_time,
        is_earth_glancing_blow=forecast.is_glancing_blow,
        kp_max=forecast.kp_max,
        upstream_body=record,
    )
    return CoronalMassEjectionEvent.of_ejection(ejection, provenance=provenance)


def _most_accurate(analyses: list[Record]) -> Record:
    marked = [analysis for analysis in analyses if analysis.get("isMostAccurate") is True]
    return (marked or analyses or [{}])[-1]


def _forecast(analysis: Record) -> Forecast:
    runs = parts(analysis, "enlilList")
    if not runs:
        return Forecast(None, None, None)
    newest = max(runs, key=lambda run: moment(run.get("modelCompletionTime")) or _NEVER)
    indices = [number(newest.get(field), low=0, high=9) for field in _KP_FIELDS]
    return Forecast(
        arrival_time=moment(newest.get("estimatedShockArrivalTime")),
        is_glancing_blow=flag(newest.get("isEarthGB")),
        kp_max=max((index for index in indices if index is not None), default=None),
    )


def _flux(class_type: str | None) -> float | None:
    match = _CLASS.fullmatch(class_type or "")
    # Six digits are more than enough: a class has two.
    return float(f"{_FLUX_W_M2[match[1]] * float(match[2]):.6g}") if match else None


def _place(location: str | None) -> tuple[float | None, float | None]:
    """Read `N20W55`; west is positive, as in the other longitudes of DONKI."""
    match = _LOCATION.fullmatch(location or "")
    if not match:
        return None, None
    latitude = number(match[2], high=90)
    longitude = number(match[4], high=180)
    if latitude is None or longitude is None:
        return None, None
    return (
        latitude if match[1] == "N" else -latitude,
        longitude if match[3] == "W" else -longitude,
    )


def _instruments(record: Record) -> list[str]:
    return names(part.get("displayName") for part in parts(record, "instruments"))


def _linked(record: Record) -> list[str]:
    return names(part.get("activityID") for part in parts(record, "linkedEvents"))
