"""What goes into the calendars: passes, events of the sky, launches. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid5

from libs.common.events import EVENT_NAMESPACE
from libs.common.questions import ElementsInUse, Pass
from services.gateway.feeds.calendar import Appointment, Certainty, calendar_file
from services.gateway.models.predictions import Passes
from services.gateway.models.sky import Place, SkyEvent, SkyEvents
from services.gateway.models.space import LaunchShown

# Two passes over a place are more than a revolution (92 minutes) apart, and newer elements move a
# pass by seconds. In steps of 80 minutes no two passes share a step, and a pass hardly ever changes
# its step.
_PASS_STEP_S = 4_800
_COMPASS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
# Any moment will do, as long as it stays the same: calendars take another one for a change.
_COMPUTED = datetime(2026, 1, 1, tzinfo=UTC)
# Launch Library's names of precisions; with any other, the time is a guess of days.
_EXACT_TO = {"second", "minute", "hour"}
_CONFIRMED = {"go", "success", "in flight", "deployed", "payload deployed"}


def passes_calendar(passes: Passes) -> bytes:
    """Return the passes over a place as a calendar."""
    place = passes.location
    return calendar_file(
        f"ISS over {_where(place)}",
        [_pass(one, place, passes.elements) for one in passes.items],
        timedelta(hours=6),
    )


def sky_calendar(events: SkyEvents) -> bytes:
    """Return events of the sky as a calendar."""
    name = f"The sky of {_where(events.location)}" if events.location else "The sky"
    return calendar_file(
        name, [_sky_event(one, events.location) for one in events.events], timedelta(hours=12)
    )


def launches_calendar(launches: Sequence[LaunchShown]) -> bytes:
    """Return launches as a calendar."""
    return calendar_file("Rocket launches", [_launch(one) for one in launches], timedelta(hours=1))


def _pass(one: Pass, place: Place, elements: ElementsInUse) -> Appointment:
    step = round(one.culmination.time.timestamp() / _PASS_STEP_S)
    height = f"{one.culmination.elevation_deg:.0f}°"
    words = [
        f"Rises in the {_direction(one.rise.azimuth_deg)},",
        f"highest ({height}) in the {_direction(one.culmination.azimuth_deg)}",
        f"at {one.culmination.time.astimezone(UTC):%H:%M:%S} UTC,",
        f"sets in the {_direction(one.set.azimuth_deg)}.",
    ]
    if one.visible and one.magnitude is not None:
        words.append(f"Visible, up to magnitude {one.magnitude:.1f}.")
    if not elements.trusted:
        words.append(f"Do not rely on it: computed from elements of {elements.epoch:%Y-%m-%d}.")
    return Appointment(
        uid=_uid("pass", f"{place.lat:.4f},{place.lon:.4f}:{step}"),
        start=one.rise.time,
        end=one.set.time,
        made=elements.epoch,
        summary=f"ISS, {height}" + (", visible" if one.visible else ""),
        description=" ".join(words),
        place=(place.lat, place.lon),
        certainty=Certainty.CONFIRMED if elements.trusted else Certainty.TENTATIVE,
    )


def _sky_event(event: SkyEvent, place: Place | None) -> Appointment:
    # A meteor shower lasts for weeks; its peak is what people look out for.
    is_long = (event.ends_at or event.time) - (event.starts_at or event.time) > timedelta(days=1)
    return Appointment(
        uid=_uid("astro", event.key),
        start=event.starts_at if event.starts_at and not is_long else event.time,
        end=None if is_long else event.ends_at,
        # The computation gives the same event whenever it runs.
        made=_COMPUTED,
        is_fixed=True,
        summary=event.name,
        description=event.details or "",
        place=(place.lat, place.lon) if place else None,
    )


def _launch(launch: LaunchShown) -> Appointment:
    is_exact = (launch.net_precision or "").lower() in _EXACT_TO or (
        launch.net_precision is None and launch.window_start is not None
    )
    day = launch.net.astimezone(UTC).date()
    status = (launch.status or "").lower()
    words = [
        launch.status_name or launch.status,
        launch.mission_description,
        launch.hold_reason,
        launch.fail_reason,
    ]
    has_place = launch.pad_latitude_deg is not None and launch.pad_longitude_deg is not None
    return Appointment(
        uid=_uid("launch", launch.launch_id),
        start=launch.net if is_exact else day,
        end=launch.window_end if is_exact else day + timedelta(days=1),
        made=launch.time,
        summary=launch.name,
        description="\n\n".join(word for word in words if word),
        url=launch.webcast_urls[0] if launch.webcast_urls else launch.url,
        location=", ".join(name for name in (launch.pad_name, launch.location_name) if name),
        place=(launch.pad_latitude_deg or 0.0, launch.pad_longitude_deg or 0.0)
        if has_place
        else None,
        certainty=Certainty.CONFIRMED if is_exact and status in _CONFIRMED else Certainty.TENTATIVE,
    )


def _uid(what: str, key: str) -> str:
    return f"{uuid5(EVENT_NAMESPACE, f'{what}:{key}')}@cassiopeia"


def _where(place: Place) -> str:
    # Without a comma: not every calendar program undoes the escaping of a calendar's name.
    latitude = f"{abs(place.lat):g}° {'N' if place.lat >= 0 else 'S'}"
    return f"{latitude} {abs(place.lon):g}° {'E' if place.lon >= 0 else 'W'}"


def _direction(azimuth_deg: float) -> str:
    return _COMPASS[round(azimuth_deg / 45) % 8]
