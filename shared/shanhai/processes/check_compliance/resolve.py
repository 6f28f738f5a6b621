"""The task of a compliance check."""

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.processes.check_compliance.check import read_shape_asked
from shanhai.processes.check_compliance.contract import CHECK_COMPLIANCE, CheckComplianceInputs
from shanhai.processes.kit.resolution import Resolution, keep_rights
from shanhai.processes.kit.task import Task


async def resolve(
    session: AsyncSession, inputs: CheckComplianceInputs, *, requested_by: str
) -> Task:
    """What was asked; its geometry is valid.

    The caller may not know of every project and region; what is there for them is looked up with
    their rights when the check is made.
    """
    if inputs.geometry is not None:
        await read_shape_asked(inputs.geometry, inputs.crs)
    return Task(process=CHECK_COMPLIANCE.id, inputs=inputs.model_dump(mode="json"))


RESOLUTION = Resolution(CHECK_COMPLIANCE, resolve, keep_rights)
