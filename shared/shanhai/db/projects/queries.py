"""The projects a reader may see, one as its parts need it, and what it is linked to by hand."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Table, delete, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import Base
from shanhai.db.collections.projects import PROJECTS
from shanhai.db.features.columns import columns_of, source_of
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.features.sql_write import ids_of
from shanhai.db.features.write import state_tag
from shanhai.db.identity import Identity, Viewer, demand_role, demand_scopes
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.project import ProjectProblem, ProjectRegion
from shanhai.db.tables.provision import Problem
from shanhai.db.tables.zone import Region
from shanhai.errors import Conflict, Fault, InvalidInput, NotFound, demand_state
from shanhai.vocabulary import Label, Role, Scope

MEMBERS_THEN = "plan_members_on(:plan, CAST(:as_of AS date))"
"""SQL of the projects in the edition `:plan` on the day `:as_of`, with their programmes there."""
_MEMBERS = "(SELECT project_id, programme_id FROM plan_membership WHERE plan_id = :plan)"
_OWN = ", ".join(f"pj.{name}" for name in columns_of(PROJECTS) if name != "programme_id")


def seen_projects(viewer: Viewer, *conditions: str) -> str:
    """SQL of a table `seen` of the projects that meet the conditions, constants of the callers."""
    met = (PROJECTS.live, PROJECTS.current, *visibility(PROJECTS, viewer), *conditions)
    return (
        "seen AS (SELECT pj.*, pg.code AS programme, r.code AS region"  # noqa: S608
        f" FROM {PROJECTS.source} WHERE {' AND '.join(met)})"
    )


def projects_of_plan(viewer: Viewer, *conditions: str, former: bool = False) -> str:
    """SQL of a table `seen` of the projects in the edition of a plan with the number `:plan`.

    Their programmes are those they are in there. With `former` states it is as of the day `:as_of`.
    """
    state = (PROJECTS.as_of,) if former else (PROJECTS.live, PROJECTS.current)
    met = (*state, *visibility(PROJECTS, viewer), *conditions)
    members = MEMBERS_THEN if former else _MEMBERS
    return (
        f"seen AS (SELECT {_OWN}, member.programme_id, r.code AS region,"  # noqa: S608
        " (SELECT own.code FROM programme own WHERE own.id = member.programme_id) AS programme"
        f" FROM {source_of(PROJECTS, former=former)}"
        f" JOIN {members} member ON member.project_id = pj.id WHERE {' AND '.join(met)})"
    )


def seen_values(viewer: Viewer, **values: Any) -> Mapping[str, Any]:
    """The values of the binds; a day of None is not asked for."""
    given = {name: value for name, value in values.items() if (name, value) != ("as_of", None)}
    return {**given, **viewer_values(viewer)}


SCOPES = frozenset({Scope.PROJECTS, Scope.WRITE})
"""Either is needed to write anything of a project."""
ENDED = frozenset({"closed", "rejected", "cancelled"})
"""States nothing follows."""
TOUCH = text(
    "UPDATE project SET row_version = row_version + 1, updated_at = now() WHERE id = :project"
    " RETURNING row_version"
)


@dataclass(frozen=True, slots=True)
class ProjectSeen:
    """A project a reader may know of."""

    id: int
    code: str
    name: Label
    state: str
    region_id: int
    row_version: int

    @property
    def tag(self) -> str:
        """What tells this state of the row from others."""
        return state_tag(self.id, self.row_version)


async def find_project(
    session: AsyncSession, code: str, viewer: Viewer, *, lock: bool = False
) -> ProjectSeen:
    """The project of a code, locked until the transaction ends where that is asked.

    Raises:
        NotFound: there is none the viewer may know of.
    """
    about = (PROJECTS.live, PROJECTS.current, "pj.code = :code")
    met = " AND ".join((*about, *visibility(PROJECTS, viewer)))
    locking = " FOR NO KEY UPDATE OF pj" if lock else ""
    query = text(
        "SELECT pj.id, pj.code, pj.name_zh, pj.name_en, pj.state, pj.region_id, pj.row_version"  # noqa: S608
        f" FROM {PROJECTS.source} WHERE {met}{locking}"
    )
    values = {"code": code, **viewer_values(viewer)}
    row = None if "\x00" in code else (await session.execute(query, values)).first()
    if row is None:
        raise NotFound(f"there is no project {code!r}", message_zh=f"没有项目 {code!r}")
    row_id, own, zh, en, state, region_id, version = row
    return ProjectSeen(row_id, own, Label(zh, en), state, region_id, version)


async def hold_project(
    session: AsyncSession,
    code: str,
    identity: Identity,
    roles: frozenset[Role],
    *,
    expected: frozenset[str] | None = None,
    unended: bool = True,
) -> ProjectSeen:
    """The project, locked for one who may write what hangs on it.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        NotFound: there is none it may know of.
        Stale: the project is not in an expected state of its row.
        Conflict: the project has ended.
    """
    demand_scopes(identity, SCOPES)
    project = await find_project(session, code, identity.viewer, lock=True)
    demand_expected(project, expected)
    demand_role(identity, roles, project.region_id)
    if unended and project.state in ENDED:
        raise refused(
            "",
            Label(
                f"项目状态为 {project.state!r}，不得更改",
                f"the project is {project.state!r} and cannot be changed",
            ),
        )
    return project


def demand_expected(project: ProjectSeen, expected: frozenset[str] | None) -> None:
    """Refuse a write that was meant for another state of the row.

    Raises:
        Stale: it was.
    """
    demand_state(project.tag, expected, repr(project.code))


async def touch(session: AsyncSession, project: ProjectSeen) -> str:
    """Count a change of what the project shows of its parts; the new state's tag."""
    version = await session.scalar(TOUCH, {"project": project.id})
    return state_tag(project.id, int(version or 0))


def refused(pointer: str, rule: Label) -> Conflict:
    """What the present state of a project forbids."""
    return Conflict(rule.en, message_zh=rule.zh, faults=[Fault(pointer, rule.en, rule.zh)])


LINK_ROLES = frozenset({Role.OWNER, Role.PLANNER})
Linked = Literal["problems", "regions"]


async def put_links(
    session: AsyncSession,
    code: str,
    identity: Identity,
    act: Act,
    name: Linked,
    codes: Sequence[str],
    *,
    expected: frozenset[str] | None,
) -> tuple[list[str], str]:
    """Link a project to these problems, or regions, and no others; those kept, the project's tag.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        NotFound: there is no project it may know of.
        InvalidInput: a code is that of no problem, or region, it may know of.
        Conflict: the project has ended.
    """
    project = await hold_project(session, code, identity, LINK_ROLES, expected=expected)
    table, column = _TABLES[name]
    wanted = await _known(session, name, codes, identity)
    before = await _linked(session, name, project.id)
    kept = sorted(wanted)
    if kept == sorted(before):
        return kept, project.tag
    await session.execute(delete(table).where(table.c.project_id == project.id))
    if wanted:
        rows = [{"project_id": project.id, column: row_id} for row_id in wanted.values()]
        await session.execute(insert(table), rows)
    record(
        session,
        act,
        "replace",
        table=table.name,
        object_id=project.code,
        before={name: sorted(before)},
        after={name: kept},
    )
    return kept, await touch(session, project)


async def _linked(session: AsyncSession, name: str, project_id: int) -> Iterable[str]:
    if name == "problems":
        query = (
            select(Problem.code)
            .join(ProjectProblem, ProjectProblem.problem_id == Problem.id)
            .where(ProjectProblem.project_id == project_id)
        )
    else:
        query = (
            select(Region.code)
            .join(ProjectRegion, ProjectRegion.region_id == Region.id)
            .where(ProjectRegion.project_id == project_id)
        )
    return list(await session.scalars(query))


async def _known(
    session: AsyncSession, name: str, codes: Sequence[str], identity: Identity
) -> dict[str, int]:
    found = dict(await ids_of(session, name, set(codes), identity.viewer))
    faults = [
        Fault(f"/{name}/{number}", f"there is no {code!r} in {name}", f"{name} 中没有 {code!r}")
        for number, code in enumerate(codes)
        if code not in found
    ]
    if faults:
        raise InvalidInput(
            f"some {name} are not known", message_zh=f"有未知的 {name}", faults=faults
        )
    return found


def _table(name: str) -> Table:
    return Base.metadata.tables[name]


_TABLES = {
    "problems": (_table("project_problem"), "problem_id"),
    "regions": (_table("project_region"), "region_id"),
}
