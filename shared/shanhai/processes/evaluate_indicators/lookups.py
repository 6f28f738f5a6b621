"""The rasters, shapes and stations that indicators are computed from."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import orjson
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.controls import CONTROL_AREAS
from shanhai.db.features.columns import source_of
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.features.sql_write import ids_of
from shanhai.db.identity import Viewer
from shanhai.db.observations import aggregation
from shanhai.db.queries.jobs import COORDINATE_DIGITS, RegionRow, places_of
from shanhai.db.species_counts import count_key_species
from shanhai.db.tables.dataset import Dataset
from shanhai.errors import Fault
from shanhai.processes.evaluate_indicators import contract
from shanhai.processes.evaluate_indicators.computations import BESIDE_DEG, Computation, Reads
from shanhai.processes.kit.lookups import days_of, describe_dataset
from shanhai.processes.kit.resolution import MOST_VERTICES, checksum_of
from shanhai.processes.kit.task import DatasetTask
from shanhai.science.air_quality import AIR_STANDARDS, DAILY, load_air_standard
from shanhai.science.water_quality import WATER_STANDARDS, load_water_standard

LAND_COVER, TRAVEL_TIME = "land_cover", "travel_time"


async def find_yearly_rasters(
    session: AsyncSession,
    region: RegionRow,
    inputs: contract.EvaluateIndicatorsInputs,
    reads: Collection[str],
    viewer: Viewer,
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
    there = rows.all()
    seen = await ids_of(session, "datasets", (row.code for row in there), viewer)
    own = {
        theme: [row for row in there if row.theme == theme and row.code in seen] for theme in themes
    }
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


# Constants of the declarations; callers' values are bound. One without a shape counts in the
# region it is of, and in those above.
_FOUND = """
WITH RECURSIVE place (id) AS (
  SELECT CAST(:region AS bigint)
  UNION
  SELECT region.id FROM region JOIN place ON region.parent_id = place.id
)
SELECT ca.kind, ca.code, ca.row_version AS version, ca.class_code, ca.approved_area_km2,
       ST_NPoints({geometry}) AS vertices, {shape} AS geometry
  FROM {source}
 WHERE {conditions}
   AND ca.kind = ANY(CAST(:kinds AS text[]))
   AND CASE WHEN {geometry} IS NULL THEN ca.region_id IN (SELECT id FROM place)
            WHEN ca.kind = 'shoreline'
            THEN ST_DWithin({geometry}, (SELECT geom FROM region WHERE id = :region), {beside})
            ELSE ST_Intersects({geometry}, (SELECT geom FROM region WHERE id = :region)) END
 ORDER BY ca.kind, ca.code
"""


async def find_shapes(
    session: AsyncSession,
    region: RegionRow,
    years: Sequence[int],
    chosen: Mapping[str, Computation | None],
    viewer: Viewer,
    today: date,
) -> tuple[list[contract.ShapeTask], list[str]]:
    """The control areas the computations read, each with the years at whose end it was in force.

    Of the present year it is today that counts.

    Returns:
        The areas, and the kinds with too many vertices to be carried.
    """
    kinds = sorted({kind for one in chosen.values() if one is not None for kind in one.kinds})
    if not kinds:
        return [], []
    found: dict[str, contract.ShapeTask] = {}
    left_out: set[str] = set()
    for year in years:
        selection = Selection(viewer, as_of=min(date(year, 12, 31), today))
        values = {**bound_values(selection), "region": region.id}
        counted = Counter[str]()
        for row in await session.execute(_statement(selection, "NULL"), {**values, "kinds": kinds}):
            counted[row.kind] += row.vertices or 0
        left_out |= {kind for kind, count in counted.items() if count > MOST_VERTICES}
        kept = [kind for kind in kinds if kind not in left_out]
        shape = f"ST_AsGeoJSON({CONTROL_AREAS.geometry}, {COORDINATE_DIGITS}, 0)"
        for row in await session.execute(_statement(selection, shape), {**values, "kinds": kept}):
            # By all it says: a state may have followed another without a new version.
            one = _shape(row)
            found.setdefault(one.model_dump_json(exclude={"geometry"}), one).years.append(year)
    # A kind is either told for every year or for none.
    return [one for one in found.values() if one.kind not in left_out], sorted(left_out)


def _statement(selection: Selection, shape: str) -> Any:
    met = (*conditions(CONTROL_AREAS, selection), CONTROL_AREAS.published)
    return text(
        _FOUND.format(
            geometry=CONTROL_AREAS.geometry,
            shape=shape,
            beside=BESIDE_DEG,
            source=source_of(CONTROL_AREAS, former=True),
            conditions=" AND ".join(f"({one})" for one in met),
        )
    )


def _shape(row: Any) -> contract.ShapeTask:
    geometry = None if row.geometry is None else orjson.loads(row.geometry)
    return contract.ShapeTask(
        kind=row.kind,
        code=row.code,
        version=row.version,
        class_code=row.class_code,
        approved_area_km2=row.approved_area_km2,
        checksum=None if geometry is None else checksum_of(geometry),
        geometry=geometry,
        years=[],
    )


async def find_key_species(
    session: AsyncSession, region: RegionRow, years: Sequence[int], viewer: Viewer, today: date
) -> list[contract.KeySpeciesTask]:
    """How many key protected species are known of the region, and how many of them are protected.

    They are counted by what everybody may read of their places, whoever asks: values are public.
    """
    found = []
    for year in years:
        day = min(date(year, 12, 31), today)
        counted = await count_key_species(session, region.id, day, viewer)
        found.append(contract.KeySpeciesTask(year=year, **asdict(counted)))
    return found


KINDS: Mapping[Reads, str] = {"sections": "water_section", "sea": "sea", "air": "land"}
"""The kind of stations a computation takes where none are named."""

_WATER: tuple[Reads, ...] = ("sections", "sea")


@dataclass(frozen=True, slots=True)
class Observed:
    """What stations observed."""

    stations: list[contract.StationTask] = field(default_factory=list)
    air: list[contract.AirYearTask] = field(default_factory=list)


async def find_observed(
    session: AsyncSession,
    region: RegionRow,
    inputs: contract.EvaluateIndicatorsInputs,
    chosen: Mapping[str, Computation | None],
    viewer: Viewer,
) -> tuple[Observed, list[Fault]]:
    """Means by station and year for water, by day for air.

    Returns:
        What was found, and a fault for every station named that is not one of the region.
    """
    reading = {code: one.reads for code, one in chosen.items() if one and one.reads in KINDS}
    if not reading and not inputs.lakes:
        return Observed(), []
    there = await aggregation.find_stations(session, region.id, set(KINDS.values()))
    seen = await ids_of(session, "stations", (row.code for row in there), viewer)
    rows = [row for row in there if row.code in seen]
    known = {row.code: row for row in rows}
    faults = [*_unknown(inputs, known, region), *_without_stations(inputs, chosen)]
    if faults:
        return Observed(), faults
    water = _rows_for(rows, inputs, reading, _WATER)
    properties = {
        code
        for name in WATER_STANDARDS
        for item in load_water_standard(name).items
        for code in (item.code, *(() if item.instead is None else (item.instead[0],)))
    }
    means = (
        await aggregation.yearly_means(session, [row.id for row in water], properties, inputs.years)
        if water
        else []
    )
    air = [
        await _air_year(session, code, _rows_for(rows, inputs, {code: "air"}, ("air",)), year)
        for code, reads in reading.items()
        if reads == "air"
        for year in inputs.years
    ]
    return Observed(_with_means(water, means), air), []


def _unknown(
    inputs: contract.EvaluateIndicatorsInputs, known: Collection[str], region: RegionRow
) -> Iterable[Fault]:
    named = [
        *(
            (f"/inputs/stations/{indicator}/{n}", code)
            for indicator, codes in inputs.stations.items()
            for n, code in enumerate(codes)
        ),
        *((f"/inputs/lakes/{n}", code) for n, code in enumerate(inputs.lakes)),
    ]
    for pointer, code in named:
        if code not in known:
            yield Fault(
                pointer,
                f"region {region.code!r} has no station {code!r} of water, sea or land",
                f"区域 {region.code!r} 没有水质断面、海域或地面站点 {code!r}",
            )


def _without_stations(
    inputs: contract.EvaluateIndicatorsInputs, chosen: Mapping[str, Computation | None]
) -> Iterable[Fault]:
    """Stations may be named only for what is computed from stations."""
    for code in inputs.stations:
        computation = chosen.get(code)
        if code in chosen and (computation is None or computation.reads not in KINDS):
            yield Fault(
                f"/inputs/stations/{code}",
                "this indicator is not computed from stations",
                "该指标不由站点数据计算",
            )


def _rows_for(
    rows: Sequence[aggregation.StationRow],
    inputs: contract.EvaluateIndicatorsInputs,
    reading: Mapping[str, Reads],
    media: Sequence[Reads],
) -> list[aggregation.StationRow]:
    """The stations that indicators of some media are computed from."""
    codes: set[str] = set()
    for indicator, reads in reading.items():
        if reads not in media:
            continue
        own = inputs.stations.get(indicator)
        codes |= set(own or (row.code for row in rows if row.kind == KINDS[reads]))
    return [row for row in rows if row.code in codes]


def _with_means(
    rows: Sequence[aggregation.StationRow], means: Sequence[aggregation.YearlyMean]
) -> list[contract.StationTask]:
    by_station: dict[int, dict[str, list[contract.MeanTask]]] = {row.id: {} for row in rows}
    for one in means:
        by_station[one.station_id].setdefault(one.property, []).append(
            contract.MeanTask(
                year=one.year, mean=one.mean, months=one.months, observations=one.observations
            )
        )
    return [
        contract.StationTask(
            code=row.code,
            name_zh=row.name_zh,
            name_en=row.name_en,
            kind=row.kind,
            longitude=row.longitude,
            latitude=row.latitude,
            means=by_station[row.id],
        )
        for row in rows
    ]


async def _air_year(
    session: AsyncSession, indicator: str, rows: Sequence[aggregation.StationRow], year: int
) -> contract.AirYearTask:
    pollutants = load_air_standard(AIR_STANDARDS[-1]).pollutants
    by_property = {pollutants[code].property: code for code in DAILY}
    year_of_days = date(year, 1, 1), date(year, 12, 31)
    ids = [row.id for row in rows]
    daily = await aggregation.daily_air(session, ids, by_property, *year_of_days) if rows else []
    return contract.AirYearTask(
        indicator=indicator,
        year=year,
        stations=[row.code for row in rows],
        hours=sum(one.hours for one in daily),
        days=days_of(daily, by_property, *year_of_days),
    )
