"""What a project is linked to by hand: the problems it acts on, the regions it lies in."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import Base
from shanhai.db.features.references import ids_of
from shanhai.db.identity import Identity
from shanhai.db.projects.queries import hold_project, touch
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.project import ProjectProblem, ProjectRegion
from shanhai.db.tables.provision import Problem
from shanhai.db.tables.zone import Region
from shanhai.errors import Fault, InvalidInput
from shanhai.vocabulary import Role

LINK_ROLES = frozenset({Role.OWNER, Role.PLANNER})
Links = type[ProjectProblem] | type[ProjectRegion]


async def put_problems(
    session: AsyncSession,
    project: str,
    identity: Identity,
    act: Act,
    codes: Sequence[str],
    *,
    expected: frozenset[str] | None,
) -> tuple[list[str], str]:
    """Link a project to these problems and no others; the codes kept, and the project's tag.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        NotFound: there is no project it may know of.
        InvalidInput: a code is that of no problem it may know of.
        Conflict: the project has ended.
    """
    return await _put(session, project, identity, act, "problems", codes, expected)


async def put_regions(
    session: AsyncSession,
    project: str,
    identity: Identity,
    act: Act,
    codes: Sequence[str],
    *,
    expected: frozenset[str] | None,
) -> tuple[list[str], str]:
    """Link a project to these regions and no others; refusals as with `put_problems`."""
    return await _put(session, project, identity, act, "regions", codes, expected)


async def _put(
    session: AsyncSession,
    code: str,
    identity: Identity,
    act: Act,
    name: str,
    codes: Sequence[str],
    expected: frozenset[str] | None,
) -> tuple[list[str], str]:
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
