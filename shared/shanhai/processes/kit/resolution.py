"""From the inputs of a caller to the task of a job: what every process does with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import Identity
from shanhai.db.queries.jobs import RegionRow
from shanhai.errors import Fault, InvalidInput
from shanhai.processes.kit.analysis_grid import check_grid
from shanhai.processes.kit.authority import demand_right, with_rights
from shanhai.processes.kit.contract import Inputs, PlaceInputs, ProcessContract
from shanhai.processes.kit.lookups import find_usable_region, judge_plan
from shanhai.processes.kit.task import DatasetTask, RegionTask, Task


class Resolve(Protocol):
    """Looks up every code of the inputs, once.

    What is found is written into the task, so that a job computes on the state of the moment it
    was accepted, whatever is imported while it waits.
    """

    async def __call__(  # noqa: D102
        self, session: AsyncSession, inputs: Any, *, requested_by: str
    ) -> Task: ...


class Complete(Protocol):
    """Adds to a task what depends on what its caller may see; None sees what everybody may."""

    async def __call__(  # noqa: D102
        self, session: AsyncSession, task: Any, identity: Identity | None
    ) -> Task: ...


class Authorise(Protocol):
    """Gives a task the rights of its caller, or refuses a caller who lacks those it takes."""

    async def __call__(  # noqa: D102
        self, session: AsyncSession, task: Any, identity: Identity
    ) -> Task: ...


class DemandPublishable(Protocol):
    """Refuses a job that wishes to publish what its caller may not, or not now."""

    async def __call__(  # noqa: D102
        self, session: AsyncSession, task: Task, identity: Identity
    ) -> None: ...


async def _nothing_more(session: AsyncSession, task: Task, identity: Identity | None) -> Task:
    return task


async def _no_rights(session: AsyncSession, task: Task, identity: Identity) -> Task:
    return task


async def keep_rights(session: AsyncSession, task: Task, identity: Identity) -> Task:
    """The task with the rights its caller has now."""
    return with_rights(task, identity)


@dataclass(frozen=True, slots=True)
class Resolution:
    """How a request becomes a task, in the order in which it is done.

    Attributes:
        contract: The process.
        resolve: Makes the task.
        authorise: Judges and keeps the rights of the caller.
        complete: Adds what depends on the caller.
        obstacles: What else keeps a job from publishing, besides the caller's rights.
    """

    contract: ProcessContract
    resolve: Resolve
    authorise: Authorise = _no_rights
    complete: Complete = _nothing_more
    obstacles: DemandPublishable | None = None

    async def demand_publishable(
        self, session: AsyncSession, task: Task, identity: Identity
    ) -> None:
        """Refuse a job that wishes to publish what may not be published.

        Raises:
            Unauthenticated, Forbidden: The caller is no approver of the region.
            Conflict: What is there may not be overtaken.
        """
        await demand_right(session, self.contract, task.inputs, identity)
        if self.obstacles is not None and self.contract.wishes_to_publish(task.inputs):
            await self.obstacles(session, task, identity)

    async def authorised(self, session: AsyncSession, task: Task, identity: Identity) -> Task:
        """The task with the rights of its caller, where its process uses them.

        Raises:
            Unauthenticated, Forbidden: They may not write, or publish, what the job would.
            Conflict: What the job would publish overtakes what waits for that.
        """
        await self.demand_publishable(session, task, identity)
        if self.contract.wishes_to_publish(task.inputs):
            task = with_rights(task, identity)
        return await self.authorise(session, task, identity)

    async def task_of(
        self,
        session: AsyncSession,
        inputs: Inputs,
        *,
        requested_by: str,
        identity: Identity | None,
    ) -> Task:
        """The whole task of a request.

        Raises:
            InvalidInput: The inputs name what does not exist or does not fit; names every fault.
            Unauthenticated, Forbidden, Conflict: As `authorised`.
        """
        task = await self.resolve(session, inputs, requested_by=requested_by)
        if identity is not None:
            task = await self.authorised(session, task, identity)
        return await self.complete(session, task, identity)


async def find_ground(session: AsyncSession, inputs: PlaceInputs) -> tuple[RegionRow, RegionTask]:
    """The region of a computation, in the reference system asked for."""
    row, region = await find_usable_region(session, inputs.region)
    if inputs.crs is None:
        return row, region
    epsg = int(inputs.crs.removeprefix("EPSG:"))
    return row, region.model_copy(update={"epsg": epsg})


async def judge_ground(
    session: AsyncSession, inputs: PlaceInputs, row: RegionRow, region: RegionTask
) -> list[Fault]:
    """What is wrong with the plan and the grid of a computation."""
    return [*await judge_plan(session, inputs.plan, row), *judge_grid(region, inputs.cell_m)]


def judge_grid(region: RegionTask, cell_m: float) -> Sequence[Fault]:
    """What is wrong with a cell size in a region."""
    try:
        check_grid(region.geometry, epsg=region.epsg, cell_m=cell_m)
    except InvalidInput as error:
        return error.faults
    return ()


def task_on(
    contract: ProcessContract,
    inputs: PlaceInputs,
    region: RegionTask,
    datasets: Mapping[str, DatasetTask],
    **members: Any,
) -> Task:
    """The task of a computation over a region."""
    return contract.task(
        process=contract.id,
        inputs=inputs.model_dump(mode="json"),
        region=region,
        plan=inputs.plan,
        datasets=dict(datasets),
        **members,
    )
