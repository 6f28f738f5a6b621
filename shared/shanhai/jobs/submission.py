"""Accept a job: resolve what was asked for, write the row and what it will read."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai import __version__
from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables import Job, JobDataset
from shanhai.jobs.authority import with_authority
from shanhai.jobs.contract import Inputs, ProcessContract
from shanhai.jobs.contracts import Task
from shanhai.jobs.control_lines import with_control_lines
from shanhai.jobs.indicator_inputs import with_indicators
from shanhai.jobs.resolution import resolve
from shanhai.jobs.result_form import ResultForm
from shanhai.jobs.scenario_assessed import with_assessed
from shanhai.jobs.scenario_places import with_edited_places
from shanhai.jobs.selection_places import with_candidates


async def submit(
    session: AsyncSession,
    *,
    contract: ProcessContract,
    inputs: Inputs,
    requested_by: str,
    identity: Identity | None = None,
    request_id: str | None = None,
    result_form: ResultForm | None = None,
    subscriber: Mapping[str, str] | None = None,
    software: str = f"shanhai {__version__}",
) -> Job:
    """Write an accepted job; the caller commits, and only then dispatches it.

    Args:
        session: Where the row is written.
        contract: The process.
        inputs: What was asked, checked against the contract.
        requested_by: Who asked.
        identity: What who asked may do, for processes that write in their name.
        request_id: The request, for the audit log.
        result_form: How the results are to be told.
        subscriber: Addresses that are told how it goes; see `shanhai.jobs.callbacks`.
        software: The version that computes.

    Raises:
        InvalidInput: The inputs name what does not exist or does not fit; names every fault.
    """
    task = await resolve(inputs, session, requested_by=requested_by)
    if identity is not None:
        task = await with_authority(session, task, identity)
    task = await with_control_lines(session, task, identity)
    task = await with_assessed(session, task, identity)
    task = await with_edited_places(session, task, identity)
    task = await with_indicators(session, task, identity)
    task = await with_candidates(session, task, identity)
    job = Job(
        kind=contract.id,
        inputs=inputs.model_dump(mode="json", exclude_unset=True),
        task=task.model_dump(mode="json"),
        result_form=None if result_form is None else result_form.row(),
        subscriber=None if subscriber is None else dict(subscriber),
        seed=task.seed,
        software=software,
        requested_by=requested_by,
        request_id=request_id,
    )
    session.add(job)
    await session.flush()  # the id is made by the database
    await session.refresh(job)
    session.add_all(_inputs_read(job, task))
    record(
        session,
        Act(requested_by, request_id),
        "submit",
        table="job",
        object_id=str(job.id),
        after={"process": contract.id, "inputs": job.inputs},
    )
    return job


def _inputs_read(job: Job, task: Task) -> list[JobDataset]:
    return [
        JobDataset(
            job_id=job.id,
            dataset_id=dataset.id,
            role="input",
            name=theme,
            checksum=dataset.checksum,
        )
        for theme, dataset in sorted(task.datasets.items())
    ]
