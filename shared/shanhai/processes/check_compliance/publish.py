"""Check a large geometry against lines, rules and zones: a question to the database.

What is small is answered in the request; see `shanhai.processes.check_compliance.check`.
"""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.processes.check_compliance.check import check_asked
from shanhai.processes.check_compliance.contract import CheckComplianceInputs
from shanhai.processes.kit.publication import identity_of
from shanhai.processes.kit.task import Publication


async def publish(session: AsyncSession, publication: Publication) -> dict[str, Any]:
    """Check, and give the answer."""
    inputs = CheckComplianceInputs.model_validate(publication.task.inputs)
    viewer = identity_of(publication.task).viewer
    return {"result": await check_asked(session, viewer, inputs)}
