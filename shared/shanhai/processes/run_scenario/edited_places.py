"""The projects and problems whose land a scenario edits, as they were when it was asked for."""

from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.projects import PROJECTS
from shanhai.db.collections.provisions import PROBLEMS
from shanhai.db.features.columns import source_of
from shanhai.db.features.entity import Entity
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.identity import PUBLIC, Identity, Viewer
from shanhai.db.queries.jobs import COORDINATE_DIGITS
from shanhai.processes.kit.control_areas import checksum_of
from shanhai.processes.kit.lookups import refuse
from shanhai.processes.kit.task import AreaTask, Task
from shanhai.processes.run_scenario.contract import RunScenarioInputs
from shanhai.processes.run_scenario.edit_checks import judge_edits

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
    found = [await _find(session, viewer, kind, code) for kind, code in named]
    areas = [area for area in found if area is not None]
    refuse(judge_edits(inputs, task.region.geometry, list(task.datasets), areas))
    return task.model_copy(update={"areas": [*task.areas, *areas]})


async def _find(session: AsyncSession, viewer: Viewer, kind: str, code: str) -> AreaTask | None:
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
