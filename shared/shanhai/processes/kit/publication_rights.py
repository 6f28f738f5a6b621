"""Jobs that show what they make to everybody: it takes the right of an approver, asked for twice.

Once when the job is asked for, and again when it publishes, as the rights are by then.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.permissions import (
    PUBLISH_SCOPES,
    PUBLISHERS,
    demand_role,
    demand_scopes,
)
from shanhai.db.identity import Identity
from shanhai.db.queries.job_inputs import find_region
from shanhai.errors import Forbidden
from shanhai.processes.kit.contract import ProcessContract
from shanhai.processes.kit.task import Task


def kept_back(task: Task, contract: ProcessContract) -> Task:
    """The task as if nothing had been asked to be shown: what it makes stays a draft."""
    return task.model_copy(update={"inputs": {**task.inputs, contract.publish_input: False}})


async def demand_right(
    session: AsyncSession,
    contract: ProcessContract,
    inputs: Mapping[str, Any],
    identity: Identity,
) -> None:
    """Refuse the wish to publish of whoever is no approver of the region.

    Raises:
        Unauthenticated, Forbidden: So it is.
    """
    if not contract.wishes_to_publish(inputs):
        return
    demand_scopes(identity, PUBLISH_SCOPES)
    region = await find_region(session, inputs["region"])
    pointer = f"/inputs/{contract.publish_input}"
    try:
        demand_role(identity, PUBLISHERS, None if region is None else region.id)
    except Forbidden as error:
        raise Forbidden(
            f"{pointer}: {error.message}; without it the result is a draft, which an approver"
            " may publish",
            message_zh=f"{pointer}：{error.message_zh}；不发布时结果为草案，可由审批者发布",
        ) from error
