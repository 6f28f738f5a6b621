"""`/identify`."""

from datetime import date
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import Field

from shanhai_api.dependencies import PageQuery, Reader, ReadSession, TheView
from shanhai_api.identify import operations
from shanhai_api.identify.operations import Spot
from shanhai_api.negotiation import GEOJSON, HTML

router = APIRouter(tags=["features"])


class IdentifyQuery(PageQuery):
    """Parameters of the question what lies at a point."""

    lon: float = Field(ge=-180, le=180, description="Degrees east")
    lat: float = Field(ge=-90, le=90, description="Degrees north")
    tolerance_m: float = Field(
        10, ge=0, le=10_000, description="How far lines and points may be, in metres"
    )
    as_of: date | None = Field(None, description="Day whose state is wanted")
    collections: str | None = Field(
        None, max_length=500, description="Names of collections, with commas; default: all"
    )


@router.get("/identify", summary="Every object at a point")
async def identify(
    view: TheView,
    caller: Reader,
    query: Annotated[IdentifyQuery, Query()],
    session: ReadSession,
) -> Response:
    """Find the objects at a point: areas that hold it, lines and points close to it.

    What is in force comes first. Geometry is left out; each object links to its own page, and what
    later objects of its kind have replaced is told by a link (`related`).
    """
    entities = operations.collections_named(query.collections)
    spot = Spot(query.lon, query.lat, query.tolerance_m, query.as_of)
    found = await operations.identify(session, caller, entities, spot, view)
    document = {
        "type": "FeatureCollection",
        "point": [query.lon, query.lat],
        "features": found.features,
        "numberReturned": len(found.features),
        "links": [
            view.link("/identify", "self", lon=str(query.lon), lat=str(query.lat)),
            *found.links,
        ],
    }
    html = view.wants_html(GEOJSON, HTML)
    return view.respond(
        orjson.loads(orjson.dumps(document)) if html else document,
        template="identify.html",
        formats=(GEOJSON, HTML),
        extra={"statuses": {entity.name: entity.declared("status") for entity in entities}},
    )
