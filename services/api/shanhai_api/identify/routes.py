"""`/identify`."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import Field

from shanhai.timestamps import Rfc3339Date
from shanhai_api.dependencies import PageQuery, Reader, format_field
from shanhai_api.identify import operations
from shanhai_api.identify.models import FeaturesAtPoint
from shanhai_api.identify.operations import Spot
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import Read

router = APIRouter(tags=["features"], route_class=Route)


class IdentifyQuery(PageQuery):
    """Parameters of the question what lies at a point."""

    f: str | None = format_field("json", "geojson", "html")
    lon: float = Field(ge=-180, le=180, description="Degrees east")
    lat: float = Field(ge=-90, le=90, description="Degrees north")
    tolerance_m: float = Field(
        10, ge=0, le=10_000, description="How far lines and points may be, in metres"
    )
    as_of: Rfc3339Date | None = Field(None, description="Day whose state is wanted")
    collections: str | None = Field(
        None, max_length=500, description="Names of collections, with commas; default: all"
    )


@router.get("/identify", summary="Every object at a point", response_model=FeaturesAtPoint)
async def identify(read: Read[Reader], query: Annotated[IdentifyQuery, Query()]) -> Response:
    """Find the objects at a point: areas that hold it, lines and points close to it.

    What is in force comes first. Geometry is left out; each object links to its own page, and what
    later objects of its kind have replaced is told by a link (`related`).
    """
    entities = operations.collections_named(query.collections)
    spot = Spot(query.lon, query.lat, query.tolerance_m, query.as_of)
    found = await operations.identify(read.session, read.caller, entities, spot, read)
    document = {
        "type": "FeatureCollection",
        "point": [query.lon, query.lat],
        "features": found.features,
        "numberReturned": len(found.features),
        "links": [
            read.link("/identify", "self", lon=str(query.lon), lat=str(query.lat)),
            *found.links,
        ],
    }
    html = read.wants_html(*FeaturesAtPoint.formats)
    return read.respond(
        orjson.loads(orjson.dumps(document)) if html else document,
        template=FeaturesAtPoint.template,
        formats=FeaturesAtPoint.formats,
        extra={"statuses": {entity.name: entity.declared("status") for entity in entities}},
    )
