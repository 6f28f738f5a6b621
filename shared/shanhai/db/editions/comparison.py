"""Compare two editions of a plan: what was added, dropped and changed, with areas and sums."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, TextualSelect, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import ENTITIES, seen_by
from shanhai.db.collections.plans import PLANS
from shanhai.db.collections.projects import PROJECTS
from shanhai.db.editions.content import CONTENT, CONTENT_BY_TABLE, COPIED_FROM, Content, held
from shanhai.db.editions.creation import has_marked_code
from shanhai.db.editions.lineage import list_members
from shanhai.db.features.columns import columns_of, source_of
from shanhai.db.features.entity import Entity
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.features.snapshots import members_sql
from shanhai.db.features.statements import DAY, on_a_day
from shanhai.db.identity import Viewer
from shanhai.errors import InvalidInput
from shanhai.vocabulary import Label

OWN = frozenset({"code", "plan", "version", "valid_from", "valid_to", "scheme"})
"""Members in which editions differ by what they are."""
STATES = {"plans": frozenset({"status"}), "zone_schemes": frozenset({"status", "origin"})}
"""Members that tell how far an edition has come."""
_LINEAGE = text(
    "SELECT coalesce(a.lineage_id, a.id) = coalesce(b.lineage_id, b.id) FROM plan a, plan b"
    " WHERE a.id = :first AND b.id = :second"
)


@dataclass(frozen=True, slots=True)
class EditionObject:
    """An object of an edition; `key` is the same for all its copies.

    Attributes:
        members: What it says, by property name; what it refers to among its like, by key.
        shape: A digest of its geometry.
    """

    key: str
    code: str
    name: Label
    members: Mapping[str, Any]
    area_m2: float | None = None
    shape: str | None = None
    cost: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Altered:
    """An object that both editions have, and do not say the same of."""

    before: EditionObject
    after: EditionObject

    @property
    def members(self) -> dict[str, tuple[Any, Any]]:
        """The members that differ, as they were and are."""
        old, new = self.before.members, self.after.members
        names = sorted({*old, *new})
        return {n: (old.get(n), new.get(n)) for n in names if old.get(n) != new.get(n)}

    @property
    def redrawn(self) -> bool:
        """Whether its geometry differs."""
        return self.before.shape != self.after.shape


@dataclass(frozen=True, slots=True)
class EditionDifference:
    """The objects of one kind in two editions."""

    kind: str
    title: Label
    before: Sequence[EditionObject]
    after: Sequence[EditionObject]
    added: list[EditionObject] = field(default_factory=list)
    dropped: list[EditionObject] = field(default_factory=list)
    changed: list[Altered] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        kind: str,
        title: Label,
        before: Sequence[EditionObject],
        after: Sequence[EditionObject],
    ) -> "EditionDifference":
        """Put the objects of both together by their keys."""
        old, new = ({part.key: part for part in parts} for parts in (before, after))
        both = [Altered(old[key], part) for key, part in new.items() if key in old]
        return cls(
            kind,
            title,
            before,
            after,
            [part for key, part in new.items() if key not in old],
            [part for key, part in old.items() if key not in new],
            [pair for pair in both if pair.members or pair.redrawn],
        )


async def compare_editions(
    session: AsyncSession,
    viewer: Viewer,
    first_id: int,
    second_id: int,
    as_of: date | None = None,
) -> list[EditionDifference]:
    """What a viewer may know of two editions, kind by kind: the plans themselves first.

    With `as_of` they are compared as they were on that day.

    Raises:
        InvalidInput: they are not editions of one plan.
    """
    if not await session.scalar(_LINEAGE, {"first": first_id, "second": second_id}):
        raise InvalidInput(
            "the two are not editions of one plan",
            message_zh="两者不是同一规划的版本",
            pointer="with",
        )
    both = (_Asked(viewer, first_id, as_of), _Asked(viewer, second_id, as_of))
    found = [
        EditionDifference.of("plans", PLANS.title, *[await _plan(session, each) for each in both])
    ]
    for content in CONTENT:
        entity = _entity_of(content)
        if content.compared and entity is not None:
            parts = [await _parts(session, content, entity, each) for each in both]
            found.append(EditionDifference.of(entity.name, entity.title, *parts))
    members = [await _projects(session, each) for each in both]
    found.append(EditionDifference.of(PROJECTS.name, PROJECTS.title, *members))
    return found


def _entity_of(content: Content) -> Entity | None:
    return next((entity for entity in ENTITIES if entity.table == content.table), None)


async def _plan(session: AsyncSession, asked: "_Asked") -> list[EditionObject]:
    state, plans = PLANS.as_of if asked.former else "true", seen_by(PLANS, asked.viewer)
    query = text(
        f"SELECT {PLANS.code} AS code, {members_sql(plans)} AS members"  # noqa: S608
        f" FROM {source_of(plans, former=asked.former)} WHERE p.id = :plan AND {state}"
    ).columns(members=JSON())
    row = (await session.execute(query, {**asked.values, **viewer_values(asked.viewer)})).one()
    return [EditionObject("plan", row.code, _name(row.members), _said(PLANS, row.members))]


async def _parts(
    session: AsyncSession, content: Content, entity: Entity, asked: "_Asked"
) -> list[EditionObject]:
    visible, seen = tuple(visibility(entity, asked.viewer)), seen_by(entity, asked.viewer)
    query = _query(content, seen, visible, asked.former)
    return [
        EditionObject(
            row.key,
            row.code,
            _name(row.members, row.code),
            {**_said(entity, row.members), **(row.told or {})},
            row.area_m2,
            row.shape,
        )
        for row in await session.execute(query, {**asked.values, **viewer_values(asked.viewer)})
    ]


async def _projects(session: AsyncSession, asked: "_Asked") -> list[EditionObject]:
    return [
        EditionObject(
            member.code,
            member.code,
            Label(member.name_zh, member.name_en),
            {"programme": None if member.programme is None else bare(member.programme)},
            member.area_m2,
            cost=None if member.state in {"rejected", "cancelled"} else member.cost,
        )
        for member in await list_members(session, asked.viewer, asked.plan_id, asked.as_of)
    ]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which edition is read, for whom, as of which day."""

    viewer: Viewer
    plan_id: int
    as_of: date | None

    @property
    def former(self) -> bool:
        return self.as_of is not None

    @property
    def values(self) -> dict[str, Any]:
        return {"plan": self.plan_id, **({} if self.as_of is None else {"as_of": self.as_of})}


@lru_cache(maxsize=256)
def _query(
    content: Content, entity: Entity, visible: tuple[str, ...], former: bool
) -> TextualSelect:
    own, columns = entity.alias, columns_of(entity)
    read, former_rows = on_a_day(entity) if former else entity, former and entity.historic
    state = entity.state_of_plan(former=former)
    met = [*([] if former_rows else [entity.live]), state, held(content, own, ":plan"), *visible]
    told = ", ".join(
        f"'{item.name}', {item.sql}" for item in read.properties if item.name in content.told
    )
    shape = entity.geometry_column
    # Constants of the declarations; callers' values are bound.
    return text(
        f"SELECT {_key(content, own)} AS key, {entity.code} AS code,"  # noqa: S608
        f" {members_sql(entity)} AS members, jsonb_build_object({told}) AS told,"
        f" {f'{own}.area_m2' if 'area_m2' in columns else 'NULL::double precision'} AS area_m2,"
        f" {f'md5(ST_AsBinary({own}.{shape}))' if shape else 'NULL'} AS shape"
        f" FROM {source_of(entity, former=former_rows)}{DAY if former else ''}"
        f" WHERE {' AND '.join(f'({one})' for one in met)}"
        f" ORDER BY {entity.code}"
    ).columns(members=JSON(), told=JSON())


def _key(content: Content, alias: str) -> str:
    """SQL of what all copies of a row have in common.

    It is the number of the first of them where codes are unique over all plans, or else the code
    with the key of what it belongs to.
    """
    if has_marked_code(content):
        return (
            f"(WITH RECURSIVE up (id, was) AS (SELECT {alias}.id, {alias}.{COPIED_FROM}"  # noqa: S608
            f" UNION ALL SELECT t.id, t.{COPIED_FROM} FROM {content.table} t JOIN up"
            " ON t.id = up.was) SELECT id::text FROM up WHERE was IS NULL)"
        )
    above = CONTENT_BY_TABLE.get(content.of)
    if above is None:
        return f"{alias}.code"
    of = f"{alias}_of"
    return (
        f"(SELECT {_key(above, of)} FROM {above.table} {of}"  # noqa: S608
        f" WHERE {of}.id = {alias}.{content.by}) || ' ' || {alias}.code"
    )


def _said(entity: Entity, members: Mapping[str, Any]) -> dict[str, Any]:
    """What an object says, where the code of a copy stands for that of the first."""
    copied = {of.name for of in map(_entity_of, CONTENT) if of is not None}
    untold = OWN | STATES.get(entity.name, frozenset())
    references = {item.name for item in entity.properties if item.refers_to in copied}
    return {
        name: _bare(value) if name in references else value
        for name, value in members.items()
        if name not in untold
    }


def _bare(value: Any) -> Any:
    return [bare(each) for each in value] if isinstance(value, list) else value and bare(value)


def bare(code: str) -> str:
    """A code without the mark of an edition."""
    stem, mark, number = code.rpartition(".v")
    return stem if mark and stem and number.isdecimal() else code


def _name(members: Mapping[str, Any], code: str = "") -> Label:
    zh, en = members.get("name_zh"), members.get("name_en")
    return Label(str(zh or en or code), str(en or zh or code))
