"""Check a large geometry against lines, rules and zones: all of it is a question to the database.

What is small is answered in the request; see `shanhai.processes.check_compliance.resolve`.
"""

from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.processes.check_compliance.contract import CHECK_COMPLIANCE, CheckComplianceInputs
from shanhai.processes.check_compliance.resolve import check_asked
from shanhai.processes.kit.authority import identity_of
from shanhai.processes.kit.process import Progress, Publication
from shanhai.processes.kit.task import Outcome, Task


class CheckCompliance:
    """Overlaps, rules and a verdict, by what who asked may see."""

    contract = CHECK_COMPLIANCE

    def compute(self, task: Task, workspace: Path, progress: Progress) -> Outcome:
        """Do nothing: without the database there is nothing to compare with."""
        return Outcome()


async def publish_check(session: AsyncSession, publication: Publication) -> dict[str, Any]:
    """Check, and give the answer."""
    inputs = CheckComplianceInputs.model_validate(publication.task.inputs)
    viewer = identity_of(publication.task).viewer
    return {"result": await check_asked(session, viewer, inputs)}
