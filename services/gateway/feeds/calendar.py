"""iCalendar files (RFC 5545) to subscribe to. Pure.

A subscription is read again and again. An entry has the same UID every time; a later version of an
entry that changes has a later LAST-MODIFIED and a greater SEQUENCE.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from icalendar import Calendar, Event, vDuration, vText

PRODUCT = "-//Cassiopeia//Space data//EN"
# Sequences count seconds from here, which 32 bits hold until 2088.
_SEQUENCE_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


class Certainty(StrEnum):
    """Whether an entry will happen as the calendar says."""

    CONFIRMED = "CONFIRMED"
    TENTATIVE = "TENTATIVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """One entry.

    Attributes:
        uid: The same for the same thing in every file.
        start: A moment, or the day of an all-day entry.
        end: The end, which is not included; None for an entry without length.
        made: When this version was made.
        is_fixed: Whether there is never another version.
        summary: One line.
        description: More text.
        url: A page that shows it.
        location: In words.
        place: Latitude and longitude in degrees.
        certainty: Whether it will happen as the calendar says.
    """

    uid: str
    start: datetime | date
    end: datetime | date | None
    made: datetime
    summary: str
    is_fixed: bool = False
    description: str = ""
    url: str | None = None
    location: str | None = None
    place: tuple[float, float] | None = None
    certainty: Certainty = Certainty.CONFIRMED


def calendar_file(name: str, appointments: Sequence[Appointment], refresh: timedelta) -> bytes:
    """Return a calendar.

    Args:
        name: What calendar programs show.
        appointments: In any order.
        refresh: After what time a program should read the subscription again.
    """
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    # No METHOD: with one, programs would take the file for an invitation.
    for property_name in ("name", "x-wr-calname"):
        calendar.add(property_name, vText(name))
    interval = vDuration(refresh)
    calendar.add("refresh-interval", interval, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", interval)
    for appointment in appointments:
        calendar.add_component(_event(appointment))
    return bytes(calendar.to_ical())


def _event(appointment: Appointment) -> Event:
    event = Event()
    made = appointment.made.astimezone(UTC).replace(microsecond=0)
    event.add("uid", appointment.uid)
    event.add("dtstamp", made)
    if not appointment.is_fixed:
        event.add("last-modified", made)
        event.add("sequence", max(0, int((made - _SEQUENCE_EPOCH).total_seconds())))
    event.add("dtstart", _moment(appointment.start))
    if appointment.end is not None and appointment.end > appointment.start:
        event.add("dtend", _moment(appointment.end))
    event.add("summary", appointment.summary)
    if appointment.description:
        event.add("description", appointment.description)
    if appointment.url:
        event.add("url", appointment.url)
    if appointment.location:
        event.add("location", appointment.location)
    if appointment.place:
        event.add("geo", appointment.place)
    event.add("status", appointment.certainty.value)
    # An entry takes none of the reader's time: the calendar must not show them as busy.
    event.add("transp", "TRANSPARENT")
    return event


def _moment(value: datetime | date) -> datetime | date:
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(microsecond=0)
    return value
