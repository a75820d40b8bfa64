"""Some studies of the repository, for a machine without a network: facts in its own words.

They were written down on the day below; a study that is fetched replaces its entry. What is not
certain is left out: a study without a release date here has one in the catalogue.
"""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

SHIPPED_ON = date(2026, 3, 18)

_FLIGHT, _GROUND = "Spaceflight Study", "Ground Study"
_CRESS, _MOUSE, _HUMAN = "Arabidopsis thaliana", "Mus musculus", "Homo sapiens"
_FLY, _WORM = "Drosophila melanogaster", "Caenorhabditis elegans"
_ARRAY, _RNA = "DNA microarray", "RNA Sequencing (RNA-Seq)"
_RRRM_2 = "mice flown on Rodent Research Reference Mission-2 (RRRM-2)"
_CHRONIC = "subjected to chronic low-dose radiation, hindlimb unloading or a combination of both"

_Said = str | list[str] | Mapping[str, str]


def _study(
    title: str, organism: str, kind: str, factors: str, assays: str = "", **more: _Said
) -> Mapping[str, _Said]:
    """Return a record with the keys of the biodata API; lists are written with semicolons."""
    return {
        "study title": title,
        "organism": organism,
        "project type": kind,
        "study factor name": factors.split("; "),
        "study assay technology type": assays.split("; "),
        **{key.replace("_", " "): value for key, value in more.items()},
    }


SHIPPED_DATASETS: Mapping[str, Mapping[str, _Said]] = MappingProxyType(
    {
        "OSD-1": _study(
            "Expression data from drosophila melanogaster",
            _FLY,
            _FLIGHT,
            "",
            _ARRAY,
            material_type="Whole Organism",
            mission={"name": "STS-121", "start date": "07/04/2006", "end date": "07/17/2006"},
        ),
        "OSD-2": _study(
            "Response of human lymphoblastoid cells to HZE (iron ions) or gamma-rays",
            _HUMAN,
            _GROUND,
            "",
            _ARRAY,
            material_type="Cells",
        ),
        "OSD-7": _study(
            "The Arabidopsis spaceflight transcriptome: a comparison of whole plants to discrete"
            " root, hypocotyl and shoot responses to the orbital environment",
            _CRESS,
            _FLIGHT,
            "Spaceflight; Organism Part",
            _ARRAY,
            study_public_release_date="2013-10-04",
        ),
        "OSD-37": _study(
            "Comparison of the spaceflight transcriptome of four commonly used Arabidopsis"
            " thaliana ecotypes",
            _CRESS,
            _FLIGHT,
            "Spaceflight; Ecotype",
            _RNA,
            study_public_release_date="2015-11-01",
        ),
        "OSD-38": _study(
            "Proteomics and Transcriptomics analysis of Arabidopsis Seedlings in Microgravity",
            _CRESS,
            _FLIGHT,
            "Spaceflight; Sample Preservation Method",
            f"mass spectrometry; {_RNA}",
        ),
        "OSD-48": _study(
            "Rodent Research-1 (RR1) NASA Validation Flight: Mouse liver transcriptomic,"
            " proteomic, and epigenomic data",
            _MOUSE,
            _FLIGHT,
            "Spaceflight",
            mission={"name": "SpaceX-4", "start date": "09/21/2014", "end date": "10/25/2014"},
        ),
        "OSD-73": _study(
            "Transcriptome Profiles in Normal Human Bronchial Epithelial Cells after Exposure to"
            " gamma-rays and different HZE particles",
            _HUMAN,
            _GROUND,
            "Ionizing Radiation; Absorbed Radiation Dose;"
            " Time of Sample Collection After Treatment",
            _ARRAY,
        ),
        "OSD-109": _study(
            "Delayed Cardiomyocyte Response to Total Body Particle Radiation Exposure -"
            " Identification of Regulatory Gene Network [iron]",
            _MOUSE,
            _GROUND,
            "Time of Sample Collection After Treatment; Ionizing Radiation",
            _ARRAY,
        ),
        "OSD-112": _study(
            "Microgravity effect on C. elegans N2/VC (CERISE, 4 days)",
            _WORM,
            _FLIGHT,
            "Altered Gravity; Spaceflight",
            _ARRAY,
        ),
        "OSD-113": _study(
            "Expression Data from International C. elegans Experiment 1st (ICE-FIRST)",
            _WORM,
            _FLIGHT,
            "Spaceflight",
            _ARRAY,
        ),
        "OSD-120": _study(
            "Genetic dissection of the Arabidopsis spaceflight transcriptome: Are some responses"
            " dispensable for the physiological adaptation of plants to spaceflight?",
            _CRESS,
            _FLIGHT,
            "Ecotype; Spaceflight; Treatment",
            f"{_RNA}; Photography",
            study_public_release_date="2017-06-08",
        ),
        "OSD-137": _study(
            "Rodent Research-3-CASIS: Mouse liver transcriptomic, proteomic, epigenomic and"
            " histology data",
            _MOUSE,
            _FLIGHT,
            "",
            study_public_release_date="2017-08-28",
            project_identifier="RR-3",
            project_title="Rodent Research 3 (RR3)",
            flight_program="International Space Station (ISS)",
            space_program="NASA",
            mission={"name": "SpaceX-8", "start date": "04/08/2016", "end date": "05/11/2016"},
        ),
        "OSD-207": _study(
            "Correlated Gene and Protein Expression in heads from Drosophila reared in"
            " microgravity",
            _FLY,
            _FLIGHT,
            "Spaceflight; Genotype; Strain",
            _RNA,
        ),
        "OSD-208": _study(
            "Comparing RNA-Seq and microarray gene expression data in two zones of the"
            " Arabidopsis root apex relevant to spaceflight.",
            _CRESS,
            _GROUND,
            "Tissue",
            f"{_RNA}; {_ARRAY}",
            study_public_release_date="2018-10-29",
        ),
        "OSD-211": _study(
            f"Transcriptomic analysis of spleens from mice {_CHRONIC}",
            _MOUSE,
            _GROUND,
            "Ionizing Radiation; Hindlimb Unloading",
            _RNA,
        ),
        "OSD-237": _study(
            f"Transcriptomic analysis of skin from mice {_CHRONIC}",
            _MOUSE,
            _GROUND,
            "Ionizing Radiation; Hindlimb Unloading",
            _RNA,
        ),
        "OSD-240": _study(
            "Transcriptional analysis of dorsal skin from mice flown on the RR-5 mission",
            _MOUSE,
            _FLIGHT,
            "Spaceflight",
            _RNA,
        ),
        "OSD-247": _study(
            "Transcriptional analysis of colon from mice flown on the RR-6 mission",
            _MOUSE,
            _FLIGHT,
            "Spaceflight; Duration; Dissection Condition; Euthanasia Location",
            _RNA,
        ),
        "OSD-248": _study(
            "Transcriptional analysis of lung from mice flown on the RR-6 mission",
            _MOUSE,
            _FLIGHT,
            "Spaceflight; Duration; Dissection Condition; Euthanasia Location",
            _RNA,
        ),
        "OSD-253": _study(
            "Transcriptional analysis of kidneys from mice flown on the RR-7 mission",
            _MOUSE,
            _FLIGHT,
            "Spaceflight; Strain; Duration; Treatment",
            _RNA,
        ),
        "OSD-270": _study(
            "Bulk and spatially resolved transcriptional analysis of hearts from mice flown on"
            " the RR-3",
            _MOUSE,
            _FLIGHT,
            "Spaceflight",
            mission={"name": "SpaceX-8", "start date": "04/08/2016", "end date": "05/11/2016"},
        ),
        "OSD-402": _study(
            f"Single cell transcriptional profiling of femur bone marrow from {_RRRM_2}",
            _MOUSE,
            _FLIGHT,
            "Spaceflight; Age",
        ),
        "OSD-403": _study(
            f"Single cell transcriptional profiling of humerus bone marrow from {_RRRM_2}",
            _MOUSE,
            _FLIGHT,
            "Spaceflight; Age",
        ),
        "OSD-405": _study(
            f"Single cell transcriptional profiling of spleens from {_RRRM_2}",
            _MOUSE,
            _FLIGHT,
            "Spaceflight; Age",
        ),
    }
)
