"""Every event of the suite: a CloudEvents 1.0 envelope around one strict payload per type.

Field names carry their units, times are aware, and numbers are finite. A new optional field needs
no new version, because consumers ignore fields that they do not know. Any other change is a new
`v<n>`.
"""

from libs.common.events.astro import (
    AstroContact,
    AstroEvent,
    AstroEventEvent,
    AstroKind,
    AstroObserver,
    natural_key,
)
from libs.common.events.catalogue import (
    EVENT_CLASSES,
    AnyEvent,
    decode,
    decode_batch,
    reason_of,
)
from libs.common.events.envelope import (
    EVENT_NAMESPACE,
    Event,
    Origin,
    Provenance,
    Recorded,
    Strict,
)
from libs.common.events.iss import (
    IssElements,
    IssElementsEvent,
    IssPosition,
    IssPositionEvent,
)
from libs.common.events.jwst import Instrument, JwstImage, JwstImageEvent
from libs.common.events.osdr import OsdrDataset, OsdrDatasetEvent, OsdrLink, OsdrMission
from libs.common.events.space import (
    ApodEvent,
    ApodPicture,
    CoronalMassEjection,
    CoronalMassEjectionEvent,
    Launch,
    LaunchEvent,
    NearEarthObject,
    NearEarthObjectEvent,
    SolarFlare,
    SolarFlareEvent,
)

__all__ = [
    "EVENT_CLASSES",
    "EVENT_NAMESPACE",
    "AnyEvent",
    "ApodEvent",
    "ApodPicture",
    "AstroContact",
    "AstroEvent",
    "AstroEventEvent",
    "AstroKind",
    "AstroObserver",
    "CoronalMassEjection",
    "CoronalMassEjectionEvent",
    "Event",
    "Instrument",
    "IssElements",
    "IssElementsEvent",
    "IssPosition",
    "IssPositionEvent",
    "JwstImage",
    "JwstImageEvent",
    "Launch",
    "LaunchEvent",
    "NearEarthObject",
    "NearEarthObjectEvent",
    "Origin",
    "OsdrDataset",
    "OsdrDatasetEvent",
    "OsdrLink",
    "OsdrMission",
    "Provenance",
    "Recorded",
    "SolarFlare",
    "SolarFlareEvent",
    "Strict",
    "decode",
    "decode_batch",
    "natural_key",
    "reason_of",
]
