"""What who asked for a job may do, kept with the task: the job writes in their name, later."""

from shanhai.db.identity import Grant, Identity
from shanhai.errors import Forbidden
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
