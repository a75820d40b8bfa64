"""Studies as the repository has them, made up from a number: every form of value in turn."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

_ORGANISMS = ("Mus musculus", "Arabidopsis thaliana", "Homo sapiens", "Drosophila melanogaster")
_FIRST_RELEASE = datetime(2013, 10, 4, tzinfo=UTC)
_FIRST_FLIGHT = datetime(2006, 7, 4, tzinfo=UTC)
_DAY = timedelta(days=1)


@dataclass
class Studies:
    """The public studies, and how often each was revised.

    Attributes:
        numbers: Their numbers, with gaps as in the real catalogue.
        revisions: How often a study's description was changed, by number.
        released: Release dates that differ from the first ones, by number.
        padding: Characters by which every description is longer.
    """

    numbers: list[int]
    revisions: dict[int, int] = field(default_factory=dict)
    released: dict[int, datetime] = field(default_factory=dict)
    padding: int = 0

    @classmethod
    def of(cls, count: int) -> "Studies":
        """Return that many studies; every seventh number is missing."""
        return cls([number for number in range(1, count * 2) if number % 7][:count])

    def revise(self, number: int) -> None:
        """Change what the detail of a study says."""
        self.revisions[number] = self.revisions.get(number, 0) + 1

    @property
    def accessions(self) -> list[str]:
        """The accessions of all."""
        return [f"OSD-{number}" for number in self.numbers]

    def has(self, accession: str) -> bool:
        """Tell whether a study is public."""
        return accession in self.accessions

    def flies(self, number: int) -> bool:
        """Tell whether a study went to space."""
        return number % 3 > 0

    def release_date(self, number: int) -> datetime:
        """Return when a study was released."""
        return self.released.get(number, _FIRST_RELEASE + number * _DAY)

    def flight_days(self, number: int) -> tuple[datetime, datetime]:
        """Return first and last day of a study's flight."""
        start = _FIRST_FLIGHT + (number // 10) * 37 * _DAY
        return start, start + 13 * _DAY

    def title(self, number: int) -> str:
        """Return the title of a study."""
        revision = self.revisions.get(number, 0)
        return f"Study {number} of simulated flies" + (f", revision {revision}" if revision else "")

    def metadata(self, number: int) -> dict[str, Any]:
        """Return what the biodata API says of a study."""
        organism = _ORGANISMS[number % 4]
        assays: Any = "DNA microarray"
        if number % 5 == 0:
            assays = ["RNA Sequencing (RNA-Seq)", "mass spectrometry"]
        return {
            "study title": self.title(number),
            "study description": f"<p>The flies of study {number} &amp; their <i>genes</i>.</p>"
            + " Long." * (self.padding // 6),
            "organism": [organism, "Microbiota"] if number % 6 == 0 else organism,
            "material type": "Whole Organism" if self.flies(number) else "",
            "study assay technology type": assays,
            "project type": "Spaceflight Study" if self.flies(number) else "Ground Study",
            "project identifier": "RR-1, RR-2" if number % 4 == 0 else "BRIC-19",
            "project title": "",
            "project link": f"https://lsda.jsc.nasa.gov/Experiment/exper/{number}",
            "data source type": "cgene",
            "study publication title": f"Flies in space, part {number}",
            "mission": self._mission(number),
        }

    def _mission(self, number: int) -> dict[str, Any]:
        if not self.flies(number):
            return {"name": "", "start date": "", "end date": ""}
        first, last = self.flight_days(number)
        start, end = f"{first:%m/%d/%Y}", f"{last:%m/%d/%Y}"
        if number % 8 == 0:
            return {
                "name": ["STS-121", "SpaceX-4"],
                "start date": [start, "09/21/2014"],
                "end date": [end, ""],
            }
        return {"name": "STS-121", "start date": start, "end date": end}

    def source(self, number: int) -> dict[str, Any]:
        """Return what the study search says of a study."""
        first, last = self.flight_days(number)
        mission: Any = {
            "Name": "STS-121",
            # Both spellings in one record, as it has been seen.
            "Start Date": f"{first.month}/{first.day}/{first:%y}",
            "End Date": f"{last:%m/%d/%Y}",
        }
        factors = ["Spaceflight", "Genotype", "Time of Sample Collection After Treatment"]
        return {
            "Accession": f"OSD-{number}",
            "Study Title": self.title(number),
            "Study Description": f"The flies of study {number}.",
            "organism": _ORGANISMS[number % 4],
            "Study Factor Name": factors if number % 2 else "     ".join(factors),
            "Study Public Release Date": self.release_date(number).timestamp(),
            "Project Type": "Spaceflight Study",
            "Mission": mission if self.flies(number) else "",
            "thumbnail": f"/geode-py/ws/studies/OSD-{number}/image",
        }
