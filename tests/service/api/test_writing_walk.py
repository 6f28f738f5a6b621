"""The walk of writes: who may not write in a region changes nothing of it, whatever is asked.

Every operation of the definition that writes is asked by everybody who has no right to write in a
region, with the codes of that region's objects in its path and body. Then the tables are compared
with what they held before. A new operation is asked by itself.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.vocabulary import ROLE_SCOPES, Role, Scope
from tests.service.api.test_role_matrix import (
    INSIDE,
    OUTSIDE,
    Caller,
    Fact,
    bring_to,
    credential,
    facts,
)
from tests.support.mutated_requests import MutatedRequest, requests_of

__all__ = ["facts"]

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service, pytest.mark.long]

WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
NOTES = (
    *("audit_log", "audit_chain", "audit_range", "api_key", "account", "idempotency_key"),
    *("observation_source", "sign_in_failure", "spent_challenge", "tile_change", "upload"),
)
"""Tables that tell who asked what; nothing of a region is in them."""
TABLES = text(
    """SELECT c.relname FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND NOT c.relispartition AND c.relname NOT LIKE 'alembic%'
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
        ORDER BY 1"""
)
PLACED = text(
    "SELECT DISTINCT table_name FROM information_schema.columns WHERE column_name = 'region_id'"
)
READERS = (
    Caller("anonymous", frozenset({"read"}), anonymous=True),
    Caller("no role", frozenset({"read"})),
    *(
        Caller(f"{role}@{place}", frozenset(ROLE_SCOPES[role]), ((role.value, place),))
        for role, place in ((Role.VIEWER, INSIDE), (Role.AUDITOR, None))
    ),
    # All scopes there are but for that of administrators, and no role that writes.
    Caller("scopes", frozenset(Scope) - {Scope.ADMIN}, (("viewer", INSIDE),)),
)
STRANGERS = tuple(
    Caller(f"{role}@{OUTSIDE}", frozenset(ROLE_SCOPES[role]), ((role.value, OUTSIDE),))
    for role in Role
    if role not in {Role.ADMIN, Role.VIEWER}
)
Rows = Mapping[str, Counter[str]]


def requests_for(
    definition: dict[str, Any], facts: list[Fact], collection: str
) -> list[MutatedRequest]:
    """Every request that writes, about the objects inside."""
    codes = {fact.entity.name.removesuffix("s"): fact.code for fact in facts}
    codes |= {"region": INSIDE, "job": "00000000-0000-0000-0000-000000000001"}
    codes |= {"collection": collection, "code": codes[collection.removesuffix("s")]}
    return [
        MutatedRequest(one.method, one.path, (), one.headers, about(one.body, codes))
        for one in requests_of(definition, codes)
        if one.method in WRITING
    ]


def about(body: Any, codes: Mapping[str, str]) -> Any:
    """A body whose members that bear the name of a kind of object name the one inside."""
    if isinstance(body, list):
        return [about(item, codes) for item in body]
    if not isinstance(body, dict):
        return body
    return {name: codes[name] if name in codes else about(one, codes) for name, one in body.items()}


async def rows_of(session: AsyncSession, region: int | None = None) -> Rows:
    """What every table holds, row by row; of tables with regions, of one region if it is told."""
    placed = set(await session.scalars(PLACED)) if region is not None else set()
    found: dict[str, Counter[str]] = {}
    for table in (await session.scalars(TABLES)).all():
        if table not in NOTES:
            met = f"WHERE t.region_id = {region}" if table in placed else ""
            rows = await session.scalars(text(f'SELECT t::text FROM "{table}" t {met}'))
            found[table] = Counter(rows.all())
    await session.rollback()
    return found


def differences(before: Rows, after: Rows) -> Iterator[str]:
    """Rows that were changed or removed, and new ones."""
    for table, rows in after.items():
        yield from (f"{table} lost {row[:200]}" for row in before[table] - rows)
        yield from (f"{table} gained {row[:200]}" for row in rows - before[table])


async def ask_all(
    client: httpx.AsyncClient, requests: list[MutatedRequest], headers: Mapping[str, str]
) -> None:
    """Send them all; none is answered by a fault of ours."""
    for request in requests:
        answer = await client.request(
            request.method,
            request.target,
            content=request.content,
            headers={**request.headers, **headers, "If-Match": "*", "Prefer": "respond-async"},
        )
        assert answer.status_code < 500 or answer.status_code == 503, (request, answer.text)


@pytest.fixture
async def requests(
    anonymous: httpx.AsyncClient, facts: list[Fact], session: AsyncSession
) -> list[MutatedRequest]:
    """All requests, with the objects inside published."""
    await bring_to(session, "public")
    names = [fact.entity.name for fact in facts if fact.entity.path is None]
    definition = (await anonymous.get("/api")).json()
    first, *others = (requests_for(definition, facts, name) for name in names)
    # The paths of collections are the same operation for each of them.
    asked = [*first, *(one for more in others for one in more if one.path[0] == "collections")]
    assert len(asked) > 150
    return asked


@pytest.mark.timeout(300)
@pytest.mark.parametrize("caller", READERS, ids=lambda caller: caller.name)
async def test_who_only_reads_writes_nothing(
    caller: Caller,
    requests: list[MutatedRequest],
    session: AsyncSession,
    anonymous: httpx.AsyncClient,
) -> None:
    headers = await credential(session, caller)
    before = await rows_of(session)
    await ask_all(anonymous, requests, headers)
    assert list(differences(before, await rows_of(session))) == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("caller", STRANGERS, ids=lambda caller: caller.name)
async def test_who_works_elsewhere_writes_nothing_here(
    caller: Caller,
    requests: list[MutatedRequest],
    session: AsyncSession,
    anonymous: httpx.AsyncClient,
) -> None:
    inside = await session.scalar(text(f"SELECT id FROM region WHERE code = '{INSIDE}'"))
    placed = set(await session.scalars(PLACED))
    headers = await credential(session, caller)
    before = await rows_of(session, inside)
    await ask_all(anonymous, requests, headers)
    found = [*differences(before, await rows_of(session, inside))]
    # Who works elsewhere may make what belongs to no region.
    assert [one for one in found if " lost " in one or one.partition(" ")[0] in placed] == []


@pytest.mark.timeout(300)
async def test_who_may_write_here_does(
    requests: list[MutatedRequest], session: AsyncSession, anonymous: httpx.AsyncClient
) -> None:
    """What the walk asks reaches the tables, or it would show nothing."""
    scopes = frozenset(ROLE_SCOPES[Role.PLANNER])
    headers = await credential(session, Caller("planner", scopes, (("planner", INSIDE),)))
    before = await rows_of(session)
    await ask_all(anonymous, requests, headers)
    changed = {one.partition(" ")[0] for one in differences(before, await rows_of(session))}
    assert len(changed) > 10, changed
