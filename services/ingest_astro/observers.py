"""The setting that names the places whose sky is computed day by day. Pure."""

from pydantic import ValidationError

from libs.common.events import AstroObserver

# Each place adds about 2,000 rows a year and 0.2 s to each computation.
MAX_OBSERVERS = 20
_FORM = "Name:latitude:longitude[:elevation in m], separated by commas"


def parse_observers(text: str) -> tuple[AstroObserver, ...]:
    """Read `Moscow:55.7558:37.6176,Paranal:-24.6272:-70.4042:2635`; nothing means no place.

    Raises:
        ValueError: The text has another form, or names a place twice; the message says which.
    """
    observers = tuple(_observer(part.strip()) for part in text.split(",") if part.strip())
    if len(observers) > MAX_OBSERVERS:
        raise ValueError(f"expected at most {MAX_OBSERVERS} places, got {len(observers)}")
    places = {(observer.latitude_deg, observer.longitude_deg) for observer in observers}
    if len(places) < len(observers):
        raise ValueError("expected each place once")
    return observers


def _observer(text: str) -> AstroObserver:
    name, *numbers = (part.strip() for part in text.split(":"))
    try:
        latitude, longitude, *elevation = map(float, numbers)
        if len(elevation) <= 1:
            return AstroObserver(
                name=name,
                # Four digits are 11 m. They are part of an event's natural key.
                latitude_deg=round(latitude, 4),
                longitude_deg=round(longitude, 4),
                elevation_m=elevation[0] if elevation else 0.0,
            )
    except (ValueError, ValidationError):
        pass
    raise ValueError(f"expected {_FORM}, got {text!r:.80}")
