"""The rasters a selection of sites rests on, looked up before the job is accepted."""

from collections.abc import Mapping
from typing import cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.jobs import RegionRow
from shanhai.db.tables.dataset import Dataset
from shanhai.errors import Fault
from shanhai.processes.kit.contract import Theme
from shanhai.processes.kit.lookups import describe_dataset, find_themes
from shanhai.processes.kit.task import DatasetTask
from shanhai.processes.select_sites.contract import SelectSitesInputs

RATIO = "ratio"
COVER: Theme = "land_cover"


async def find_ratio(
    session: AsyncSession, region: RegionRow, inputs: SelectSitesInputs
) -> tuple[dict[str, DatasetTask], list[Fault]]:
    """Land cover and the comprehensive ratio, as far as there are any, and misfits.

    A ratio that is not named is the newest one that everybody may see.
    """
    found, faults = await find_themes(
        session,
        region,
        named=cast("Mapping[Theme, str]", inputs.datasets),
        required=(),
        optional=(COVER,),
    )
    datasets: dict[str, Dataset] = {**found}
    if RATIO not in inputs.datasets:
        newest = await session.scalar(
            select(Dataset)
            .where(
                Dataset.region_id == region.id,
                Dataset.theme == RATIO,
                Dataset.origin == "computed",
                Dataset.public,
                Dataset.deleted_at.is_(None),
            )
            .order_by(Dataset.created_at.desc(), Dataset.id.desc())
            .limit(1)
        )
        if newest is not None:
            datasets[RATIO] = newest
    return {theme: describe_dataset(one) for theme, one in datasets.items()}, faults
