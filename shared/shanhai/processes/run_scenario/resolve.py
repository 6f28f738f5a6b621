"""The task of a scenario: a network's, the assessment it is compared with, and its edits."""

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import Identity
from shanhai.processes.build_network.resolve import resolve_network, with_network_areas
from shanhai.processes.kit.resolution import Resolution
from shanhai.processes.kit.task import Task
from shanhai.processes.run_scenario.baseline_lookup import with_assessed
from shanhai.processes.run_scenario.contract import RUN_SCENARIO, RunScenarioInputs
from shanhai.processes.run_scenario.edited_places import with_edited_places


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


RESOLUTION = Resolution(RUN_SCENARIO, resolve, complete=complete)
