"""OGC API - Features over the declared entities; files of datasets; `/identify`."""

import time
from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import Field, WithJsonSchema

from shanhai.db.collections.catalogue import COLLECTIONS, collection_named, seen_by
from shanhai.db.collections.data_sources import DATASETS
from shanhai.db.features.entity import Entity
from shanhai.db.features.query import CollectionExtent, read_extent, read_long_page
from shanhai.db.features.selection import Selection
from shanhai.db.features.statements import OutputOptions
from shanhai.db.features.write import state_tag
from shanhai.storage.artifacts import COG_TYPE
from shanhai.validation import Rfc3339Date
from shanhai.vocabulary import Visibility
from shanhai_api import exports
from shanhai_api.features import documents, operations, parameters
from shanhai_api.features.definition import ARCHIVED
from shanhai_api.features.models import CollectionDescription, CollectionDescriptions, FeatureSchema
from shanhai_api.features.operations import Spot, dataset_with_file
from shanhai_api.features.tables import (
    HELD,
    item_page,
    items_page,
    respond_long,
    shown_row,
    ways_open,
)
from shanhai_api.features.wording import names_on_page
from shanhai_api.kit import dependencies
from shanhai_api.kit.answers import Answered, Document, Link
from shanhai_api.kit.late_route import DirectRoute, LateRoute
from shanhai_api.kit.requests import DARWIN_CORE
from shanhai_api.kit.routing import Route
from shanhai_api.kit.state import state_of
from shanhai_api.kit.stored_files import StoredFileResponse
from shanhai_api.kit.view import GEOJSON, HTML, is_known, link_header

router = APIRouter(tags=["features"], route_class=Route)
quick = APIRouter(tags=["features"], route_class=DirectRoute)
"""The routes asked most often; looked at first."""


class ItemQuery(dependencies.PageQuery):
    """Parameters of one item."""

    f: str | None = dependencies.format_field("json", "geojson", "html")
    as_of: Rfc3339Date | None = Field(None, description="Day whose state is wanted")
    crs: str | None = Field(None, description="System of the coordinates, by URI")
    version: int | None = Field(
        None, ge=1, le=100_000, description="Version, of what has several; default: the current one"
    )


@router.get("/collections", summary="The collections there are")
async def list_collections(read: dependencies.Read[dependencies.Reader]) -> CollectionDescriptions:
    """List the collections."""
    extents = {entity.name: await _extent(read, entity) for entity in COLLECTIONS}
    return CollectionDescriptions.of(COLLECTIONS, extents, read)


@router.get("/collections/{collection}", summary="One collection")
async def describe_collection(
    read: dependencies.Read[dependencies.Reader], collection: str
) -> CollectionDescription:
    """Describe a collection."""
    entity = collection_named(collection)
    return CollectionDescription.of(entity, await _extent(read, entity), read)


MANY, KEPT_S, MOST_KEPT = 10_000, 60.0, 1024
"""Of how many features, whose rows are all read for it, an extent is kept, how long, how many."""


async def _extent(read: dependencies.Context, entity: Entity) -> CollectionExtent:
    """The extent of what the caller may see."""
    kept, key = read.state.extents, (entity.name, read.caller.viewer)
    until, extent = kept.get(key, (0.0, None))
    if extent is None or time.monotonic() > until:
        extent = await read_extent(read.session, entity, Selection(read.caller.viewer))
        if extent.features > MANY:
            if len(kept) >= MOST_KEPT:
                kept.clear()
            kept[key] = time.monotonic() + KEPT_S, extent
    return extent


@router.get("/collections/{collection}/schema", summary="Schema of a collection's features")
async def describe_schema(
    view: dependencies.TheView, caller: dependencies.Reader, collection: str
) -> FeatureSchema:
    """Describe the features of a collection."""
    return FeatureSchema.of_features(collection_named(collection), view)


@router.get("/collections/{collection}/queryables", summary="What can be filtered on")
async def describe_queryables(
    view: dependencies.TheView, caller: dependencies.Reader, collection: str
) -> FeatureSchema:
    """Describe the queryable properties of a collection."""
    return FeatureSchema.of_queryables(collection_named(collection), view)


@router.get("/collections/{collection}/sortables", summary="What can be sorted by")
async def describe_sortables(
    view: dependencies.TheView, caller: dependencies.Reader, collection: str
) -> FeatureSchema:
    """Describe the sortable properties of a collection."""
    return FeatureSchema.of_sortables(collection_named(collection), view)


@quick.get("/collections/{collection}/items", summary="Features of a collection")
async def list_items(request: Request) -> Response:
    """Read a page of features."""
    view, caller, reader = await dependencies.quick_look(request)
    entity = collection_named(request.path_params["collection"])
    chosen = exports.file_format(request, entity)
    if chosen is not None:
        return await exports.respond_file(request, view, caller, entity, chosen)
    html = view.wants_html(GEOJSON, HTML)
    asked = parameters.asked_by_form(request) if html else request.query_params
    seen = seen_by(entity, caller.viewer)
    query = parameters.parse_items_query(seen, asked, system=parameters.system_reader(request))
    exports.note_reading(request, caller, entity)
    if html:
        return await items_page(reader, entity, caller, query, view)
    if query.limit > HELD:
        selection = query.selection(caller.viewer)
        long_page = await read_long_page(
            reader, entity, selection, limit=query.limit, position=query.position, ask=query.ask
        )
        return await respond_long(view, entity, selection, long_page, query)
    page = await operations.read_items(reader, entity, caller, query)
    document = documents.feature_collection(entity, page, page.rows, query, view)
    return view.respond_features(document, headers=documents.content_crs(query.ask.form.crs))


@quick.get("/collections/{collection}/items/{code}", summary="One feature")
async def read_item(request: Request) -> Response:
    """Read one feature."""
    view, caller, reader = await dependencies.quick_look(request)
    query = dependencies.query_of(request, ItemQuery)
    entity = collection_named(request.path_params["collection"])
    html = view.wants_html(GEOJSON, HTML)
    crs = parameters.crs_named(query.crs, parameters.system_reader(request))
    version = parameters.version_filter(entity, query.version)
    code = request.path_params["code"]
    selection = Selection(caller.viewer, version, code=code, as_of=query.as_of)
    row = await operations.read_item(reader, entity, selection, OutputOptions(crs))
    exports.note_reading(request, caller, entity, code if entity is DATASETS else None)
    document = documents.feature_document(entity, row, view)
    extra: dict[str, Any] | None = None
    if html:
        members = [shown_row(row)["properties"]]
        named = await names_on_page(reader, entity, members, caller.viewer, view.lang)
        ways = await ways_open(state_of(request), entity, code, members[0], caller)
        extra = {**item_page(entity, view, None, **ways), "named": named}
    return view.respond(
        orjson.loads(orjson.dumps(document)) if html else document,
        template="item.html",
        formats=(GEOJSON, HTML),
        headers=documents.content_crs(crs),
        extra=extra,
        state=state_tag(row.key, row.version),
    )


files = APIRouter(tags=["features"], route_class=LateRoute)
BYTES = {"content": {COG_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file; its ETag is its SHA-256", **BYTES},
    206: {"description": "The part of it that `Range` asks for", **BYTES},
    416: {"description": "There is no such part"},
}


class FileQuery(dependencies.PageQuery):
    """Which file of a dataset."""

    sha256: str | None = Field(
        None,
        pattern=r"^[0-9a-f]{64}$",
        description="SHA-256 of the file wanted, though it was replaced since; default: today's",
    )


@files.get(
    "/collections/datasets/items/{code}/file",
    summary="The file of a dataset",
    response_class=FileResponse,
    responses=ANSWERS,
)
async def send_dataset(
    read: dependencies.Read[dependencies.Reader], code: str, query: Annotated[FileQuery, Query()]
) -> Response:
    """Send the cloud-optimised GeoTIFF that a dataset is, or a part of it."""
    state, caller = read.state, read.caller
    row = await dataset_with_file(state.quick, read.session, caller, code, query.sha256)
    path = f"/collections/datasets/items/{quote(row.code, safe='')}"
    headers = {
        "ETag": f'"{row.checksum}"',
        "Cache-Control": read.cache_control(),
        "Vary": "Authorization",
        # Source and licence.
        **link_header([read.link(path, "describedby", GEOJSON.media_type)], {"describedby"}),
    }
    if is_known(read.request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if row.visibility != Visibility.PUBLIC:
        told = {"table": DATASETS.table, "object_id": row.code, "sha256": row.checksum}
        await exports.note_download(read.request, caller, **told)
    return StoredFileResponse(
        state.store,
        row.uri,
        media_type=COG_TYPE,
        headers=headers,
        filename=f"{row.code}{PurePosixPath(row.uri).suffix}",
    )


@files.get(
    DARWIN_CORE,
    summary="Occurrences as a Darwin Core Archive",
    response_class=Response,
    responses={
        200: {
            "description": "The archive, masked as the caller reads its rows",
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
    openapi_extra={"parameters": ARCHIVED},
)
async def send_archive(
    request: Request, view: dependencies.TheView, caller: dependencies.Reader
) -> Response:
    """Write the occurrences of a selection as a Darwin Core Archive."""
    return await exports.respond_archive(request, view, caller)


class FeatureAtPoint(Answered):
    """An object at the point, without its geometry."""

    type: Literal["Feature"]
    id: str
    geometry: Annotated[None, WithJsonSchema({"type": ["object", "null"]})]
    properties: dict[str, Any]
    collection: str
    collection_title: str
    in_force: bool
    version: int
    links: list[Link]


class FeaturesAtPoint(Document):
    """Every object at a point, what is in force first."""

    template = "identify.html"
    formats = (GEOJSON, HTML)

    type: Literal["FeatureCollection"]
    point: list[float]
    features: list[FeatureAtPoint]
    numberReturned: int
    links: list[Link]


at_points = APIRouter(tags=["features"], route_class=Route)


class IdentifyQuery(dependencies.PageQuery):
    """Parameters of the question what lies at a point."""

    f: str | None = dependencies.format_field("json", "geojson", "html")
    lon: float = Field(ge=-180, le=180, description="Degrees east")
    lat: float = Field(ge=-90, le=90, description="Degrees north")
    tolerance_m: float = Field(
        10, ge=0, le=10_000, description="How far lines and points may be, in metres"
    )
    as_of: Rfc3339Date | None = Field(None, description="Day whose state is wanted")
    collections: str | None = Field(
        None, max_length=500, description="Names of collections, with commas; default: all"
    )


@at_points.get("/identify", summary="Every object at a point", response_model=FeaturesAtPoint)
async def identify(
    read: dependencies.Read[dependencies.Reader], query: Annotated[IdentifyQuery, Query()]
) -> Response:
    """Find the objects at a point: areas that hold it, lines and points close to it.

    What is in force comes first. Geometry is left out; each object links to its own page, and what
    later objects of its kind have replaced is told by a link (`related`).
    """
    entities = operations.collections_named(query.collections)
    day = query.as_of or datetime.now(ZoneInfo(read.state.configuration.database.timezone)).date()
    spot = Spot(query.lon, query.lat, query.tolerance_m, query.as_of, day)
    found = await operations.identify(read.state.quick, read.caller, entities, spot, read)
    document = {
        "type": "FeatureCollection",
        "point": [query.lon, query.lat],
        "features": found.features,
        "numberReturned": len(found.features),
        "links": [*read.self_links("/identify", *FeaturesAtPoint.formats), *found.links],
    }
    html = read.wants_html(*FeaturesAtPoint.formats)
    return read.respond(
        orjson.loads(orjson.dumps(document)) if html else document,
        template=FeaturesAtPoint.template,
        formats=FeaturesAtPoint.formats,
        extra={"statuses": {entity.name: entity.declared("status") for entity in entities}},
    )
