"""What the simulated api.nasa.gov holds: records that follow from their day alone."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

Record = dict[str, Any]

_APOD = "https://apod.nasa.gov/apod/image"
_DONKI = "https://webtools.ccmc.gsfc.nasa.gov/DONKI/view"
_INSTRUMENTS = [{"displayName": "GOES-P: EXIS 1.0-8.0"}]
NEOS_PER_DAY = 6


def days(first: date, last: date) -> list[date]:
    """Return the days from the first to the last, both included."""
    return [first + timedelta(days=index) for index in range((last - first).days + 1)]


def picture(day: date) -> Record:
    """Return the picture of a day: five images in a row, a video, something else."""
    stem = f"{_APOD}/{day:%y%m}/Simulated{day:%d}"
    record: Record = {
        "date": day.isoformat(),
        "title": f"The Simulated Sky of {day:%d %B}",
        "explanation": f"What is seen here on {day.isoformat()}?  Nothing is:\na <b>test</b>.",
        "media_type": "image",
        "service_version": "v1",
    }
    match day.toordinal() % 7:
        case 5:
            return record | {
                "media_type": "video",
                "url": "//www.youtube.com/embed/simulated?rel=0",
                "thumbnail_url": "https://img.youtube.com/vi/simulated/0.jpg",
            }
        case 6:
            return record | {"media_type": "other"}
        case number:
            record |= {"url": f"{stem}_960.jpg", "hdurl": f"{stem}_4096.jpg"}
            return record | ({"copyright": "A. Stargazer\n(Simulated\nSkies)"} if number else {})


def objects(day: date) -> list[Record]:
    """Return the near-Earth objects of a day; the numbers of their passages are texts."""
    return [_object(day, index) for index in range(NEOS_PER_DAY)]


def _object(day: date, index: int) -> Record:
    number = str(54_000_000 + day.toordinal() % 10_000 * 10 + index)
    metres = 12.5 * (index + 1)
    km = 400_000.123456789 * (index + 1) + day.day
    at = datetime(day.year, day.month, day.day, 2 + 3 * index, 20, tzinfo=UTC)
    velocity = 6.5 + index
    return {
        "links": {"self": f"http://api.nasa.gov/neo/rest/v1/neo/{number}"},
        "id": number,
        "neo_reference_id": number,
        "name": f"({day.year} S{index}{day.day})",
        "nasa_jpl_url": f"https://ssd.jpl.nasa.gov/tools/sbdb_lookup.html#/?sstr={number}",
        "absolute_magnitude_h": 28.0 - index,
        "estimated_diameter": {
            unit: {
                "estimated_diameter_min": round(metres * scale, 10),
                "estimated_diameter_max": round(metres * scale * 2.236068, 10),
            }
            for unit, scale in {"kilometers": 0.001, "meters": 1, "feet": 3.28084}.items()
        },
        "is_potentially_hazardous_asteroid": index == NEOS_PER_DAY - 1,
        "close_approach_data": [
            {
                "close_approach_date": day.isoformat(),
                "close_approach_date_full": f"{at:%Y-%b-%d %H:%M}",
                "epoch_date_close_approach": int(at.timestamp()) * 1_000,
                "relative_velocity": {
                    "kilometers_per_second": f"{velocity:.10f}",
                    "kilometers_per_hour": f"{velocity * 3_600:.10f}",
                },
                "miss_distance": {
                    "astronomical": f"{km / 149_597_870.7:.10f}",
                    "lunar": f"{km / 384_400:.10f}",
                    "kilometers": f"{km:.9f}",
                },
                "orbiting_body": "Earth",
            }
        ],
        "is_sentry_object": False,
    }


def flares(day: date) -> list[Record]:
    """Return the flares of a day: two, of which the second is hardly described yet."""
    begin = datetime(day.year, day.month, day.day, 7, 35, tzinfo=UTC)
    later = begin + timedelta(hours=9)
    number = day.toordinal() % 100_000
    return [
        {
            "flrID": f"{begin:%Y-%m-%dT%H:%M}:00-FLR-001",
            "catalog": "M2M_CATALOG",
            "instruments": _INSTRUMENTS,
            "beginTime": _minutes(begin),
            "peakTime": _minutes(begin + timedelta(minutes=11)),
            "endTime": _minutes(begin + timedelta(minutes=20)),
            "classType": f"M{1 + day.day % 9}.{day.month % 10}",
            "sourceLocation": "S27E25",
            "activeRegionNum": 13_093,
            "note": "",
            "submissionTime": _minutes(begin + timedelta(hours=5)),
            "versionId": 1,
            "link": f"{_DONKI}/FLR/{number}/-1",
            "linkedEvents": [{"activityID": f"{begin:%Y-%m-%dT%H:%M}:00-CME-001"}],
            "sentNotifications": None,
        },
        {
            "flrID": f"{later:%Y-%m-%dT%H:%M}:00-FLR-001",
            "catalog": "M2M_CATALOG",
            "instruments": _INSTRUMENTS,
            "beginTime": _minutes(later),
            "peakTime": None,
            "endTime": None,
            "classType": "C5.0",
            "sourceLocation": "",
            "activeRegionNum": None,
            "note": "",
            "submissionTime": _minutes(later + timedelta(hours=1)),
            "versionId": 1,
            "link": f"{_DONKI}/FLR/{number + 1}/-1",
            "linkedEvents": None,
            "sentNotifications": None,
        },
    ]


def ejections(day: date) -> list[Record]:
    """Return the mass ejections of a day: one, which every other day nobody has analysed."""
    start = datetime(day.year, day.month, day.day, 3, 12, tzinfo=UTC)
    number = day.toordinal() % 100_000
    return [
        {
            "activityID": f"{start:%Y-%m-%dT%H:%M}:00-CME-001",
            "catalog": "M2M_CATALOG",
            "startTime": _minutes(start),
            "instruments": [{"displayName": "SOHO: LASCO/C2"}, {"displayName": "SOHO: LASCO/C3"}],
            "sourceLocation": "",
            "activeRegionNum": None,
            "note": "Seen to the south-east in simulated imagery.",
            "submissionTime": _minutes(start + timedelta(hours=16)),
            "versionId": 1,
            "link": f"{_DONKI}/CME/{number}/-1",
            "cmeAnalyses": None if day.toordinal() % 2 else [_analysis(start, number)],
            "linkedEvents": None,
        }
    ]


def _analysis(start: datetime, number: int) -> Record:
    return {
        "isMostAccurate": True,
        "time21_5": _minutes(start + timedelta(hours=10)),
        "latitude": -10.0,
        "longitude": -105.0,
        "halfAngle": 20.0,
        "speed": 645.0,
        "type": "C",
        "featureCode": "null",
        "imageType": None,
        "measurementTechnique": "null",
        "note": "",
        "levelOfData": 0,
        "tilt": None,
        "submissionTime": _minutes(start + timedelta(hours=15)),
        "link": f"{_DONKI}/CMEAnalysis/{number}/-1",
        "enlilList": [
            {
                "modelCompletionTime": _minutes(start + timedelta(hours=18)),
                "au": 2.0,
                "estimatedShockArrivalTime": _minutes(start + timedelta(days=3)),
                "kp_18": 3,
                "kp_90": 4,
                "kp_135": 5,
                "kp_180": None,
                "isEarthGB": True,
                "impactList": None,
            }
        ],
    }


def _minutes(moment: datetime) -> str:
    """Return a time as DONKI writes it, without seconds."""
    return f"{moment:%Y-%m-%dT%H:%MZ}"
