"""The task of a selection of sites: rasters, units, candidates, and what keeps sites out."""

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.projects import PROJECTS
from shanhai.db.identity import Identity, demand_role, editing_of
from shanhai.db.queries.jobs import find_region
from shanhai.processes.kit import resolution
from shanhai.processes.kit.lookups import find_units, refuse
from shanhai.processes.kit.publication import with_rights
from shanhai.processes.kit.task import Task
from shanhai.processes.select_sites.contract import SELECT_SITES, SelectSitesInputs
from shanhai.processes.select_sites.place_lookup import find_ratio, with_candidates


async def resolve(session: AsyncSession, inputs: SelectSitesInputs, *, requested_by: str) -> Task:
    """The region, the rasters, and the regions that are the units."""
    row, region = await resolution.find_ground(session, inputs)
    datasets, faults = await find_ratio(session, row, inputs)
    units = await find_units(session, inputs.region, inputs.parameters.unit_regions)
    refuse([*await resolution.judge_ground(session, inputs, row, region), *faults])
    return resolution.task_on(SELECT_SITES, inputs, region, datasets, units=units)


async def authorise(session: AsyncSession, task: Task, identity: Identity) -> Task:
    """The task with the rights of its caller, where it is to make projects."""
    if not task.inputs["draft_projects"]:
        return task
    editing = editing_of(PROJECTS, identity, "create")
    region = await find_region(session, task.inputs["region"])
    demand_role(identity, editing.roles, None if region is None else region.id)
    return with_rights(task, identity)


async def complete(session: AsyncSession, task: Task, identity: Identity | None) -> Task:
    """The task with the lines that keep sites out, and its candidates.

    The caller may not know of every place; candidates are looked up with their rights.
    """
    inputs = SelectSitesInputs.model_validate(task.inputs)
    if inputs.exclude.lines:
        # What the lines keep out is told to the caller alone; the map does not rest on them.
        wanted = resolution.ControlAreaQuery(
            tuple(inputs.exclude.lines), publish=False, whole_reserves=True
        )
        task = await resolution.with_control_areas(session, task, identity, wanted)
    return await with_candidates(session, task, identity)


RESOLUTION = resolution.Resolution(SELECT_SITES, resolve, authorise, complete)
