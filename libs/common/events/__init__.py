"""Every event of the suite: a CloudEvents 1.0 envelope around one strict payload per type.

Units stand in the field names, times are aware, and numbers are finite. A new optional field is
not a new version: consumers ignore fields that they do not know. Anything else is a new `v<n>`.
"""

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
    Strict,
)
from libs.common.events.iss import (
    IssElements,
    IssElementsEvent,
    IssPosition,
    IssPositionEvent,
)

__all__ = [
    "EVENT_CLASSES",
    "EVENT_NAMESPACE",
    "AnyEvent",
    "Event",
    "IssElements",
    "IssElementsEvent",
    "IssPosition",
    "IssPositionEvent",
    "Origin",
    "Provenance",
    "Strict",
    "decode",
    "decode_batch",
    "reason_of",
]
