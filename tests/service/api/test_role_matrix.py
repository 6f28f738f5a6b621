"""Who sees and writes what: every entity, in every state, for every role in and out of its region.

What is expected is told here once more, from the declarations and in the plainest way, without the
code that answers requests.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import ENTITIES
from shanhai.db.features.entity import Entity, Property, Verb
from shanhai.db.identity import RoleGiven
from shanhai.db.queries.audit import write_entries
from shanhai.db.queries.keys import create_key
from shanhai.db.tables.provision import Document
from shanhai.db.tables.zone import Region
from shanhai.vocabulary import ROLE_SCOPES, Role, Scope
from shanhai_api.kit.state import ServiceState, UnitOfWork
from tests.support.examples import Body, Examples
from tests.support.job_rows import add_dataset, add_region

pytestmark = pytest.mark.timeout(300)
INSIDE, OUTSIDE = "region.example", "elsewhere"
STATUSES: Mapping[str, tuple[str, str, str]] = {
    "control_area": ("status", "draft", "published"),
    "corridor": ("status", "draft", "published"),
    "corridor_node": ("status", "draft", "published"),
    "pattern": ("status", "draft", "published"),
    "plan": ("status", "draft", "approved"),
    "project": ("state", "draft", "approved"),
    "zone_scheme": ("status", "draft", "published"),
}
"""By table: the column of the state, and a hidden and a shown state."""
STATES = (
    "draft",
    pytest.param("region", marks=pytest.mark.long),
    pytest.param("public", marks=pytest.mark.long),
    pytest.param("signed_in", marks=pytest.mark.long),
)
"""A draft, and what is published, by who may read it."""
WRITTEN = ("draft", pytest.param("public", marks=pytest.mark.long))


@dataclass(frozen=True)
class Caller:
    """Somebody, in the words of the test; `roles` of None is a key that was given none."""

    name: str
    scopes: frozenset[str]
    roles: tuple[tuple[str, str | None], ...] | None = ()
    anonymous: bool = False

    @property
    def admin(self) -> bool:
        return "admin" in self.scopes

    def has(self, *scopes: str) -> bool:
        return self.admin or any(scope in self.scopes for scope in scopes)


@dataclass(frozen=True)
class Fact:
    """What the declaration says of a row."""

    entity: Entity
    code: str
    path: str
    published: bool
    public: bool
    signed_in: bool
    region: str | None


def callers() -> Iterator[Caller]:
    yield Caller("anonymous", frozenset({"read"}), anonymous=True)
    yield Caller("reading key", frozenset({"read"}), roles=None)
    yield Caller("writing key", frozenset({"read", "write", "projects"}), roles=None)
    yield Caller("scope without role", frozenset({"read", "write"}), roles=(("viewer", None),))
    for role in Role:
        scopes = frozenset(scope.value for scope in ROLE_SCOPES[role])
        for region in (INSIDE, OUTSIDE, None):
            if role is not Role.ADMIN or region is None:
                yield Caller(f"{role}@{region}", scopes, ((role.value, region),))


def covers(place: str | None, region: str | None) -> bool:
    return place is None or place == region


def may_see(caller: Caller, fact: Fact) -> bool:
    if caller.anonymous:
        return fact.published and fact.public
    if caller.admin or caller.roles is None or (fact.published and fact.signed_in):
        return True
    readers = [place for role, place in caller.roles if role != "feed"]
    if fact.published and any(covers(place, fact.region) for place in readers):
        return True
    insiders = [place for role, place in caller.roles if role not in {"viewer", "feed"}]
    return any(covers(place, fact.region) for place in insiders)


def may_write(caller: Caller, fact: Fact, verb: Verb) -> bool:
    editing = fact.entity.editing
    if editing is None or verb not in editing.verbs or caller.anonymous:
        return False
    if not caller.has(*editing.scopes):
        return False
    if verb != "create" and not may_see(caller, fact):
        return False
    if caller.admin or caller.roles is None:
        return True
    # A region without a parent lies in no other: making one needs the role everywhere.
    alone = verb == "create" and fact.entity.name == "regions"
    region = None if alone else fact.region
    return any(role in editing.roles and covers(at, region) for role, at in caller.roles)


@pytest.fixture
async def facts(admin: httpx.AsyncClient, session: AsyncSession) -> list[Fact]:
    """An example of every entity in the region called inside, all of them drafts where they can."""

    async def make(entity: Entity, body: Body, within: Mapping[str, str]) -> None:
        path = (entity.path or f"/collections/{entity.name}/items").format_map(within)
        answer = await admin.post(path, json=body)
        assert answer.status_code == 201, answer.text

    examples = Examples(make)
    await add_region(session, OUTSIDE)
    await session.execute(text("DELETE FROM zone_class WHERE class_code = 'example'"))
    await session.commit()
    await examples.made("regions")
    region = (
        await session.execute(text(f"SELECT id FROM region WHERE code = '{INSIDE}'"))
    ).scalar()
    found = await session.get(Region, region)
    assert found is not None
    await add_dataset(session, found, "dem", "dataset.example")
    session.add(document(found.id))
    await session.commit()
    examples.codes |= {"datasets": "dataset.example", "documents": "document.example"}
    return [
        Fact(
            entity,
            await examples.made(entity.name),
            (entity.path or f"/collections/{entity.name}/items").format_map(
                {"plan": await examples.made("plans")}
            ),
            published=False,
            public=False,
            signed_in=False,
            region=None,
        )
        for entity in ENTITIES
    ]


def document(region_id: int) -> Document:
    return Document(
        code="document.example",
        owner_collection="projects",
        owner_code="project.example",
        region_id=region_id,
        filename="x.txt",
        title_zh="文",
        title_en="Document",
        kind="other",
        media_type="text/plain",
        bytes=1,
        sha256="0" * 64,
        uri="objects/00/x",
        uploaded_by="tester",
    )


async def bring_to(session: AsyncSession, state: str) -> None:
    """Bring every row to a state past all steps, and to what it says of who may read it."""
    await session.execute(text("SET LOCAL session_replication_role = 'replica'"))
    await session.execute(
        text("UPDATE zone_scheme SET valid_from = coalesce(valid_from, :day)"),
        {"day": date(2020, 1, 1)},
    )
    for table, (column, hidden, shown) in STATUSES.items():
        value = hidden if state == "draft" else shown
        await session.execute(text(f"UPDATE {table} SET {column} = '{value}'"))
    visibility = "region" if state == "draft" else state
    for table in {entity.table for entity in ENTITIES if entity.declared("visibility")}:
        await session.execute(text(f"UPDATE {table} SET visibility = '{visibility}'"))
    await session.commit()


async def as_declared(session: AsyncSession, fact: Fact) -> Fact:
    """The fact with what the declaration says of its row now."""
    entity = fact.entity
    query = text(
        f"SELECT {entity.published} AS published, {entity.public} AS public,"
        f" {entity.signed_in} AS signed_in,"
        f" (SELECT code FROM region WHERE id = {entity.region or 'NULL'}) AS region"
        f" FROM {entity.source} WHERE {entity.code} = :code AND {entity.live}"
    )
    row = (await session.execute(query, {"code": fact.code})).one()
    told = bool(row.published), bool(row.public), bool(row.signed_in)
    return Fact(entity, fact.code, fact.path, *told, row.region)


@pytest.mark.parametrize("state_name", STATES)
async def test_reading(
    state_name: str,
    facts: list[Fact],
    session: AsyncSession,
    anonymous: httpx.AsyncClient,
) -> None:
    await bring_to(session, state_name)
    rows = [await as_declared(session, fact) for fact in facts]
    wrong: list[str] = []
    for caller in callers():
        headers = await credential(session, caller)
        for row in rows:
            wrong += await misread(anonymous, headers, caller, row)
    assert wrong == []


async def misread(
    client: httpx.AsyncClient, headers: dict[str, str], caller: Caller, fact: Fact
) -> list[str]:
    """How the answers to a reader differ from what they should be."""
    seen = may_see(caller, fact)
    item = await client.get(f"{fact.path}/{fact.code}", headers=headers)
    expected = (200 if seen else 404) if caller.has("read") else 403
    wrong = []
    if item.status_code != expected:
        wrong.append(f"{caller.name} {fact.entity.name}: {item.status_code}, not {expected}")
    asked = ["?limit=100", *(["?f=csv"] if caller.name in EXPORTERS else [])]
    for query in asked:
        answer = await client.get(f"{fact.path}{query}", headers=headers)
        listed = answer.status_code == 200 and fact.code in answer.text
        if listed != (seen and caller.has("read")) or answer.status_code >= 500:
            wrong.append(f"{caller.name} {fact.entity.name}{query}: listed is {listed}")
    return wrong


@pytest.mark.parametrize("state_name", STATES)
async def test_former_states_are_read_by_those_who_may_read_the_present_one(
    state_name: str, facts: list[Fact], session: AsyncSession, anonymous: httpx.AsyncClient
) -> None:
    await bring_to(session, "public")
    for table in {fact.entity.table for fact in facts}:
        await session.execute(text(f"UPDATE {table} SET attrs = attrs || '{{\"kept\": 1}}'"))
    await session.commit()
    await bring_to(session, state_name)
    rows = [await as_declared(session, fact) for fact in facts]
    wrong: list[str] = []
    for caller in callers():
        headers = await credential(session, caller)
        for row in rows:
            answer = await anonymous.get(f"{row.path}/{row.code}/versions", headers=headers)
            expected = (200 if may_see(caller, row) else 404) if caller.has("read") else 403
            if answer.status_code != expected:
                told = f"{answer.status_code}, not {expected}"
                wrong.append(f"{caller.name} {row.entity.name}: {told}")
            elif expected == 200 and len(answer.json()["versions"]) < 2:
                wrong.append(f"{caller.name} {row.entity.name}: no former states")
    assert wrong == []


EXPORTERS = {"anonymous", "viewer@None", f"planner@{INSIDE}", f"planner@{OUTSIDE}"}
METHODS: Mapping[Verb, str] = {
    "create": "POST",
    "replace": "PUT",
    "update": "PATCH",
    "delete": "DELETE",
}


@pytest.fixture
def undone(monkeypatch: pytest.MonkeyPatch, state: ServiceState, facts: list[Fact]) -> None:
    """Whatever a request writes after the facts is written, and undone before the answer."""

    @asynccontextmanager
    async def unit_undone(_: ServiceState) -> AsyncIterator[UnitOfWork]:
        async with state.sessions() as session:
            yield UnitOfWork(session)
            await write_entries(session)
            await session.rollback()

    monkeypatch.setattr(ServiceState, "unit", unit_undone)


@pytest.mark.usefixtures("undone")
@pytest.mark.parametrize("state_name", WRITTEN)
async def test_writing(
    state_name: str, facts: list[Fact], session: AsyncSession, anonymous: httpx.AsyncClient
) -> None:
    await bring_to(session, state_name)
    rows = [await as_declared(session, fact) for fact in facts]
    bodies = {row.entity.name: await bodies_of(row) for row in rows}
    wrong: list[str] = []
    done: set[tuple[str, Verb]] = set()
    for caller in callers():
        headers = await credential(session, caller)
        for row in rows:
            for verb in METHODS:
                answer = await ask(anonymous, headers, row, verb, bodies[row.entity.name])
                if answer.is_success:
                    done.add((row.entity.name, verb))
                expected = refusal(caller, row, verb)
                if not is_right(answer.status_code, expected, verb):
                    told = f"{answer.status_code}, not {expected}"
                    wrong.append(f"{caller.name} {verb} {row.entity.name}: {told}")
    assert wrong == []
    assert len(done) > len(ENTITIES), "what is allowed is done"


def refusal(caller: Caller, fact: Fact, verb: Verb) -> int | None:
    """The status of a write that is refused for who asks for it."""
    editing = fact.entity.editing
    if editing is None or verb not in editing.verbs:
        return 405
    if caller.anonymous:
        return 401
    if not caller.has(*editing.scopes):
        return 403
    if verb != "create" and not may_see(caller, fact):
        return 404
    return None if may_write(caller, fact, verb) else 403


RULES = {400, 409, 422}
"""What breaks a rule of the object; what is allowed may, where the state allows no change."""


def is_right(status: int, expected: int | None, verb: Verb) -> bool:
    """Whether a write was refused for who asks, or else not for that."""
    if expected is None:
        return status < 300 or status in RULES
    # Of a whole object its references come first: whoever does not see them is told so, and where
    # it lies, which decides about the role, may follow from them. What is in the path is 404.
    whole = expected == 403 and verb in {"create", "replace"}
    return status == expected or (whole and status in RULES | {404})


async def ask(
    client: httpx.AsyncClient,
    headers: Mapping[str, str],
    fact: Fact,
    verb: Verb,
    bodies: Mapping[Verb, Body],
) -> httpx.Response:
    """The answer to a write."""
    path = fact.path if verb == "create" else f"{fact.path}/{fact.code}"
    return await client.request(
        METHODS[verb], path, headers={**headers, "If-Match": "*"}, json=bodies.get(verb)
    )


async def bodies_of(fact: Fact) -> dict[Verb, Body]:
    """What is written: a new object, the same one otherwise, and one member of it."""

    async def never(entity: Entity, body: Body, within: Mapping[str, str]) -> None:
        raise AssertionError(f"{entity.name} was not made")

    entity = fact.entity
    known = {item.name: f"{item.table.replace('_', '-')}.example" for item in ENTITIES}
    known |= {"zone_classes": "supply_demand.example"}
    known |= {f"{name}.another": f"{code}.another" for name, code in known.items()}
    examples = Examples(never, known)
    new = "supply_demand.new" if entity.name == "zone_classes" else "matrix.new"
    made, _ = await examples.body(entity, new)
    other, _ = await examples.body(entity, fact.code, variant=2)
    if entity.name == "zone_classes":
        made["class_code"] = "new"
    plain = [item.name for item in entity.receivables if is_plain(item)]
    patch: dict[str, Any] = dict.fromkeys(plain[:1], "改过的")
    body = patch if entity.path is not None else {"type": "Feature", "properties": patch}
    return {"create": made, "replace": other, "update": body}


def is_plain(item: Property) -> bool:
    """Whether any text can be written there."""
    ruled = {"enum", "format", "pattern"} & item.schema.keys()
    text_like = item.schema["type"] == "string" and not ruled
    fixed = item.role is not None or item.name in {"kind", "scheme_kind", "class_code"}
    return text_like and item.refers_to is None and not fixed


async def credential(session: AsyncSession, caller: Caller) -> dict[str, str]:
    if caller.anonymous:
        return {}
    roles = caller.roles
    key = await create_key(
        session,
        name=caller.name,
        scopes=[Scope(scope) for scope in sorted(caller.scopes)],
        roles=None if roles is None else [RoleGiven(Role(role), at) for role, at in roles],
    )
    await session.commit()
    return {"Authorization": f"Bearer {key}"}
