"""The major meteor showers: numbers of the International Meteor Organization's working list.

Meteor Shower Calendar 2026 (IMO INFO 3-25, edited by J. Rendtel), Table 5, compared on 2026-11-27.
The list gives the first and last day of an activity: the longitudes here are those of noon on these
days in 2026, so that other years have the same days. The list calls the rate of the pi-Puppids
variable; here it is that of an ordinary year. Names and codes are the IAU's.
"""

from typing import NamedTuple


class Shower(NamedTuple):
    """One shower.

    Attributes:
        iau_code: Three letters.
        name: The IAU's name.
        peak_deg: Solar longitude of the maximum, equinox J2000.
        zhr: Zenithal hourly rate at the maximum.
        radiant_ra_deg: Right ascension of the radiant at the maximum, J2000.
        radiant_dec_deg: Declination of the radiant.
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
    Shower("QUA", "Quadrantids", 283.15, 80, 230, 49, 41, 6.5, 8.8),
    Shower("LYR", "April Lyrids", 32.32, 18, 271, 34, 49, 8.1, 7.5),
    Shower("PPU", "pi-Puppids", 33.5, 5, 110, -45, 18, 8.3, 4.4),
    Shower("ETA", "eta-Aquariids", 45.5, 50, 338, -1, 66, 16.4, 21.3),
    Shower("ARI", "Daytime Arietids", 76.7, 30, 43, 24, 38, 23.4, 15.9),
    Shower("SDA", "Southern delta-Aquariids", 128.0, 25, 340, -16, 41, 18.2, 22.0),
    Shower("CAP", "alpha-Capricornids", 128.0, 5, 307, -10, 23, 26.8, 14.3),
    Shower("PER", "Perseids", 140.0, 100, 48, 58, 59, 25.4, 11.0),
    Shower("AUR", "Aurigids", 158.6, 6, 91, 39, 66, 3.8, 4.0),
    Shower("SPE", "September epsilon-Perseids", 166.7, 8, 48, 40, 64, 4.1, 11.5),
    Shower("DRA", "October Draconids", 195.4, 5, 262, 54, 20, 2.5, 1.4),
    Shower("ORI", "Orionids", 208.0, 20, 95, 16, 66, 19.1, 16.7),
    Shower("STA", "Southern Taurids", 223.0, 7, 52, 15, 27, 45.8, 14.8),
    Shower("NTA", "Northern Taurids", 230.0, 5, 58, 22, 29, 23.3, 28.1),
    Shower("LEO", "Leonids", 235.27, 15, 152, 22, 71, 11.6, 12.6),
    Shower("GEM", "Geminids", 262.2, 150, 112, 33, 35, 10.2, 6.0),
    Shower("URS", "Ursids", 270.7, 10, 217, 76, 33, 5.5, 3.6),
)
