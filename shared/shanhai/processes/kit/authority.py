"""What the caller of a job may do, and whether it may publish."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import (
    PUBLISH_SCOPES,
    PUBLISHERS,
    Grant,
    Identity,
    demand_role,
    demand_scopes,
)
from shanhai.db.queries.jobs import find_region
from shanhai.errors import Forbidden
from shanhai.processes.kit.contract import ProcessContract
from shanhai.processes.kit.task import AuthorityTask, GrantTask, Task


def identity_of(task: Task) -> Identity:
    """Who asked for a job, with the rights of that moment.

    Raises:
        Forbidden: the task carries none, so nothing can be written in anybody's name.
    """
    kept = task.authority
    if kept is None:
        raise Forbidden("the task carries no rights", message_zh="任务未附带权限")
    grants = None
    if kept.grants is not None:
        grants = tuple(
            Grant(item.role, None if item.regions is None else frozenset(item.regions))
            for item in kept.grants
        )
    groups, proofs = frozenset(kept.groups), frozenset(kept.proofs)
    return Identity(kept.owner, frozenset(kept.scopes), grants, groups, proofs)


def with_rights(task: Task, identity: Identity) -> Task:
    """The task with the rights an identity has now."""
    return task.model_copy(update={"authority": rights_of(identity)})


def rights_of(identity: Identity) -> AuthorityTask:
    """The rights of an identity, as a task keeps them."""
    grants = None
    if identity.grants is not None:
        grants = [
            GrantTask(
                role=item.role, regions=None if item.regions is None else sorted(item.regions)
            )
            for item in identity.grants
        ]
    return AuthorityTask(
        owner=identity.owner,
        scopes=sorted(identity.scopes),
        grants=grants,
        groups=sorted(identity.groups),
        proofs=sorted(identity.proofs),
    )


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
