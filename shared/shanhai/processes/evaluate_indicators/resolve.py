"""What the indicators of a plan are computed from, looked up as who asked may see it."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import read_today
from shanhai.db.identity import EVERYTHING, Identity, Viewer, demand_role, demand_scopes
from shanhai.db.indicators import plan_indicators
from shanhai.db.indicators.progress import Case, read_cases
from shanhai.db.indicators.targets import as_target
from shanhai.db.indicators.values import REPORTING_SCOPES, VALUE_ROLES, computing_jobs
from shanhai.db.queries.jobs import RegionRow, find_regions_within
from shanhai.db.tables.indicator import IndicatorTarget
from shanhai.errors import Fault, InvalidInput, NotFound
from shanhai.processes.evaluate_indicators import contract
from shanhai.processes.evaluate_indicators.computations import Computation, computation_for
from shanhai.processes.evaluate_indicators.lookups import (
    find_key_species,
    find_observed,
    find_shapes,
    find_yearly_rasters,
)
from shanhai.processes.kit.lookups import find_usable_region, refuse
from shanhai.processes.kit.resolution import Resolution, judge_grid, keep_rights
from shanhai.processes.kit.task import Task
from shanhai.science.indicators import ObservedFigure
from shanhai.science.units import convert

SEA_UNIT_LEVEL = "bay"
"""Level of the regions in which the sea is assessed."""


async def resolve(
    session: AsyncSession, inputs: contract.EvaluateIndicatorsInputs, *, requested_by: str
) -> Task:
    """The plan as it was named.

    The caller may not know of every plan and line; all is looked up with their rights.
    """
    return contract.EvaluateIndicatorsTask(
        process=contract.EVALUATE_INDICATORS.id,
        inputs=inputs.model_dump(mode="json"),
        plan=inputs.plan,
    )


async def complete(session: AsyncSession, task: Task, identity: Identity | None) -> Task:
    """The task with all that the indicators are computed from.

    Raises:
        InvalidInput: what was asked for does not exist or does not fit.
        Unauthenticated, Forbidden: values shall be recorded, and who asked may not.
    """
    inputs = contract.EvaluateIndicatorsInputs.model_validate(task.inputs)
    viewer = EVERYTHING if identity is None else identity.viewer
    plan = await _find_plan(session, inputs.plan, viewer)
    place = await plan_indicators.find_place(session, plan, inputs.region, pointer="/inputs/region")
    if inputs.record and identity is not None:
        demand_scopes(identity, REPORTING_SCOPES)
        demand_role(identity, VALUE_ROLES, place.id)
    row, region = await find_usable_region(session, place.code)
    if inputs.crs is not None:
        region = region.model_copy(update={"epsg": int(inputs.crs.removeprefix("EPSG:"))})
    all_listed = await plan_indicators.list_indicators(session, plan)
    wanted = [
        one for one in all_listed if inputs.indicators is None or one.code in inputs.indicators
    ]
    today = await read_today(session)
    refuse([*_judge(inputs, all_listed, today), *judge_grid(region, inputs.cell_m)])
    chosen = {
        one.code: computation_for(one.indicator, inputs.computations.get(one.code))
        for one in wanted
    }
    refuse(_judge_units(wanted, chosen))
    reads = {one.reads for one in chosen.values() if one is not None}
    datasets, faults = await find_yearly_rasters(session, row, inputs, reads, viewer)
    found, more = await find_observed(session, row, inputs, chosen, viewer)
    refuse([*faults, *more])
    shapes, left_out = await find_shapes(session, row, inputs.years, chosen, viewer, today)
    return task.model_copy(
        update={
            "plan": plan.code,
            "region": region,
            "datasets": datasets,
            "indicators": contract.IndicatorsTask(
                plan_name_zh=plan.name.zh,
                plan_name_en=plan.name.en,
                indicators=await _indicators(session, plan, place, wanted, chosen, inputs),
                stations=found.stations,
                air=found.air,
                shapes=shapes,
                lines_left_out=left_out,
                species=await find_key_species(session, row, inputs.years, viewer, today)
                if "species" in reads
                else [],
                sea_units=await _sea_units(session, row) if "sea" in reads else [],
            ),
        }
    )


async def _find_plan(session: AsyncSession, code: str, viewer: Viewer) -> plan_indicators.PlanSeen:
    try:
        return await plan_indicators.find_plan(session, code, viewer)
    except NotFound as error:
        raise InvalidInput(
            f"there is no plan {code!r}", message_zh=f"没有规划 {code!r}", pointer="/inputs/plan"
        ) from error


def _judge(
    inputs: contract.EvaluateIndicatorsInputs, listed: Sequence[plan_indicators.Listed], today: date
) -> list[Fault]:
    known = {one.code for one in listed}
    named = [
        *((f"/inputs/indicators/{n}", code) for n, code in enumerate(inputs.indicators or ())),
        *((f"/inputs/computations/{code}", code) for code in inputs.computations),
        *((f"/inputs/stations/{code}", code) for code in inputs.stations),
    ]
    faults = [
        Fault(
            pointer,
            f"plan {inputs.plan!r} has no indicator {code!r}",
            f"规划 {inputs.plan!r} 没有指标 {code!r}",
        )
        for pointer, code in named
        if code not in known
    ]
    faults += [
        Fault(f"/inputs/years/{n}", f"{year} has not begun yet", f"{year} 年尚未开始")
        for n, year in enumerate(inputs.years)
        if year > today.year
    ]
    return faults


def _judge_units(
    wanted: Sequence[plan_indicators.Listed], chosen: Mapping[str, Computation | None]
) -> list[Fault]:
    """A fault for every computation whose unit cannot be the indicator's."""
    return [
        Fault(
            f"/inputs/computations/{one.code}",
            f"{computation.id} gives {computation.unit}, which is no {one.unit}",
            f"{computation.label.zh}的单位 {computation.unit} 不能换算为 {one.unit}",
        )
        for one in wanted
        if (computation := chosen[one.code]) is not None
        and not _converts(computation.unit, one.unit)
    ]


def _converts(unit: str, to: str) -> bool:
    try:
        convert(Decimal(1), unit, to)
    except InvalidInput:
        return False
    return True


async def _indicators(
    session: AsyncSession,
    plan: plan_indicators.PlanSeen,
    place: plan_indicators.PlanRegion,
    wanted: Sequence[plan_indicators.Listed],
    chosen: Mapping[str, Computation | None],
    inputs: contract.EvaluateIndicatorsInputs,
) -> list[contract.IndicatorTask]:
    last = max(inputs.years)
    cases = await read_cases(session, plan, wanted, [place], last)
    jobs = await computing_jobs(session, [one.id for one in wanted], place.id, last)
    return [
        _indicator(case, chosen[case.listed.code], inputs, jobs.get(case.listed.id, {}), last)
        for case in cases
    ]


def _indicator(
    case: Case,
    computation: Computation | None,
    inputs: contract.EvaluateIndicatorsInputs,
    jobs: Mapping[int, str],
    last: int,
) -> contract.IndicatorTask:
    listed = case.listed
    return contract.IndicatorTask(
        code=listed.code,
        indicator=listed.indicator,
        name_zh=listed.name.zh,
        name_en=listed.name.en,
        unit=listed.unit,
        direction=listed.direction,
        binding=listed.binding,
        computation=None if computation is None else computation.id,
        stations=inputs.stations.get(listed.code),
        base=None if case.base is None else _figure(case.base),
        targets=[_figure(row) for row in case.targets],
        values=[_value(item, jobs) for item in case.entered],
        with_projects=[_value(item, jobs) for item in case.record(last, counted_up=True).observed],
    )


def _figure(row: IndicatorTarget) -> contract.FigureTask:
    target = as_target(row)
    return contract.FigureTask(
        year=target.year,
        value=target.value,
        sense=target.sense,
        comparator=target.comparator,
        cumulative_from=target.cumulative_from,
    )


def _value(item: ObservedFigure, jobs: Mapping[int, str]) -> contract.ValueTask:
    return contract.ValueTask(
        year=item.year, value=item.value, cumulative=item.cumulative, by_job=jobs.get(item.year)
    )


async def _sea_units(session: AsyncSession, region: RegionRow) -> list[contract.UnitTask]:
    return [
        contract.UnitTask(
            code=one.code, name_zh=one.name_zh, name_en=one.name_en, geometry=one.geometry or {}
        )
        for one in await find_regions_within(session, region.id, SEA_UNIT_LEVEL)
    ]


RESOLUTION = Resolution(contract.EVALUATE_INDICATORS, resolve, keep_rights, complete)
