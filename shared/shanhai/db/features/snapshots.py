"""The states of a row, for its writers, the audit log and those who ask for former ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import seen_by
from shanhai.db.features.columns import columns_of, source_of
from shanhai.db.features.entity import Entity
from shanhai.db.features.selection import Selection, bound_values, viewer_values, visibility
from shanhai.db.features.statements import MEMBERS_IN_CALL, PLAIN, feature_columns, shown
from shanhai.db.identity import Viewer

IN_JSON = frozenset({"members", "geometry"})
SHOWN_VERTICES = 2_000
"""Geometries with more vertices are kept in the audit log as a digest and a box."""


@dataclass(frozen=True, slots=True)
class Image:
    """A row at a moment.

    Attributes:
        region_id: The region by which the scope of roles is judged.
        values: The members clients can write, by property name, as JSON has them.
        geometry: The geometry, or its digest and box when it is large.
        today: The day on which it was read.
    """

    row_id: int
    row_version: int
    code: str
    region_id: int | None
    valid_from: date | None
    valid_to: date | None
    values: Mapping[str, Any]
    geometry: Mapping[str, Any] | None
    today: date

    def audited(self) -> dict[str, Any]:
        """What the audit log keeps."""
        kept = {"id": self.row_id, "row_version": self.row_version, **self.values}
        return kept if self.geometry is None else {**kept, "geometry": self.geometry}


async def find_and_lock(
    session: AsyncSession,
    entity: Entity,
    code: str,
    viewer: Viewer,
    *,
    within: Mapping[str, str],
    to_delete: bool = False,
) -> Image | None:
    """The row a viewer means by a code, locked until the transaction ends; None if unknown.

    Where versions stand beside each other it is the current one, or else the newest.

    Args:
        within: Codes of what the row belongs to, by property name.
        to_delete: Also keep others from beginning to refer to it.
    """
    visible = tuple(visibility(entity, viewer))
    query = _locking_query(entity.whole, visible, tuple(sorted(within)), to_delete)
    values = {f"in_{name}": value for name, value in within.items()}
    found = await session.execute(query, {"code": code, **values, **viewer_values(viewer)})
    return _image(found.first())


async def lock(
    session: AsyncSession, entity: Entity, row_id: int, *, to_delete: bool = False
) -> Image | None:
    """The row of a number, locked until the transaction ends."""
    met = (entity.live, f"{entity.key} = :row_id")
    query = _locked(_image_query(entity.whole, met), entity, to_delete)
    return _image((await session.execute(query, {"row_id": row_id})).first())


async def read_image(session: AsyncSession, entity: Entity, row_id: int) -> Image:
    """The row of a number, deleted or not."""
    query = _image_query(entity.whole, (f"{entity.key} = :row_id",))
    image = _image((await session.execute(query, {"row_id": row_id})).one())
    if image is None:
        raise LookupError(f"{entity.name} has no row {row_id}")
    return image


@lru_cache(maxsize=512)
def _locking_query(
    entity: Entity, visible: tuple[str, ...], within: tuple[str, ...], to_delete: bool
) -> sa.Select[Any]:
    places = []
    for name in within:
        declared = entity.declared(name)
        if declared is None:
            raise LookupError(f"{entity.name} has no property {name}")
        places.append(f"({declared.sql}) = :in_{name}")
    met = (entity.live, *visible, f"{entity.code} = :code", *places)
    order = sa.text(f"({entity.current}) DESC, {entity.key} DESC")
    return _locked(_image_query(entity, met).order_by(order).limit(1), entity, to_delete)


def _locked(query: sa.Select[Any], entity: Entity, to_delete: bool) -> sa.Select[Any]:
    """The query, which locks the rows of the entity's own table."""
    return query.with_for_update(of=sa.table(entity.alias), key_share=not to_delete)


@lru_cache(maxsize=512)
def _image_query(entity: Entity, met: tuple[str, ...]) -> sa.Select[Any]:
    own, columns = entity.alias, columns_of(entity)
    named = {
        "row_id": entity.key,
        "row_version": f"{own}.row_version" if "row_version" in columns else "1",
        "code": entity.code,
        "region_id": entity.region or "NULL::bigint",
        "valid_from": f"{own}.valid_from" if "valid_from" in columns else "NULL::date",
        "valid_to": f"{own}.valid_to" if "valid_to" in columns else "NULL::date",
        "members": members_sql(entity),
        "geometry": geometry_image(entity),
        "today": "current_date",
    }
    listed: list[sa.ColumnElement[Any]] = [
        sa.literal_column(sql, sa.JSON() if name in IN_JSON else None).label(name)
        for name, sql in named.items()
    ]
    return sa.select(*listed).select_from(sa.text(entity.source)).where(*map(sa.text, met))


def members_sql(entity: Entity) -> str:
    """SQL of an object of all the members clients can write."""
    items = entity.receivables
    calls = [
        ", ".join(
            f"'{item.name}', {shown(item)}" for item in items[start : start + MEMBERS_IN_CALL]
        )
        for start in range(0, len(items), MEMBERS_IN_CALL)
    ]
    return " || ".join(f"jsonb_build_object({call})" for call in calls) or "'{}'::jsonb"


def geometry_image(entity: Entity) -> str:
    """SQL of what the audit log keeps of a geometry."""
    if entity.geometry_column is None:
        return "NULL::json"
    column = f"{entity.alias}.{entity.geometry_column}"
    sides = ", ".join(f"ST_{side}({column})" for side in ("XMin", "YMin", "XMax", "YMax"))
    digest = f"encode(sha256(ST_AsBinary({column}, 'NDR')), 'hex')"
    return (
        f"CASE WHEN {column} IS NULL THEN NULL"
        f" WHEN ST_NPoints({column}) <= {SHOWN_VERTICES} THEN ST_AsGeoJSON({column}, 9, 0)::json"
        f" ELSE json_build_object('sha256', {digest}, 'bbox', json_build_array({sides})) END"
    )


def _image(row: sa.Row[Any] | None) -> Image | None:
    return None if row is None else Image(*tuple(row))


MOST_VERSIONS = 1_000


@dataclass(frozen=True, slots=True)
class Version:
    """A state of an object.

    Attributes:
        recorded_from: When it was written.
        recorded_to: When the next state was; None for the newest.
        deleted: It is the state in which the object was deleted.
        properties: Its members, as JSON text.
    """

    key: int
    row_version: int
    valid_from: date | None
    valid_to: date | None
    recorded_from: datetime
    recorded_to: datetime | None
    deleted: bool
    properties: str


async def read_versions(
    session: AsyncSession, entity: Entity, selection: Selection, *, limit: int
) -> Sequence[Version]:
    """The states of the object a selection means by its code, of those the viewer may see.

    Whoever may not see the object as it is now sees none: what was withdrawn is to be read no more.
    """
    entity, names = seen_by(entity, selection.viewer), tuple(sorted(selection.filters))
    query = _versions_query(entity, tuple(visibility(entity, selection.viewer)), names)
    values = {**bound_values(selection), "most": limit}
    return [Version(*tuple(row)) for row in await session.execute(query, values)]


@lru_cache(maxsize=256)
def _versions_query(
    entity: Entity, visible: tuple[str, ...], names: tuple[str, ...]
) -> sa.TextClause:
    own = entity.alias
    places = [f"({_sql_of(entity, name)}) = :is_{name}" for name in names]
    seen_now = " AND ".join((*visible, f"{entity.code} = :code"))
    # Inside, the names of the tables mean the rows there are now.
    now = f"{entity.key} IN (SELECT {entity.key} FROM {entity.source} WHERE {seen_now})"  # noqa: S608
    met = " AND ".join((*visible, f"{entity.code} = :code", *places, *([now] if visible else [])))
    following = f"lead({own}.updated_at) OVER (PARTITION BY {own}.id ORDER BY {own}.row_version)"
    # Constants of this code; callers' values are bound.
    return sa.text(
        f"SELECT {own}.id, {own}.row_version, {own}.valid_from, {own}.valid_to,"  # noqa: S608
        f" {own}.updated_at, {following}, {own}.deleted_at IS NOT NULL,"
        f" {feature_columns(entity, PLAIN)['properties']}"
        f" FROM {source_of(entity, former=True)} WHERE {met}"
        f" ORDER BY {own}.id DESC, {own}.row_version DESC LIMIT :most"
    )


def _sql_of(entity: Entity, name: str) -> str:
    declared: Any = entity.declared(name)
    if declared is None:
        raise LookupError(f"{entity.name} has no property {name}")
    return str(declared.sql)
