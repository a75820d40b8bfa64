"""The newest elements of the station that the project knows, for a machine without network.

Numbers measured and published by the United States Space Force. They are from 9 October 2026: a
position computed from them is some 20 km off after nine days and anywhere on the orbit after some
months; every answer made from them says how old they are. A newer record may replace this one.
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
