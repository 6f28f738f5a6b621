"""What who asked for a job may do, kept with the task: the job writes in their name, later."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.catalogue import entity_named
from shanhai.db.features.entity import Entity
from shanhai.db.features.plans import PLANS
from shanhai.db.features.projects import PROJECTS
from shanhai.db.features.rights import demand_role, editing_of
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Grant, Identity
from shanhai.db.queries.job_inputs import find_region
from shanhai.errors import Forbidden
from shanhai.processes.check_compliance.contract import CHECK_COMPLIANCE
from shanhai.processes.evaluate_indicators.contract import EVALUATE_INDICATORS
from shanhai.processes.import_features.contract import IMPORT_FEATURES
from shanhai.processes.import_plan.contract import IMPORT_PLAN
from shanhai.processes.kit.publication_rights import demand_publishable, wishes_to_publish
from shanhai.processes.kit.task import AuthorityTask, GrantTask, Task
from shanhai.processes.select_sites.contract import SELECT_SITES

FEW = 5_000
"""Codes of one collection that a task may carry, so that a report can name unknown ones."""


async def with_authority(session: AsyncSession, task: Task, identity: Identity) -> Task:
    """The task with the rights of who asked, where its process reads or writes in their name.

    Raises:
        Unauthenticated, Forbidden: they may not write, or publish, what the job would.
        Conflict: what the job would publish overtakes what waits for that.
    """
    await demand_publishable(session, task, identity)
    if wishes_to_publish(task.process, task.inputs) or task.process in {
        CHECK_COMPLIANCE.id,
        EVALUATE_INDICATORS.id,
    }:
        task = with_rights(task, identity)
    if task.process == SELECT_SITES.id:
        return await _with_project_authority(session, task, identity)
    if task.process == IMPORT_PLAN.id:
        editing_of(PLANS, identity, "create")
        return task.model_copy(update={"authority": _kept(identity)})
    if task.process != IMPORT_FEATURES.id:
        return task
    entity = entity_named(task.inputs["collection"])
    editing_of(entity, identity, "update")
    references = await _few_codes(session, entity, identity)
    return task.model_copy(update={"authority": _kept(identity), "references": references})


async def _with_project_authority(session: AsyncSession, task: Task, identity: Identity) -> Task:
    """The task of a selection; one that makes projects needs the right to write them there."""
    if not task.inputs["draft_projects"]:
        return task
    editing = editing_of(PROJECTS, identity, "create")
    region = await find_region(session, task.inputs["region"])
    demand_role(identity, editing.roles, None if region is None else region.id)
    return with_rights(task, identity)


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


def acts_for_owner(task: Task) -> bool:
    """Whether the job reads or writes in the name of who asked, and not only publishes."""
    if task.process == SELECT_SITES.id:
        return bool(task.inputs["draft_projects"])
    return task.process in {
        *(CHECK_COMPLIANCE.id, EVALUATE_INDICATORS.id),
        *(IMPORT_FEATURES.id, IMPORT_PLAN.id),
    }


def with_rights(task: Task, identity: Identity) -> Task:
    """The task with the rights an identity has now."""
    return task.model_copy(update={"authority": _kept(identity)})


def _kept(identity: Identity) -> AuthorityTask:
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


async def _few_codes(
    session: AsyncSession, entity: Entity, identity: Identity
) -> dict[str, list[str]]:
    """The codes each reference may have, by property, for collections that are not large."""
    found: dict[str, list[str]] = {}
    for item in entity.receivables:
        # Rows of one file may refer to each other, as places to the places above them.
        if item.refers_to is None or item.refers_to == entity.name:
            continue
        other = entity_named(item.refers_to)
        met = " AND ".join((other.live, *visibility(other, identity.viewer)))
        query = text(
            f"SELECT DISTINCT {other.code} FROM {other.source} WHERE {met} LIMIT {FEW + 1}"  # noqa: S608
        )
        codes = list((await session.execute(query, viewer_values(identity.viewer))).scalars())
        if len(codes) <= FEW:
            found[item.name] = sorted(codes)
    return found
