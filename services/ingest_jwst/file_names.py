"""Takes apart the names of JWST products. Pure.

Exposures:     jw PPPPP OOO VVV _ GGSAA _ EEEEE _ DETECTOR [_oNNN] _ SUFFIX
Combinations:  jw PPPPP - ACID _ TARGET _ INSTRUMENT _ OPTICS _ SUFFIX
(PPPPP is the program; the STScI documentation of file names has the rest.)
"""

import re
from dataclasses import dataclass

from libs.common.events import Instrument

_NAME = re.compile(r"jw(?P<program>[0-9]{5})[0-9a-z-]*(_[0-9a-z.+-]+)+")
_ENDING = re.compile(r"\.[a-z]{3,5}(\.gz)?$")
_THUMB = "_thumb"
# The name of a detector or of an instrument fills a whole part between underscores.
_INSTRUMENTS: tuple[tuple[re.Pattern[str], Instrument], ...] = (
    (re.compile(r"nircam|nrc[ab]([1-5]|long)?|nrcalong|nrcblong"), "NIRCam"),
    (re.compile(r"nirspec|nrs[12]?"), "NIRSpec"),
    (re.compile(r"miri|mirimage|mirifu(long|short)?"), "MIRI"),
    (re.compile(r"niriss|nis"), "NIRISS"),
    (re.compile(r"fgs[12]?|guider[12]|gs-[a-z0-9-]+|gs"), "FGS"),
)
# Filters, gratings and prisms; other words between hyphens are subarrays or channels.
_OPTICS = re.compile(r"f[0-9]{3,4}[a-z]{1,2}2?|fnd|g[0-9]{3}[hm]|gr150[cr]|prism|p750l")


@dataclass(frozen=True, slots=True)
class ProductName:
    """A product's name, taken apart.

    Attributes:
        stem: The whole name without its extension and without `_thumb`.
        observation_id: The stem without the suffix.
        suffix: The kind of product, with its underscore.
        program: The number of the observing program.
        instruments: No instrument, one, or (never seen) several.
        filters: Filters and dispersers, in capitals, without CLEAR.
        is_thumbnail: Whether it is the small version of the picture with that stem.
    """

    stem: str
    observation_id: str
    suffix: str
    program: int
    instruments: list[Instrument]
    filters: list[str]
    is_thumbnail: bool


def parse_product_name(file_name: str) -> ProductName:
    """Take the name of a product's file apart.

    Raises:
        ValueError: The text is no name of a JWST product.
    """
    whole = _ENDING.sub("", file_name.strip().lower())
    stem = whole.removesuffix(_THUMB)
    program = program_of(stem)
    observation_id, _, suffix = stem.rpartition("_")
    if re.fullmatch(r"[a-z0-9-]{1,40}", suffix) is None or "_" not in observation_id:
        raise ValueError(f"expected a product's suffix at the end of {file_name!r:.80}")
    return ProductName(
        stem=stem,
        observation_id=observation_id,
        suffix=f"_{suffix}",
        program=program,
        instruments=instruments_of(observation_id),
        filters=filters_of(observation_id),
        is_thumbnail=whole != stem,
    )


def program_of(name: str) -> int:
    """Return the program whose number a product's or an observation's name starts with.

    Raises:
        ValueError: The text is no JWST name.
    """
    match = _NAME.fullmatch(name) if len(name) <= 150 else None  # noqa: PLR2004 - three times the longest known
    if match is None or match["program"] == "00000":
        raise ValueError(f"expected a JWST name such as jw02731-o001_..., got {name!r:.80}")
    return int(match["program"])


def instruments_of(name: str) -> list[Instrument]:
    """Return the instruments whose detectors or names are parts of a product's name."""
    parts = name.split("_")[1:]
    return [
        instrument
        for pattern, instrument in _INSTRUMENTS
        if any(pattern.fullmatch(part) for part in parts)
    ]


def filters_of(name: str) -> list[str]:
    """Return the filters and dispersers in a combination's name, in capitals."""
    words = [word for part in name.split("_")[1:] for word in part.split("-")]
    return [word.upper() for word in words if _OPTICS.fullmatch(word)]
