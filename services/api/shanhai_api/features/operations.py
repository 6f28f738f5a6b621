"""What can be asked of collections: items, a dataset's file, and all that lies at a point."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import COLLECTIONS, collection_named, entity_named, seen_by
from shanhai.db.collections.data_sources import DATASETS
from shanhai.db.engine import Executor
from shanhai.db.features.entity import Entity
from shanhai.db.features.order import PageStart
from shanhai.db.features.query import (
    METRES_PER_DEGREE,
    AtPoint,
    FeaturePage,
    FeatureRow,
    read_feature,
    read_page,
)
from shanhai.db.features.selection import Selection
from shanhai.db.features.statements import PLAIN, OutputOptions, PageOptions
from shanhai.db.queries.files import find_former
from shanhai.db.tables.dataset import Dataset
from shanhai.errors import NotFound, Unauthenticated
from shanhai.vocabulary import Label
from shanhai_api.features import documents
from shanhai_api.features.parameters import ItemsQuery
from shanhai_api.kit.requests import Caller
from shanhai_api.kit.view import GEOJSON, Link, View


async def read_items(
    session: Executor, entity: Entity, caller: Caller, query: ItemsQuery
) -> FeaturePage:
    """A page of features."""
    return await read_page(
        session,
        entity,
        query.selection(caller.viewer),
        limit=query.limit,
        position=query.position,
        ask=query.ask,
    )


async def read_item(
    session: Executor, entity: Entity, selection: Selection, form: OutputOptions = PLAIN
) -> FeatureRow:
    """The one feature a selection with a `code` means.

    Raises:
        NotFound: there is none, or none the caller may know of.
    """
    code = selection.code or ""
    row = await read_feature(session, entity, selection, form) if "\x00" not in code else None
    if row is None:
        raise NotFound(
            f"there is no {code!r} in {entity.name}", message_zh=f"{entity.title.zh}中没有 {code!r}"
        )
    return row


async def demand_owners(
    session: AsyncSession, entity: Entity, caller: Caller, bound: Mapping[str, str]
) -> None:
    """Make sure that what the path of a list names is there for the caller.

    Raises:
        NotFound: it is not.
    """
    for name, code in bound.items():
        declared = entity.declared(name)
        if declared is not None and declared.refers_to is not None:
            owner = entity_named(declared.refers_to)
            await read_item(session, owner, Selection(caller.viewer, code=code))


async def dataset_with_file(
    quick: Executor, session: AsyncSession, caller: Caller, code: str, sha256: str | None
) -> Dataset:
    """The dataset as it is, or as it was when its file had the checksum.

    What was replaced keeps its former files; what was deleted gives none, old or new.

    Raises:
        NotFound: there is none, or none the caller may know of.
        Unauthenticated: its licence is not stated, so that it is not for everybody.
    """
    seen = await read_item(quick, DATASETS, Selection(caller.viewer, code=code))
    row = await session.get_one(Dataset, seen.key)
    if sha256 not in {None, row.checksum}:
        row = await _former(session, caller, code, str(sha256))
    if caller.anonymous and not row.licence:
        raise Unauthenticated(
            f"dataset {code!r} states no licence; its file is only for readers with an identity",
            message_zh=f"数据集 {code!r} 未注明许可，其文件仅供有身份的用户获取",
        )
    return row


async def _former(session: AsyncSession, caller: Caller, code: str, sha256: str) -> Dataset:
    row = await find_former(session, code, sha256, caller.viewer)
    if row is None:
        raise NotFound(
            f"dataset {code!r} never had a file with the SHA-256 {sha256}",
            message_zh=f"数据集 {code!r} 从未有过 SHA-256 为 {sha256} 的文件",
        )
    return row


MOST_IN_COLLECTION = 100
LEAST_BOX_DEGREES = 1e-5
PUBLISHED_TO_HOLD = frozenset({"zone_schemes", "zones"})
"""Collections whose approved objects still wait."""
NOT_IN_FORCE = frozenset(
    {"draft", "submitted", "proposed", "rejected", "cancelled", "withdrawn", "superseded"}
)


@dataclass(frozen=True, slots=True)
class Spot:
    """A point in degrees, how far others may be from it, the day asked about, and it or today."""

    lon: float
    lat: float
    tolerance_m: float
    as_of: date | None
    day: date


def collections_named(text: str | None) -> Sequence[Entity]:
    """The collections a list of names means; all that have geometry when nothing is asked.

    Raises:
        NotFound: one of them is not there.
    """
    names = [name for name in (text or "").split(",") if name]
    return [collection_named(name) for name in names] if names else COLLECTIONS


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: the features, and where the others are that were left out."""

    features: list[dict[str, Any]]
    links: list[Link]


async def identify(
    session: Executor, caller: Caller, entities: Sequence[Entity], spot: Spot, view: View
) -> Found:
    """The features at a point: what is in force first, each in the order of the catalogue.

    Of rows that later ones of their kind have taken the place of, only a link is given.
    """
    features: list[dict[str, Any]] = []
    links: list[Link] = []
    for entity in entities:
        seen = seen_by(entity, caller.viewer)
        point = AtPoint.of(seen, spot.lon, spot.lat, spot.tolerance_m)
        newest = entity.newest if spot.as_of is None else None
        shown = await _read(
            session, entity, caller, spot, point if newest is None else _only(point, newest)
        )
        features.extend(_told(entity, row, view, str(spot.day)) for row in shown.rows)
        former = 0
        if newest is not None:
            others = _only(point, f"NOT ({newest})")
            former = (await _read(session, entity, caller, spot, others, limit=1)).matched or 0
        if former or shown.has_next:
            links.append(_link_to_others(entity, spot, view, former))
    features.sort(key=lambda one: not one["in_force"])
    return Found(features, links)


def _only(point: AtPoint, condition: str) -> AtPoint:
    return replace(point, besides=condition)


async def _read(
    session: Executor,
    entity: Entity,
    caller: Caller,
    spot: Spot,
    point: AtPoint,
    *,
    limit: int = MOST_IN_COLLECTION,
) -> FeaturePage:
    return await read_page(
        session,
        entity,
        Selection(caller.viewer, as_of=spot.as_of, filter=point),
        limit=limit,
        position=PageStart(),
        ask=PageOptions(counting="none" if limit == MOST_IN_COLLECTION else "capped"),
    )


def _told(entity: Entity, row: FeatureRow, view: View, day: str) -> dict[str, Any]:
    path = documents.collections_path(entity, "items", row.code)
    return {
        **documents.feature(row._replace(geometry=None)),
        "collection": entity.name,
        "collection_title": entity.title.in_(view.lang),
        "in_force": _in_force(entity, row.properties, day),
        "version": row.properties.get("version") or row.version,
        "links": [view.link(path, "item", GEOJSON.media_type, as_of=view.day)],
    }


def _in_force(entity: Entity, properties: Mapping[str, Any], day: str) -> bool:
    """Whether an object holds on a day, rather than being prepared or over."""
    if (properties.get("valid_from") or day) > day:
        return False
    state = properties.get("status") or properties.get("state")
    if entity.name in PUBLISHED_TO_HOLD:
        return state == "published"
    return state not in NOT_IN_FORCE


def _link_to_others(entity: Entity, spot: Spot, view: View, former: int) -> Link:
    """A link to all of a collection around the point."""
    north = max(spot.tolerance_m / METRES_PER_DEGREE, LEAST_BOX_DEGREES)
    west, south = max(spot.lon - north, -180), max(spot.lat - north, -90)
    box = (west, south, min(spot.lon + north, 180), min(spot.lat + north, 90))
    title = Label(
        f"{entity.title.zh}：此处另有 {former} 个已被取代"
        if former
        else f"{entity.title.zh}：更多",
        f"{entity.title.en}: {former} more here, replaced by later ones"
        if former
        else f"{entity.title.en}: more",
    )
    return view.link(
        documents.collections_path(entity, "items"),
        "related",
        GEOJSON.media_type,
        title.in_(view.lang),
        bbox=",".join(f"{side:.6f}" for side in box),
        as_of=view.day,
    )
