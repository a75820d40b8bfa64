"""What the gateway's repositories really send, and the index that answers it.

The repositories ask an empty database, and each statement that they send is noted; with the same
values, it is explained where every table has thousands of rows.
"""

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, Self
from uuid import UUID

import psycopg
import pytest
import pytest_asyncio
from psycopg import AsyncCursor, sql

from libs.common.database import Connection, create_pool
from libs.common.events import AstroKind
from libs.common.events.envelope import Moment
from services.gateway.buckets import cut
from services.gateway.cursor import Order
from services.gateway.repositories import Repositories
from services.gateway.repositories.datasets import DatasetFilter, DatasetOrder
from services.gateway.repositories.images import ImageFilter
from services.gateway.repositories.old import FeedFilter
from services.gateway.repositories.space import LaunchFilter
from tests.integration.filling import fill
from tests.servers import Servers


class Question(NamedTuple):
    """What is asked of the repositories, and a pattern for the indexes that may answer."""

    ask: Callable[[Repositories], Awaitable[object]]
    indexes: str


class Sent(NamedTuple):
    """A statement and its values."""

    statement: sql.Composable
    values: Mapping[str, object]


def day(month: int, number: int = 1, year: int = 2026) -> datetime:
    """Return the start of a day."""
    return datetime(year, month, number, tzinfo=UTC)


MONTH = r"iss_positions_\d+_\d+"
POSITIONS_CURSOR = Order("desc", {"time": Moment, "id": UUID}).cursor_after([day(2), UUID(int=0)])
RELEASED_CURSOR = Order("release_date", {"day": date, "number": int}).cursor_after(
    [date(2021, 5, 6), 17]
)
TITLE_CURSOR = Order("title", {"title": str, "number": int}).cursor_after(["m", 17])
IMAGES_CURSOR = Order("newest", {"time": Moment, "image_id": str}).cursor_after(
    [day(1, year=2024), "jw17"]
)
APPROACHES_CURSOR = Order(
    "neo", {"time": Moment, "neo_id": str, "day": date, "body": str}
).cursor_after([day(6, year=2024), "neo 7", date(2024, 6, 1), "Earth"])

# A page: it must come out of the index in order, or its cost grows with the table.
PAGES = {
    "positions": Question(lambda ask: ask.positions.page(), f"{MONTH}_pkey"),
    "positions, oldest first": Question(
        lambda ask: ask.positions.page(direction="asc"), f"{MONTH}_pkey"
    ),
    "next page of positions": Question(
        lambda ask: ask.positions.page(since=day(1, 5), until=day(2, 25), cursor=POSITIONS_CURSOR),
        f"{MONTH}_pkey",
    ),
    "elements": Question(lambda ask: ask.positions.elements(), "iss_elements_pkey"),
    "newest studies": Question(
        lambda ask: ask.datasets.page(DatasetFilter()), "osdr_datasets_newest"
    ),
    "studies by release": Question(
        lambda ask: ask.datasets.page(DatasetFilter(), order=DatasetOrder.RELEASE_DATE),
        "osdr_datasets_released",
    ),
    "next page of studies by release": Question(
        lambda ask: ask.datasets.page(
            DatasetFilter(), order=DatasetOrder.RELEASE_DATE, cursor=RELEASED_CURSOR
        ),
        "osdr_datasets_released",
    ),
    "next page of studies by title": Question(
        lambda ask: ask.datasets.page(
            DatasetFilter(), order=DatasetOrder.TITLE, cursor=TITLE_CURSOR
        ),
        "osdr_datasets_title",
    ),
    "studies by accession": Question(
        lambda ask: ask.datasets.page(DatasetFilter(), order=DatasetOrder.ACCESSION),
        "osdr_datasets_number_key",
    ),
    "studies of a kind of project": Question(
        lambda ask: ask.datasets.page(
            DatasetFilter(project_type="Project type 7"), order=DatasetOrder.ACCESSION
        ),
        "osdr_datasets_project_type",
    ),
    "studies of the earlier systems": Question(
        lambda ask: ask.old.studies(page=3, limit=20), "osdr_datasets_stored"
    ),
    "newest studies of the earlier systems": Question(
        lambda ask: ask.old.catalogue(), "osdr_datasets_stored"
    ),
    "images": Question(lambda ask: ask.images.page(ImageFilter()), "jwst_images_time"),
    "next page of images": Question(
        lambda ask: ask.images.page(ImageFilter(until=day(6, year=2024)), cursor=IMAGES_CURSOR),
        "jwst_images_time",
    ),
    "images of a program": Question(
        lambda ask: ask.images.page(ImageFilter(program=1042), limit=20), "jwst_images_program"
    ),
    "images of a suffix": Question(
        lambda ask: ask.images.page(ImageFilter(suffix="_s7"), limit=20), "jwst_images_suffix"
    ),
    "images of the earlier systems": Question(
        lambda ask: ask.old.images(FeedFilter(), page=3, limit=24), "jwst_images_time"
    ),
    "pictures of the day": Question(lambda ask: ask.space.pictures(), "space_apod_pkey"),
    "asteroids": Question(lambda ask: ask.space.approaches(), "space_neo_time"),
    "next page of asteroids": Question(
        lambda ask: ask.space.approaches(cursor=APPROACHES_CURSOR), "space_neo_time"
    ),
    "flares": Question(
        lambda ask: ask.space.flares(until=day(1, year=2022), letter="X"), "space_flares_begin"
    ),
    "ejections": Question(
        lambda ask: ask.space.ejections(until=day(1, year=2022), min_speed_km_s=1_000.0),
        "space_cmes_start",
    ),
    "launches to come": Question(
        lambda ask: ask.space.launches(LaunchFilter(since=day(1, year=2025), provider="SpaceX")),
        "space_launches_net",
    ),
    "past launches": Question(
        lambda ask: ask.space.launches(LaunchFilter(until=day(1), next_first=False)),
        "space_launches_net",
    ),
}
# A filter: what it finds is few, and sorted when it is found.
FILTERS = {
    "studies by words": Question(
        lambda ask: ask.datasets.page(
            DatasetFilter(words="rodent liver"), order=DatasetOrder.RELEVANCE
        ),
        "osdr_datasets_search",
    ),
    "studies of an organism": Question(
        lambda ask: ask.datasets.page(
            DatasetFilter(organism="Organism 7"), order=DatasetOrder.TITLE
        ),
        "osdr_datasets_organisms",
    ),
    "studies with an assay": Question(
        lambda ask: ask.datasets.page(DatasetFilter(assay="Assay 7"), order=DatasetOrder.TITLE),
        "osdr_datasets_assay_types",
    ),
    "studies of a program": Question(
        lambda ask: ask.datasets.page(
            DatasetFilter(program="Space program 7"), order=DatasetOrder.TITLE
        ),
        "osdr_datasets_(flight|space)_programs",
    ),
    "how many studies of a program": Question(
        lambda ask: ask.datasets.count(DatasetFilter(program="Space program 7")),
        "osdr_datasets_(flight|space)_programs",
    ),
    "a study": Question(lambda ask: ask.datasets.one("OSD-137"), "osdr_datasets_pkey"),
    "versions of a study": Question(
        lambda ask: ask.datasets.changes("OSD-137"), "osdr_dataset_changes_pkey"
    ),
    "images by words": Question(
        lambda ask: ask.images.page(ImageFilter(words="carina nebula")), "jwst_images_search"
    ),
    "images of an instrument": Question(
        lambda ask: ask.images.page(ImageFilter(instrument="NIRCam")),
        "jwst_images_instruments",
    ),
    "an image": Question(lambda ask: ask.images.one("jw7"), "jwst_images_pkey"),
    "events of the sky of a week": Question(
        lambda ask: ask.astro.global_events(day(3), day(3, 8)), "astro_events_time"
    ),
    "eclipses of a year": Question(
        lambda ask: ask.astro.global_events(
            day(1), day(1, year=2027), [AstroKind.SOLAR_ECLIPSE, AstroKind.LUNAR_ECLIPSE]
        ),
        "astro_events_time",
    ),
    "asteroids of three days": Question(
        lambda ask: ask.space.approaches(since=date(2024, 6, 1), until=date(2024, 6, 3)),
        "space_neo_date",
    ),
    "passages of an asteroid": Question(
        lambda ask: ask.space.approaches(neo_id="neo 137"), "space_neo_pkey"
    ),
    "a picture of the day": Question(
        lambda ask: ask.space.picture(date(2012, 3, 4)), "space_apod_pkey"
    ),
    "a flare": Question(lambda ask: ask.space.flare("flare 7"), "space_flares_pkey"),
    "an ejection": Question(lambda ask: ask.space.ejection("cme 7"), "space_cmes_pkey"),
    "a launch": Question(lambda ask: ask.space.launch("launch 7"), "space_launches_pkey"),
    "a chart of an hour": Question(
        lambda ask: ask.charts.positions(
            cut(day(2), day(2) + timedelta(hours=1), 500), day(2) + timedelta(hours=1)
        ),
        f"{MONTH}_pkey",
    ),
    "a chart of a day by minute": Question(
        lambda ask: ask.charts.positions(cut(day(2), day(2, 2), 500), day(2, 2)),
        "iss_positions_minute_pkey",
    ),
    "a chart of a week by hour": Question(
        lambda ask: ask.charts.positions(cut(day(2), day(2, 8), 100), day(2, 8)),
        "iss_positions_hour_pkey",
    ),
    "the newest of everything": Question(
        lambda ask: ask.latest.events(day(2, 20)),
        "iss_elements_pkey|space_apod_pkey|space_neo_date|space_flares_begin|space_cmes_start"
        "|space_launches_net|osdr_datasets_newest|jwst_images_time|astro_events_time",
    ),
}


class Asked:
    """Repositories on an empty database, and what they have sent."""

    def __init__(self, url: str) -> None:
        self.sent: list[Sent] = []
        self._pool = create_pool(
            url, name="questions", size=1, read_only=True, configure=self._configure
        )
        self.repositories = Repositories.of(self._pool)

    async def __aenter__(self) -> Self:
        await self._pool.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pool.close()

    async def _configure(self, connection: Connection) -> None:
        sent = self.sent

        class Noting(AsyncCursor[Any]):
            """Notes what it is given."""

            async def execute(self, query: Any, params: Any = None, **options: Any) -> Self:
                sent.append(Sent(query, params))
                return await super().execute(query, params, **options)

        connection.cursor_factory = Noting


@pytest_asyncio.fixture
async def asked(servers: Servers) -> AsyncIterator[Asked]:
    """Give repositories that note what they send."""
    name = servers.create_database()
    async with Asked(servers.reader_database_url(name)) as asked:
        yield asked
    servers.drop_database(name)


@pytest.fixture(scope="module")
def filled_database_url(servers: Servers) -> Iterator[str]:
    """Give a database with thousands of rows in every table."""
    name = servers.create_database()
    url = servers.database_url(name)
    fill(url)
    yield url
    servers.drop_database(name)


Nodes = list[dict[str, Any]]


def plan_of(database_url: str, sent: Sent) -> Nodes:
    """Return the nodes of a statement's plan.

    What it asks once beforehand is left out: whether there is any row, or how many there are.
    """
    statement = sql.SQL("EXPLAIN (FORMAT JSON) ") + sent.statement
    with psycopg.connect(database_url) as connection:
        answer = connection.execute(statement, sent.values).fetchone()
    assert answer is not None
    nodes, waiting = [], [answer[0][0]["Plan"]]
    while waiting:
        node = waiting.pop()
        if node.get("Parent Relationship") != "InitPlan":
            nodes.append(node)
            waiting += node.get("Plans", [])
    return nodes


async def plans_of(asked: Asked, question: Question, database_url: str) -> list[Nodes]:
    """Return the plan of each statement that a question sends."""
    await question.ask(asked.repositories)
    assert asked.sent
    return [plan_of(database_url, sent) for sent in asked.sent]


def assert_index(nodes: Nodes, pattern: str) -> None:
    """Assert that every table is read through an index that is meant for it."""
    plan = json.dumps(nodes, indent=1)
    assert "Seq Scan" not in {node["Node Type"] for node in nodes}, plan
    used = {node["Index Name"] for node in nodes if "Index Name" in node}
    assert used, plan
    assert {name for name in used if not re.fullmatch(pattern, name)} == set(), plan


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_comes_sorted_out_of_its_index(
    asked: Asked, filled_database_url: str, name: str
) -> None:
    """Nothing is sorted to find the first rows but those of one moment among themselves."""
    for nodes in await plans_of(asked, PAGES[name], filled_database_url):
        assert_index(nodes, PAGES[name].indexes)
        assert "Sort" not in {node["Node Type"] for node in nodes}, json.dumps(nodes, indent=1)


@pytest.mark.parametrize("name", FILTERS)
async def test_a_filter_reads_what_it_finds(
    asked: Asked, filled_database_url: str, name: str
) -> None:
    """No table is read from its beginning to its end."""
    for nodes in await plans_of(asked, FILTERS[name], filled_database_url):
        assert_index(nodes, FILTERS[name].indexes)


async def test_pages_of_positions_touch_the_months_they_need(
    asked: Asked, filled_database_url: str
) -> None:
    """A page within a day opens one partition, however many years there are."""
    await asked.repositories.positions.page(since=day(2, 10), until=day(2, 11))
    [sent] = asked.sent
    nodes = plan_of(filled_database_url, sent)
    assert {node["Relation Name"] for node in nodes if "Relation Name" in node} == {
        "iss_positions_2026_02"
    }
