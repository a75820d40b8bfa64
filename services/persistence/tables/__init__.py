"""How the events of each type become rows: a file per domain, one line per column."""

from libs.common.events import (
    ApodEvent,
    AstroEventEvent,
    CoronalMassEjectionEvent,
    Event,
    IssElementsEvent,
    IssPositionEvent,
    JwstImageEvent,
    LaunchEvent,
    NearEarthObjectEvent,
    OsdrDatasetEvent,
    SolarFlareEvent,
)
from services.persistence.tables.astro import ASTRO_EVENTS
from services.persistence.tables.columns import Column, Table
from services.persistence.tables.iss import ISS_ELEMENTS, ISS_POSITIONS
from services.persistence.tables.jwst import JWST_IMAGES
from services.persistence.tables.osdr import OSDR_DATASETS
from services.persistence.tables.space import (
    SPACE_APOD,
    SPACE_CMES,
    SPACE_FLARES,
    SPACE_LAUNCHES,
    SPACE_NEO,
)

__all__ = ["TABLES", "TABLE_OF", "Column", "Table"]

TABLE_OF: dict[type[Event], Table] = {
    IssPositionEvent: ISS_POSITIONS,
    IssElementsEvent: ISS_ELEMENTS,
    JwstImageEvent: JWST_IMAGES,
    OsdrDatasetEvent: OSDR_DATASETS,
    AstroEventEvent: ASTRO_EVENTS,
    ApodEvent: SPACE_APOD,
    NearEarthObjectEvent: SPACE_NEO,
    SolarFlareEvent: SPACE_FLARES,
    CoronalMassEjectionEvent: SPACE_CMES,
    LaunchEvent: SPACE_LAUNCHES,
}
TABLES = tuple(TABLE_OF.values())
