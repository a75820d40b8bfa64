"""The major meteor showers: numbers of the IAU's and the International Meteor Organization's lists.

Rates of the showers that vary are those of an ordinary year. Names and codes are the IAU's.
"""

from typing import NamedTuple


class Shower(NamedTuple):
    """One shower.

    Attributes:
        iau_code: Three letters.
        name: As the IAU has it.
        peak_deg: Solar longitude of the maximum, equinox J2000.
        zhr: Zenithal hourly rate at the maximum.
        radiant_ra_deg: Right ascension of the radiant at the maximum, J2000.
        radiant_dec_deg: Its declination.
        speed_kms: Velocity on entering the atmosphere.
        before_deg: Solar longitude from the beginning of the activity to the maximum.
        after_deg: Solar longitude from the maximum to the end.
    """

    iau_code: str
    name: str
    peak_deg: float
    zhr: float
    radiant_ra_deg: float
    radiant_dec_deg: float
    speed_kms: float
    before_deg: float
    after_deg: float


SHOWERS = (
    Shower("QUA", "Quadrantids", 283.15, 80, 230, 49, 41, 7, 9),
    Shower("LYR", "April Lyrids", 32.32, 18, 271, 34, 49, 8, 8),
    Shower("PPU", "pi-Puppids", 33.5, 5, 110, -45, 18, 8, 5),
    Shower("ETA", "eta-Aquariids", 45.5, 50, 338, -1, 66, 17, 22),
    Shower("ARI", "Daytime Arietids", 76.6, 30, 44, 24, 38, 24, 17),
    Shower("SDA", "Southern delta-Aquariids", 128.0, 25, 340, -16, 41, 18, 23),
    Shower("CAP", "alpha-Capricornids", 128.0, 5, 307, -10, 23, 27, 15),
    Shower("PER", "Perseids", 140.0, 100, 48, 58, 59, 26, 11),
    Shower("AUR", "Aurigids", 158.6, 6, 91, 39, 66, 4, 5),
    Shower("SPE", "September epsilon-Perseids", 166.7, 5, 48, 40, 64, 4, 12),
    Shower("DRA", "October Draconids", 195.4, 5, 262, 54, 21, 2, 2),
    Shower("ORI", "Orionids", 208.0, 20, 95, 16, 66, 19, 17),
    Shower("STA", "Southern Taurids", 223.0, 7, 52, 15, 27, 46, 15),
    Shower("NTA", "Northern Taurids", 230.0, 5, 58, 22, 29, 23, 28),
    Shower("LEO", "Leonids", 235.27, 10, 152, 22, 71, 11, 13),
    Shower("GEM", "Geminids", 262.2, 150, 112, 33, 34, 10, 6),
    Shower("URS", "Ursids", 270.7, 10, 217, 76, 33, 5, 4),
)
