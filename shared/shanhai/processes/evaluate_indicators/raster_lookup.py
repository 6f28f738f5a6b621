"""The rasters indicators are computed from, one for each year."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.job_inputs import RegionRow, places_of
from shanhai.db.tables.dataset import Dataset
from shanhai.errors import Fault
from shanhai.processes.evaluate_indicators.contract import EvaluateIndicatorsInputs
from shanhai.processes.kit.lookups import describe_dataset
from shanhai.processes.kit.task import DatasetTask

LAND_COVER, TRAVEL_TIME = "land_cover", "travel_time"


async def find_yearly_rasters(
    session: AsyncSession,
    region: RegionRow,
    inputs: EvaluateIndicatorsInputs,
    reads: Collection[str],
) -> tuple[dict[str, DatasetTask], list[Fault]]:
    """Datasets as `theme.year`: those named, else of land cover the newest observed in the year.

    Returns:
        The datasets, and a fault for every named one that does not fit.
    """
    themes = {LAND_COVER, TRAVEL_TIME} if TRAVEL_TIME in reads else {LAND_COVER} & set(reads)
    if not themes:
        return {}, []
    rows = await session.scalars(
        select(Dataset)
        .where(
            Dataset.theme.in_(themes),
            Dataset.region_id.in_(places_of(region)),
            Dataset.deleted_at.is_(None),
        )
        .order_by(
            (Dataset.region_id == region.id).desc(), Dataset.created_at.desc(), Dataset.id.desc()
        )
    )
    own: dict[str, list[Dataset]] = {theme: [] for theme in themes}
    for row in rows:
        own[row.theme].append(row)
    found: dict[str, DatasetTask] = {}
    faults: list[Fault] = []
    for theme in sorted(themes):
        named = getattr(inputs.datasets, theme)
        faults += _misfits(theme, named, own[theme], inputs.years, region)
        for year in inputs.years:
            chosen = _of_year(own[theme], named.get(str(year)), year, theme)
            if chosen is not None:
                found[f"{theme}.{year}"] = describe_dataset(chosen)
    return found, faults


def _of_year(rows: Iterable[Dataset], named: str | None, year: int, theme: str) -> Dataset | None:
    if named is not None:
        return next((row for row in rows if row.code == named), None)
    # Times of travel lead to anything; that they lead to parks has to be said.
    if theme == TRAVEL_TIME:
        return None
    return next((row for row in rows if _observed_in(row, year)), None)


def _observed_in(row: Dataset, year: int) -> bool:
    first, last = row.observed_from or row.observed_to, row.observed_to or row.observed_from
    return first is not None and last is not None and first.year <= year <= last.year


def _misfits(
    theme: str,
    named: Mapping[str, str],
    rows: Sequence[Dataset],
    years: Sequence[int],
    region: RegionRow,
) -> list[Fault]:
    known = {row.code for row in rows}
    faults = [
        Fault(
            f"/inputs/datasets/{theme}/{year}",
            f"region {region.code!r} has no dataset {code!r} of theme {theme}",
            f"区域 {region.code!r} 没有专题为 {theme} 的数据集 {code!r}",
        )
        for year, code in named.items()
        if code not in known
    ]
    faults += [
        Fault(
            f"/inputs/datasets/{theme}/{year}",
            f"{year} is not among the years",
            f"{year} 不在计算年份中",
        )
        for year in named
        if int(year) not in years
    ]
    return faults
