"""The places whose sky is computed day by day, as a setting. Pure."""

from pydantic import ValidationError

from libs.common.events import AstroObserver

# Each one adds some 2,000 rows a year and 0.2 s to each computation.
MAX_OBSERVERS = 20
_FORM = "Name:latitude:longitude[:elevation in m], separated by commas"


def parse_observers(text: str) -> tuple[AstroObserver, ...]:
    """Read `Moscow:55.7558:37.6176,Paranal:-24.6272:-70.4042:2635`; nothing means no place.

    Raises:
        ValueError: It has another form, or names one place twice; the message says what is wrong.
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
                # Four digits are 11 m, and what makes the place's events the same ones.
                latitude_deg=round(latitude, 4),
                longitude_deg=round(longitude, 4),
                elevation_m=elevation[0] if elevation else 0.0,
            )
    except (ValueError, ValidationError):
        pass
    raise ValueError(f"expected {_FORM}, got {text!r:.80}")
