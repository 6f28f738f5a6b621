"""The task of the import of a plan, and whether its caller may make plans."""

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.plans import PLANS
from shanhai.db.identity import Identity, editing_of
from shanhai.processes.import_plan.contract import IMPORT_PLAN, ImportPlanInputs
from shanhai.processes.kit.lookups import judge_upload, refuse
from shanhai.processes.kit.publication import with_rights
from shanhai.processes.kit.resolution import Resolution
from shanhai.processes.kit.task import Task


async def resolve(session: AsyncSession, inputs: ImportPlanInputs, *, requested_by: str) -> Task:
    """The upload."""
    sha256, faults = await judge_upload(session, inputs.upload, owner=requested_by)
    refuse(faults)
    return Task(
        process=IMPORT_PLAN.id,
        inputs=inputs.model_dump(mode="json"),
        upload_uri=f"uploads/{inputs.upload}",
        upload_sha256=sha256,
    )


async def authorise(session: AsyncSession, task: Task, identity: Identity) -> Task:
    """The task with the rights of its caller."""
    editing_of(PLANS, identity, "create")
    return with_rights(task, identity)


RESOLUTION = Resolution(IMPORT_PLAN, resolve, authorise)
