"""Positions that wheretheiss.at gave in July 2021, and the element set that it made them from."""

import math
from typing import NamedTuple

from tests.unit.ingest_iss.tle import elements_from_tle

ELEMENTS = elements_from_tle(
    "1 25544U 98067A   21207.21215938  .00002838  00000-0  59904-4 0  9995",
    "2 25544  51.6425 149.7400 0001282 199.9245 305.2594 15.48867083294645",
)


class Recorded(NamedTuple):
    """One answer in its own units: km, km/h, degrees, solar longitude 0 to 360."""

    timestamp: int
    latitude: float
    longitude: float
    altitude: float
    velocity: float
    footprint: float
    daynum: float
    solar_lat: float
    solar_lon: float
    visibility: str


POSITIONS = [
    Recorded(
        timestamp=1627322480,
        latitude=-51.779069761066,
        longitude=-155.81477376394,
        altitude=437.50038274515,
        velocity=27537.575550507,
        footprint=4595.4469820225,
        daynum=2459422.2509259,
        solar_lat=19.259631402309,
        solar_lon=271.30938910764,
        visibility="daylight",
    ),
    Recorded(
        timestamp=1627328617,
        latitude=-38.596283506728,
        longitude=-132.81776217437,
        altitude=432.68379804592,
        velocity=27546.315678918,
        footprint=4571.4380832073,
        daynum=2459422.321956,
        solar_lat=19.243639000763,
        solar_lon=245.73840978827,
        visibility="daylight",
    ),
    # "visible" there: in daylight, and above a fixed observer in the dark.
    Recorded(
        timestamp=1627370230,
        latitude=45.47410781522,
        longitude=-143.28929344361,
        altitude=424.62475782661,
        velocity=27584.611428735,
        footprint=4530.9177095083,
        daynum=2459422.803588,
        solar_lat=19.134495950611,
        solar_lon=72.34958268251,
        visibility="visible",
    ),
    Recorded(
        timestamp=1627372507,
        latitude=-51.10163764727,
        longitude=-22.532605253931,
        altitude=437.06843749954,
        velocity=27538.757765729,
        footprint=4593.3001766383,
        daynum=2459422.8299421,
        solar_lat=19.128488510456,
        solar_lon=62.861993456347,
        visibility="daylight",
    ),
]

# Four days after the epoch of ELEMENTS, made from a newer set: good for the shadow and the Sun.
IN_SHADOW = Recorded(
    timestamp=1627656500,
    latitude=-43.912250305897,
    longitude=-173.3311732584,
    altitude=433.89538785813,
    velocity=27545.762217795,
    footprint=4577.4919513237,
    daynum=2459426.1168981,
    solar_lat=18.351039987349,
    solar_lon=319.53296158014,
    visibility="eclipsed",
)

# From answers of 2015: timestamp, solar_lat, solar_lon.
SUBSOLAR_2015 = [
    (1436029892, 22.85465108118, 283.22043315343),
    (1446019305, -13.045156284942, 55.521269064302),
    (1448019409, -19.670497428285, 2.1829042584776),
]


def earth_fixed_km(
    latitude_deg: float, longitude_deg: float, altitude_km: float
) -> tuple[float, float, float]:
    """Return the Cartesian Earth-fixed position of a place on WGS84, in km."""
    semi_major, flattening = 6378.137, 1 / 298.257223563
    e2 = flattening * (2 - flattening)
    latitude, longitude = math.radians(latitude_deg), math.radians(longitude_deg)
    normal = semi_major / math.sqrt(1 - e2 * math.sin(latitude) ** 2)
    p = (normal + altitude_km) * math.cos(latitude)
    z = (normal * (1 - e2) + altitude_km) * math.sin(latitude)
    return p * math.cos(longitude), p * math.sin(longitude), z
