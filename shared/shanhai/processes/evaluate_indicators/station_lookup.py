"""The stations indicators are computed from, with means of what they observed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.observations.aggregation import (
    StationRow,
    YearlyMean,
    daily_air,
    find_stations,
    yearly_means,
)
from shanhai.db.queries.jobs import RegionRow
from shanhai.errors import Fault
from shanhai.processes.evaluate_indicators.computations import Computation, Reads
from shanhai.processes.evaluate_indicators.contract import EvaluateIndicatorsInputs
from shanhai.processes.evaluate_indicators.task import AirYearTask, MeanTask, StationTask
from shanhai.processes.kit.air_days import days_of
from shanhai.science.air_quality import AIR_STANDARDS, DAILY, load_air_standard
from shanhai.science.water_quality import WATER_STANDARDS, load_water_standard

KINDS: Mapping[Reads, str] = {"sections": "water_section", "sea": "sea", "air": "land"}
"""The kind of stations a computation takes where none are named."""

_WATER: tuple[Reads, ...] = ("sections", "sea")


@dataclass(frozen=True, slots=True)
class Observed:
    """What stations observed."""

    stations: list[StationTask] = field(default_factory=list)
    air: list[AirYearTask] = field(default_factory=list)


async def find_observed(
    session: AsyncSession,
    region: RegionRow,
    inputs: EvaluateIndicatorsInputs,
    chosen: Mapping[str, Computation | None],
) -> tuple[Observed, list[Fault]]:
    """Means by station and year for water, by day for air.

    Returns:
        What was found, and a fault for every station named that is not one of the region.
    """
    reading = {code: one.reads for code, one in chosen.items() if one and one.reads in KINDS}
    if not reading and not inputs.lakes:
        return Observed(), []
    rows = await find_stations(session, region.id, set(KINDS.values()))
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
        await yearly_means(session, [row.id for row in water], properties, inputs.years)
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
    inputs: EvaluateIndicatorsInputs, known: Collection[str], region: RegionRow
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
    inputs: EvaluateIndicatorsInputs, chosen: Mapping[str, Computation | None]
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
    rows: Sequence[StationRow],
    inputs: EvaluateIndicatorsInputs,
    reading: Mapping[str, Reads],
    media: Sequence[Reads],
) -> list[StationRow]:
    """The stations that indicators of some media are computed from."""
    codes: set[str] = set()
    for indicator, reads in reading.items():
        if reads not in media:
            continue
        own = inputs.stations.get(indicator)
        codes |= set(own or (row.code for row in rows if row.kind == KINDS[reads]))
    return [row for row in rows if row.code in codes]


def _with_means(rows: Sequence[StationRow], means: Sequence[YearlyMean]) -> list[StationTask]:
    by_station: dict[int, dict[str, list[MeanTask]]] = {row.id: {} for row in rows}
    for one in means:
        by_station[one.station_id].setdefault(one.property, []).append(
            MeanTask(year=one.year, mean=one.mean, months=one.months, observations=one.observations)
        )
    return [
        StationTask(
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
    session: AsyncSession, indicator: str, rows: Sequence[StationRow], year: int
) -> AirYearTask:
    pollutants = load_air_standard(AIR_STANDARDS[-1]).pollutants
    by_property = {pollutants[code].property: code for code in DAILY}
    year_of_days = date(year, 1, 1), date(year, 12, 31)
    ids = [row.id for row in rows]
    daily = await daily_air(session, ids, by_property, *year_of_days) if rows else []
    return AirYearTask(
        indicator=indicator,
        year=year,
        stations=[row.code for row in rows],
        hours=sum(one.hours for one in daily),
        days=days_of(daily, by_property, *year_of_days),
    )
