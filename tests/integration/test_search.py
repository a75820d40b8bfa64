"""Full-text search: what people type finds what they mean, the weightier first."""

from datetime import timedelta
from typing import Any, LiteralString

import psycopg
import pytest

from libs.common.events import (
    JwstImage,
    JwstImageEvent,
    Origin,
    OsdrDataset,
    OsdrDatasetEvent,
    Provenance,
)
from tests.factories import START
from tests.integration.repositories import storing_into

DATASETS: LiteralString = (
    "SELECT accession FROM osdr_datasets, websearch_to_tsquery('english', %s) AS query"
    " WHERE search @@ query ORDER BY ts_rank_cd(search, query) DESC, number"
)
IMAGES: LiteralString = (
    "SELECT image_id FROM jwst_images, websearch_to_tsquery('english', %s) AS query"
    " WHERE search @@ query ORDER BY ts_rank_cd(search, query) DESC, image_id"
)


def dataset(number: int, title: str, **changes: Any) -> OsdrDatasetEvent:
    """Return a study."""
    data = OsdrDataset(
        accession=f"OSD-{number}", number=number, title=title, **({"raw": {}} | changes)
    )
    provenance = Provenance("osdr", Origin.LIVE, START + timedelta(seconds=number))
    return OsdrDatasetEvent.of_dataset(data, provenance=provenance)


def image(name: str, **changes: Any) -> JwstImageEvent:
    """Return a picture."""
    fields: dict[str, Any] = {
        "image_id": name,
        "observation_id": name,
        "program": 2731,
        "suffix": "_i2d",
        "instruments": ["NIRCam"],
        "caption": f"{name} · P2731 · _i2d · NIRCAM/GRISM",
        "preview_url": "https://example.org/small",
        "image_url": "https://example.org/large",
    }
    return JwstImageEvent.of_image(
        JwstImage(**(fields | changes)), provenance=Provenance("mast", Origin.LIVE, START)
    )


def found(database_url: str, statement: LiteralString, words: str) -> list[str]:
    """Return the keys of what a search finds, the best first."""
    with psycopg.connect(database_url) as connection:
        return [key for (key,) in connection.execute(statement, (words,)).fetchall()]


@pytest.mark.parametrize(
    ("words", "accessions"),
    [
        ("liver", ["OSD-48", "OSD-137"]),
        ("livers of rodents", ["OSD-137"]),
        ("LIVER -rodent", ["OSD-48"]),
        ('"mus musculus"', ["OSD-137"]),
        ("musculus mus", ["OSD-137"]),
        ("OSD-137", ["OSD-137"]),
        ("osd 137", ["OSD-137"]),
        ("137", ["OSD-137"]),
        ("spacex-21", ["OSD-137"]),
        ("transcription", ["OSD-137", "OSD-7"]),
        ("nothing like that", []),
        ("the", []),
        ("'); DROP TABLE osdr_datasets; --", []),
    ],
)
async def test_words_find_studies(database_url: str, words: str, accessions: list[str]) -> None:
    """By title, accession, organism, assay, mission and description, in any form of a word."""
    async with storing_into(database_url) as repository:
        await repository.store(
            [
                dataset(
                    137,
                    "Rodent Research-3",
                    description="What spaceflight does to the liver",
                    organisms=["Mus musculus"],
                    assay_types=["transcription profiling"],
                    missions=[{"name": "SpaceX-21", "start": None, "end": None}],
                ),
                dataset(48, "Liver of frogs"),
                dataset(7, "Seeds", description="Transcription in seeds", factors=["Gravity"]),
            ]
        )
    assert found(database_url, DATASETS, words) == accessions


@pytest.mark.parametrize(
    ("words", "images"),
    [
        ("carina", ["one", "two"]),
        ("nebulae", ["one"]),
        ("2731 nircam", ["one", "two"]),
        ("miri", ["three"]),
        ("f090w", ["two"]),
        ("grism", ["one", "two", "three"]),
    ],
)
async def test_words_find_images(database_url: str, words: str, images: list[str]) -> None:
    """By target, title, caption, program, instrument, filter and description."""
    async with storing_into(database_url) as repository:
        await repository.store(
            [
                image("one", target="NGC 3324", title="Carina Nebula"),
                image("two", description="Cliffs in Carina", filters=["F090W"]),
                image("three", program=1, instruments=["MIRI"], caption="three MIRI/GRISM"),
            ]
        )
    assert sorted(found(database_url, IMAGES, words)) == sorted(images)
    if words == "carina":
        assert found(database_url, IMAGES, words) == images
