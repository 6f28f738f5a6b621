"""OGC API - Features over the declared entities."""

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import Field

from shanhai.db.collections.catalogue import COLLECTIONS, collection_named
from shanhai.db.features.seen import seen_by
from shanhai.db.features.selection import Selection
from shanhai.db.features.statements import OutputOptions
from shanhai.db.features.write import state_tag
from shanhai.timestamps import Rfc3339Date
from shanhai_api.dependencies import (
    DirectRoute,
    PageQuery,
    Reader,
    TheView,
    format_field,
    query_of,
    quick_look,
)
from shanhai_api.exports.formats import file_format
from shanhai_api.exports.operations import respond_file
from shanhai_api.features import documents, operations
from shanhai_api.features.models import CollectionDescription, CollectionDescriptions, FeatureSchema
from shanhai_api.features.parameters import (
    asked_by_form,
    crs_named,
    parse_items_query,
    version_filter,
)
from shanhai_api.features.streaming import HELD, respond_long
from shanhai_api.features.systems import system_reader
from shanhai_api.features.tables import item_page, items_page, shown_row
from shanhai_api.features.wording import names_on_page
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import Read
from shanhai_api.negotiation import GEOJSON, HTML

router = APIRouter(tags=["features"], route_class=Route)
quick = APIRouter(tags=["features"], route_class=DirectRoute)
"""The routes asked most often; looked at first."""


class ItemQuery(PageQuery):
    """Parameters of one item."""

    f: str | None = format_field("json", "geojson", "html")
    as_of: Rfc3339Date | None = Field(None, description="Day whose state is wanted")
    crs: str | None = Field(None, description="System of the coordinates, by URI")
    version: int | None = Field(
        None, ge=1, le=100_000, description="Version, of what has several; default: the current one"
    )


@router.get("/collections", summary="The collections there are")
async def list_collections(read: Read[Reader]) -> CollectionDescriptions:
    """List the collections."""
    extents = await operations.read_extents(read.session, read.caller)
    return CollectionDescriptions.of(COLLECTIONS, extents, read)


@router.get("/collections/{collection}", summary="One collection")
async def describe_collection(read: Read[Reader], collection: str) -> CollectionDescription:
    """Describe a collection."""
    entity = collection_named(collection)
    extent = await operations.read_own_extent(read.session, entity, read.caller)
    return CollectionDescription.of(entity, extent, read)


@router.get("/collections/{collection}/schema", summary="Schema of a collection's features")
async def describe_schema(view: TheView, caller: Reader, collection: str) -> FeatureSchema:
    """Describe the features of a collection."""
    return FeatureSchema.of_features(collection_named(collection), view)


@router.get("/collections/{collection}/queryables", summary="What can be filtered on")
async def describe_queryables(view: TheView, caller: Reader, collection: str) -> FeatureSchema:
    """Describe the queryable properties of a collection."""
    return FeatureSchema.of_queryables(collection_named(collection), view)


@router.get("/collections/{collection}/sortables", summary="What can be sorted by")
async def describe_sortables(view: TheView, caller: Reader, collection: str) -> FeatureSchema:
    """Describe the sortable properties of a collection."""
    return FeatureSchema.of_sortables(collection_named(collection), view)


@quick.get("/collections/{collection}/items", summary="Features of a collection")
async def list_items(request: Request) -> Response:
    """Read a page of features."""
    view, caller, reader = await quick_look(request)
    entity = collection_named(request.path_params["collection"])
    chosen = file_format(request, entity)
    if chosen is not None:
        return await respond_file(request, view, caller, entity, chosen)
    html = view.wants_html(GEOJSON, HTML)
    asked = asked_by_form(request) if html else request.query_params
    seen = seen_by(entity, caller.viewer)
    query = parse_items_query(seen, asked, system=system_reader(request))
    if html:
        return await items_page(reader, entity, caller, query, view)
    if query.limit > HELD:
        long_page = await operations.read_long_list(reader, entity, caller, query)
        selection = query.selection(caller.viewer)
        return await respond_long(view, entity, selection, long_page, query)
    page = await operations.read_items(reader, entity, caller, query)
    document = documents.feature_collection(entity, page, page.rows, query, view)
    return view.respond_features(document, headers=documents.content_crs(query.ask.form.crs))


@quick.get("/collections/{collection}/items/{code}", summary="One feature")
async def read_item(request: Request) -> Response:
    """Read one feature."""
    view, caller, reader = await quick_look(request)
    query = query_of(request, ItemQuery)
    entity = collection_named(request.path_params["collection"])
    html = view.wants_html(GEOJSON, HTML)
    crs = crs_named(query.crs, system_reader(request))
    version = version_filter(entity, query.version)
    code = request.path_params["code"]
    selection = Selection(caller.viewer, version, code=code, as_of=query.as_of)
    row = await operations.read_item(reader, entity, selection, OutputOptions(crs))
    document = documents.feature_document(entity, row, view)
    extra: dict[str, Any] | None = None
    if html:
        members = [shown_row(row)["properties"]]
        named = await names_on_page(reader, entity, members, caller.viewer, view.lang)
        extra = {**item_page(entity, view), "named": named}
    return view.respond(
        orjson.loads(orjson.dumps(document)) if html else document,
        template="item.html",
        formats=(GEOJSON, HTML),
        headers=documents.content_crs(crs),
        extra=extra,
        state=state_tag(row.key, row.version),
    )
