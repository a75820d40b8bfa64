"""All SQL of the gateway, a file per resource; its database role can only read."""

from dataclasses import dataclass
from typing import Self

from libs.common.database import Pool
from services.gateway.repositories.astro import AstroRepository
from services.gateway.repositories.charts import ChartRepository
from services.gateway.repositories.datasets import DatasetRepository
from services.gateway.repositories.images import ImageRepository
from services.gateway.repositories.latest import LatestRepository
from services.gateway.repositories.old import OldRepository
from services.gateway.repositories.positions import PositionRepository
from services.gateway.repositories.space import SpaceRepository

__all__ = ["Repositories"]


@dataclass(frozen=True, slots=True)
class Repositories:
    """Everything that can be read of the database."""

    positions: PositionRepository
    charts: ChartRepository
    datasets: DatasetRepository
    images: ImageRepository
    astro: AstroRepository
    space: SpaceRepository
    latest: LatestRepository
    old: OldRepository

    @classmethod
    def of(cls, pool: Pool) -> Self:
        """Return repositories that share a pool."""
        return cls(
            PositionRepository(pool),
            ChartRepository(pool),
            DatasetRepository(pool),
            ImageRepository(pool),
            AstroRepository(pool),
            SpaceRepository(pool),
            LatestRepository(pool),
            OldRepository(pool),
        )
