"""The elements of the station that come with the project, for a machine without a network.

The numbers were measured and published by the United States Space Force on 9 October 2026. A
position computed from them is about 20 km off after nine days, and may be anywhere on the orbit
after some months; every answer that uses them says how old they are. A newer record may replace
this one.
"""

from collections.abc import Mapping
from types import MappingProxyType

SHIPPED_OMM: Mapping[str, object] = MappingProxyType(
    {
        "OBJECT_NAME": "ISS (ZARYA)",
        "OBJECT_ID": "1998-067A",
        "EPOCH": "2026-10-09T19:42:49.139712",
        "MEAN_MOTION": 15.48793003,
        "ECCENTRICITY": 0.0006774,
        "INCLINATION": 51.6314,
        "RA_OF_ASC_NODE": 92.7969,
        "ARG_OF_PERICENTER": 242.6225,
        "MEAN_ANOMALY": 117.4075,
        "EPHEMERIS_TYPE": 0,
        "NORAD_CAT_ID": 25544,
        "ELEMENT_SET_NO": 999,
        "REV_AT_EPOCH": 58952,
        "BSTAR": 0.00012652,
        "MEAN_MOTION_DOT": 0.00006479,
        "MEAN_MOTION_DDOT": 0,
    }
)
