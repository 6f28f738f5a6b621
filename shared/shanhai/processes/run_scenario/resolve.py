"""The task of a scenario: a network's, the assessment it is held against, the land of edits."""

from collections.abc import Mapping
from typing import Any

import orjson
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.projects import PROJECTS
from shanhai.db.collections.provisions import PROBLEMS
from shanhai.db.features.columns import source_of
from shanhai.db.features.entity import Entity
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.identity import PUBLIC, Identity, Viewer
from shanhai.db.queries.jobs import COORDINATE_DIGITS
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.job import Job
from shanhai.errors import Fault
from shanhai.processes.assess_ecoservices.contract import ASSESS_ECOSERVICES
from shanhai.processes.build_network.resolve import (
    network_needs,
    resolve_network,
    with_network_areas,
)
from shanhai.processes.delineate_zones.contract import DELINEATE_ZONES
from shanhai.processes.kit.lookups import find_successful, refuse
from shanhai.processes.kit.resolution import Resolution, checksum_of
from shanhai.processes.kit.task import AreaTask, AssessedTask, RegionTask, Task
from shanhai.processes.run_scenario.contract import RUN_SCENARIO, RunScenarioInputs
from shanhai.processes.run_scenario.edit_checks import judge_edits
from shanhai.vocabulary import label_of

_ENTITIES: dict[str, Entity] = {"project": PROJECTS, "problem": PROBLEMS}


async def with_edited_places(session: AsyncSession, task: Task, identity: Identity | None) -> Task:
    """The task of a scenario with the places its edits name.

    What shall be published edits what everyone may see; the rest what who asked may.

    Raises:
        InvalidInput: an edit cannot be made; all faults are told.
    """
    if task.region is None:
        return task
    inputs = RunScenarioInputs.model_validate(task.inputs)
    viewer = PUBLIC if inputs.publish or identity is None else identity.viewer
    named = dict.fromkeys(
        (edit.place, getattr(edit, edit.place)) for edit in inputs.edits if edit.geometry is None
    )
    found = [await _find_place(session, viewer, kind, code) for kind, code in named]
    areas = [area for area in found if area is not None]
    refuse(judge_edits(inputs, task.region.geometry, list(task.datasets), areas))
    return task.model_copy(update={"areas": [*task.areas, *areas]})


async def _find_place(
    session: AsyncSession, viewer: Viewer, kind: str, code: str
) -> AreaTask | None:
    """A project or problem with its geometry; None where there is none for this viewer."""
    entity, selection = _ENTITIES[kind], Selection(viewer, code=code)
    where = " AND ".join(f"({one})" for one in conditions(entity, selection))
    alias = entity.alias
    # Constants of the declarations; callers' values are bound.
    query = text(
        f"SELECT {alias}.name_zh, {alias}.name_en, {alias}.row_version AS version,"  # noqa: S608
        f" ST_AsGeoJSON({entity.geometry}, {COORDINATE_DIGITS}, 0) AS geometry"
        f" FROM {source_of(entity, former=False)} WHERE {where}"
    )
    row = (await session.execute(query, bound_values(selection))).one_or_none()
    if row is None or row.geometry is None:
        return None
    geometry: dict[str, Any] = orjson.loads(row.geometry)
    return AreaTask(
        kind=kind,
        code=code,
        version=row.version,
        name_zh=row.name_zh,
        name_en=row.name_en,
        checksum=checksum_of(geometry),
        geometry=geometry,
    )


ASSESSMENT = "/inputs/assessment"
ASSESSING = (ASSESS_ECOSERVICES.id, DELINEATE_ZONES.id)


async def with_assessed(session: AsyncSession, task: Task, identity: Identity | None) -> Task:
    """The task of a scenario with the assessment it names, if it names one.

    The scenario is computed for the region, and from the datasets, of that assessment.

    Raises:
        InvalidInput: there is none that could be held against it; all faults are told.
    """
    if task.region is None:
        return task
    inputs = RunScenarioInputs.model_validate(task.inputs)
    if not inputs.compares_services:
        return task
    job = await _find_assessment(session, inputs, identity)
    if isinstance(job, Fault):
        refuse([job])
        return task
    former = Task.model_validate(job.task)
    assessed = AssessedTask(
        process=job.kind,
        job_id=str(job.id),
        inputs=former.inputs,
        seed=former.seed,
        themes=sorted(former.datasets),
        areas=former.areas,
        units=former.units,
        reference=former.reference,
    )
    refuse(
        [
            *judge_assessed(inputs, assessed, task.region, former.region),
            *_closed(inputs, former),
            *_named_otherwise(inputs, former),
            *await _gone(session, former),
        ]
    )
    return task.model_copy(
        update={
            "assessed": assessed,
            "region": former.region,
            "datasets": {**task.datasets, **former.datasets},
        }
    )


def judge_assessed(
    inputs: RunScenarioInputs, assessed: AssessedTask, region: RegionTask, of: RegionTask | None
) -> list[Fault]:
    """What keeps an assessment from being compared with the land after the edits.

    Args:
        inputs: What was asked.
        assessed: The assessment.
        region: Where the scenario takes place.
        of: Where the assessment took place.
    """
    faults = list[Fault]()
    if assessed.process not in ASSESSING or (
        "zones" in inputs.compare and assessed.process != DELINEATE_ZONES.id
    ):
        wanted = DELINEATE_ZONES.id if "zones" in inputs.compare else " or ".join(ASSESSING)
        faults.append(
            Fault(
                ASSESSMENT,
                f"is a job of {assessed.process}; what is compared needs one of {wanted}",
                f"为 {assessed.process} 的作业；所选对比内容需要 {wanted} 的作业",
            )
        )
        return faults
    if of is None or of.code != region.code:
        code = of.code if of else "–"
        faults.append(
            Fault(
                ASSESSMENT,
                f"is of region {code!r}, not of {region.code!r}",
                f"属于区域 {code!r}，而非 {region.code!r}",
            )
        )
    cell_m: float = assessed.inputs["cell_m"]
    if cell_m != inputs.cell_m:
        faults.append(
            Fault(
                "/inputs/cell_m",
                f"is {inputs.cell_m:g} m, and the assessment has cells of {cell_m:g} m; they must "
                "be the same",
                f"为 {inputs.cell_m:g} m，而评估的像元为 {cell_m:g} m，二者须一致",
            )
        )
    if of is not None and _epsg(inputs.crs, region) != _epsg(assessed.inputs["crs"], of):
        faults.append(
            Fault(
                "/inputs/crs",
                "is another reference system than that of the assessment, "
                f"EPSG:{_epsg(assessed.inputs.get('crs'), of)}",
                f"与评估的坐标系 EPSG:{_epsg(assessed.inputs.get('crs'), of)} 不同",
            )
        )
    return faults


def _epsg(crs: str | None, region: RegionTask) -> int:
    return int(crs.removeprefix("EPSG:")) if crs else region.epsg


async def _find_assessment(
    session: AsyncSession, inputs: RunScenarioInputs, identity: Identity | None
) -> Job | Fault:
    """The job of the assessment, of those who asked may know of.

    What rests on a closed dataset is closed as well when it is published.
    """
    if inputs.assessment is None:
        return Fault(
            ASSESSMENT,
            "is needed: the ratio and the zones before the edits are those of a job of "
            f"{' or '.join(ASSESSING)}",
            f"必填：编辑前的供需比与分区取自 {' 或 '.join(ASSESSING)} 的作业",
        )
    return await find_successful(session, inputs.assessment, identity, ASSESSMENT)


def _closed(inputs: RunScenarioInputs, former: Task) -> list[Fault]:
    """What keeps a scenario from being published: it would tell what the assessment rests on."""
    shown = former.inputs.get("publish", former.inputs.get("public"))
    if shown or not inputs.publish:
        return []
    return [
        Fault(
            "/inputs/publish",
            "the assessment is not published, so that what rests on it cannot be either",
            "所引用的评估未发布，基于它的情景也不能发布",
        )
    ]


def _named_otherwise(inputs: RunScenarioInputs, former: Task) -> list[Fault]:
    """Datasets that are named, and are not those the assessment has."""
    named: Mapping[str, str] = {str(theme): code for theme, code in inputs.datasets.items()}
    return [
        Fault(
            f"/inputs/datasets/{theme}",
            f"is {code!r}, and the assessment was computed from {former.datasets[theme].code!r}",
            f"为 {code!r}，而评估使用的是 {former.datasets[theme].code!r}",
        )
        for theme, code in named.items()
        if theme in former.datasets and former.datasets[theme].code != code
    ]


async def _gone(session: AsyncSession, former: Task) -> list[Fault]:
    """Datasets of the assessment that were deleted since."""
    ids = {one.id: theme for theme, one in former.datasets.items()}
    rows = await session.scalars(
        select(Dataset.id).where(Dataset.id.in_(ids), Dataset.deleted_at.is_(None))
    )
    there = set(rows)
    return [
        Fault(
            ASSESSMENT,
            f"was computed from dataset {former.datasets[theme].code!r}, which was deleted; assess "
            "anew",
            f"所用{label_of(theme).zh}数据集 {former.datasets[theme].code!r} 已删除，请重新评估",
        )
        for number, theme in ids.items()
        if number not in there
    ]


async def resolve(session: AsyncSession, inputs: RunScenarioInputs, *, requested_by: str) -> Task:
    """The region, the datasets and the corridors that have names."""
    return await resolve_network(RUN_SCENARIO, session, inputs)


async def complete(session: AsyncSession, task: Task, identity: Identity | None) -> Task:
    """The task with what the caller may see of what it names.

    The caller may not know of every project; edits are judged with their rights.
    """
    inputs = RunScenarioInputs.model_validate(task.inputs)
    task = await with_network_areas(session, task, identity, inputs)
    task = await with_assessed(session, task, identity)
    return await with_edited_places(session, task, identity)


RESOLUTION = Resolution(RUN_SCENARIO, resolve, complete=complete, needs=network_needs)
