"""The task of a network: what it refers to, looked up and judged."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import Identity
from shanhai.db.queries.jobs import COORDINATE_DIGITS, RegionRow, places_of
from shanhai.db.tables.dataset import Dataset
from shanhai.errors import Fault, InvalidInput
from shanhai.processes.build_network.contract import (
    BUILD_NETWORK,
    NAMED,
    NAMED_LINE,
    OPTIONAL_THEMES,
    BuildNetworkInputs,
)
from shanhai.processes.build_network.requirements import SUPPLY, network_faults
from shanhai.processes.kit import resolution
from shanhai.processes.kit.contract import ProcessContract
from shanhai.processes.kit.lookups import describe_dataset, find_evaluated, refuse, themes_missed
from shanhai.processes.kit.task import PROTECTED, AreaTask, DatasetTask, Task
from shanhai.science.corridors.resistance_tables import read_table
from shanhai.vocabulary import Visibility

_COMPONENTS = ("corridor", "mountain_sea", "minor_river_corridor")
"""Types of components of a pattern that are corridors."""

_NAMED = """
SELECT code, version, name_zh, name_en,
       ST_AsGeoJSON(shape, :digits, 0) AS geometry, ST_AsGeoJSON(line, :digits, 0) AS line
  FROM (SELECT co.code, co.row_version AS version, co.name_zh, co.name_en,
               coalesce(co.footprint, co.geom) AS shape,
               CASE WHEN co.footprint IS NOT NULL THEN co.geom END AS line
          FROM corridor co LEFT JOIN plan ON plan.id = co.plan_id
         WHERE co.region_id = ANY(:places) AND co.origin <> 'computed'
           AND co.status = 'published' AND co.deleted_at IS NULL
           AND coalesce(plan.in_force @> current_date, true)
        UNION ALL
        SELECT pc.code, pc.row_version, pc.name_zh, pc.name_en, pc.geom, NULL
          FROM pattern_component pc
          JOIN pattern p ON p.id = pc.pattern_id LEFT JOIN plan ON plan.id = p.plan_id
         WHERE p.region_id = ANY(:places) AND p.status = 'published' AND p.deleted_at IS NULL
           AND pc.type = ANY(:types) AND pc.deleted_at IS NULL
           AND ST_Dimension(pc.geom) > 0
           AND coalesce(plan.in_force @> current_date, true)) named
 WHERE shape IS NULL OR ST_Dimension(shape) > 0
 ORDER BY code
"""

_NOT_DRAWN: dict[str, Any] = {"type": "GeometryCollection", "geometries": []}


async def resolve(session: AsyncSession, inputs: BuildNetworkInputs, *, requested_by: str) -> Task:
    """The region, the datasets and the corridors that have names."""
    return await resolve_network(BUILD_NETWORK, session, inputs)


async def resolve_network(
    contract: ProcessContract, session: AsyncSession, inputs: BuildNetworkInputs
) -> Task:
    """The task of a process that builds networks."""
    row, region = await resolution.find_ground(session, inputs)
    datasets, faults = await find_network(session, row, inputs)
    refuse([*await resolution.judge_ground(session, inputs, row, region), *faults])
    return resolution.task_on(
        contract, inputs, region, datasets, areas=await named_corridors(session, row)
    )


async def complete(session: AsyncSession, task: Task, identity: Identity | None) -> Task:
    """The task with the control areas of its sources."""
    return await with_network_areas(
        session, task, identity, BuildNetworkInputs.model_validate(task.inputs)
    )


async def with_network_areas(
    session: AsyncSession, task: Task, identity: Identity | None, inputs: BuildNetworkInputs
) -> Task:
    """The task with the control areas that are sources, or none."""
    choice = inputs.parameters.sources
    kinds = tuple(sorted({*PROTECTED, *choice.candidate_lines, *choice.excluded_lines}))
    wanted = resolution.ControlAreaQuery(kinds, inputs.publish, whole_reserves=True)
    return await resolution.with_control_areas(session, task, identity, wanted)


async def find_network(
    session: AsyncSession, region: RegionRow, inputs: BuildNetworkInputs
) -> tuple[dict[str, DatasetTask], list[Fault]]:
    """Datasets by theme, supplies among them, and what is wrong with what is asked for.

    Supplies are those named, else those of the assessment named, else of the newest job whose
    supplies of the region everybody may see.
    """
    datasets, faults = await find_evaluated(
        session,
        region,
        named=inputs.datasets,
        supplies=inputs.supplies,
        themes=("land_cover", *OPTIONAL_THEMES),
        needs=(),
    )
    if inputs.needs_supplies and not inputs.supplies:
        job_id = inputs.assessment or await _newest(session, region)
        found = await _supplies_of(session, region, job_id) if job_id else {}
        if inputs.assessment and not found:
            faults.append(_no_assessment(inputs.assessment, region))
        datasets |= found
    told = {fault.pointer for fault in faults}
    if inputs.supplies or inputs.assessment:
        # What is wrong with those that were named is told of each.
        told.add("/inputs/supplies")
    missing = [fault for fault in network_faults(inputs, datasets) if fault.pointer not in told]
    return datasets, [*faults, *missing, *_table_faults(inputs)]


async def named_corridors(session: AsyncSession, region: RegionRow) -> list[AreaTask]:
    """Published corridors of a region that have names; those without a shape are empty.

    Of a corridor with an area and a line both are told, the line as `NAMED_LINE`.
    """
    values = {
        "places": list(places_of(region)),
        "types": list(_COMPONENTS),
        "digits": COORDINATE_DIGITS,
    }
    rows = (await session.execute(text(_NAMED), values)).all()
    shapes = [_named(row, NAMED, row.geometry) for row in rows]
    return shapes + [_named(row, NAMED_LINE, row.line) for row in rows if row.line]


def _named(row: Any, kind: str, drawn: str | None) -> AreaTask:
    geometry = orjson.loads(drawn) if drawn else _NOT_DRAWN
    return AreaTask(
        kind=kind,
        code=row.code,
        version=row.version,
        name_zh=row.name_zh,
        name_en=row.name_en,
        checksum=resolution.checksum_of(geometry),
        geometry=geometry,
    )


async def _newest(session: AsyncSession, region: RegionRow) -> UUID | None:
    """The newest job that left supplies of the region for everybody to see."""
    return await session.scalar(
        select(Dataset.job_id)
        .where(
            Dataset.region_id == region.id,
            func.starts_with(Dataset.theme, SUPPLY),
            Dataset.origin == "computed",
            Dataset.visibility == Visibility.PUBLIC,
            Dataset.deleted_at.is_(None),
        )
        .order_by(Dataset.created_at.desc(), Dataset.id.desc())
        .limit(1)
    )


async def _supplies_of(
    session: AsyncSession, region: RegionRow, job_id: UUID
) -> Mapping[str, DatasetTask]:
    rows = await session.scalars(
        select(Dataset)
        .where(
            Dataset.job_id == job_id,
            Dataset.region_id.in_(places_of(region)),
            func.starts_with(Dataset.theme, SUPPLY),
            Dataset.deleted_at.is_(None),
        )
        .order_by(Dataset.theme)
    )
    return {row.theme: describe_dataset(row) for row in rows}


def _no_assessment(job_id: UUID, region: RegionRow) -> Fault:
    return Fault(
        "/inputs/assessment",
        f"job {job_id} left no supply of region {region.code!r}",
        f"作业 {job_id} 没有区域 {region.code!r} 的供给图层",
    )


def _table_faults(inputs: BuildNetworkInputs) -> list[Fault]:
    """What is wrong with the plan's own table of resistance."""
    table = inputs.parameters.resistance.table
    if table is None:
        return []
    try:
        read_table(table)
    except InvalidInput as error:
        return [
            Fault(f"/inputs/parameters/resistance/table{one.pointer}", one.detail, one.detail_zh)
            for one in error.faults
        ]
    return []


def network_needs() -> list[tuple[str]]:
    """Themes without which no network can be built; supplies may come from an assessment."""
    usual = BuildNetworkInputs.model_validate({"region": resolution.ANY})
    return themes_missed(network_faults(usual, ()))


RESOLUTION = resolution.Resolution(BUILD_NETWORK, resolve, complete=complete, needs=network_needs)
