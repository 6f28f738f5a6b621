"""Look for a point in every collection the caller may read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.catalogue import COLLECTIONS, collection_named
from shanhai.db.features.entity import Entity
from shanhai.db.features.order import Position
from shanhai.db.features.places import AtPoint
from shanhai.db.features.query import FeatureRow, read_page
from shanhai.db.features.selection import Selection
from shanhai.db.features.statements import Ask
from shanhai_api.features import documents
from shanhai_api.identity import Caller
from shanhai_api.negotiation import GEOJSON
from shanhai_api.view import View

MOST_IN_COLLECTION = 100


@dataclass(frozen=True, slots=True)
class Spot:
    """A point in degrees, how far lines and points may be from it, and the day asked about."""

    lon: float
    lat: float
    tolerance_m: float
    as_of: date | None


def collections_named(text: str | None) -> Sequence[Entity]:
    """The collections a list of names means; all that have geometry when nothing is asked.

    Raises:
        NotFound: one of them is not there.
    """
    names = [name for name in (text or "").split(",") if name]
    return [collection_named(name) for name in names] if names else COLLECTIONS


async def identify(
    session: AsyncSession, caller: Caller, entities: Sequence[Entity], spot: Spot, view: View
) -> list[dict[str, Any]]:
    """The features at a point, collection by collection in the order of the catalogue."""
    found: list[dict[str, Any]] = []
    for entity in entities:
        point = AtPoint.of(entity, spot.lon, spot.lat, spot.tolerance_m)
        selection = Selection(caller.viewer, as_of=spot.as_of, filter=point)
        page = await read_page(
            session,
            entity,
            selection,
            limit=MOST_IN_COLLECTION,
            position=Position(),
            ask=Ask(counting="none"),
        )
        found.extend(_told(entity, row, view) for row in page.rows)
    return found


def _told(entity: Entity, row: FeatureRow, view: View) -> dict[str, Any]:
    path = documents.collections_path(entity, "items", row.code)
    return {
        **documents.feature(row._replace(geometry=None)),
        "collection": entity.name,
        "collection_title": entity.title.in_(view.lang),
        "links": [view.link(path, "item", GEOJSON.media_type)],
    }
