"""OGC API - Features over the declared entities."""

from datetime import date
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from shanhai.db.features.catalogue import ENTITIES, entity_named
from shanhai_api.dependencies import PageQuery, Reader, ReadSession, TheView
from shanhai_api.features import documents, operations
from shanhai_api.features.parameters import parse_items_query
from shanhai_api.features.tables import columns_of, mapper
from shanhai_api.negotiation import GEOJSON, HTML, SCHEMA

router = APIRouter(tags=["features"])
Parameters = Annotated[PageQuery, Query()]


class ItemQuery(PageQuery):
    """Parameters of one item."""

    as_of: date | None = Field(None, description="Day whose state is wanted")


@router.get("/collections", summary="The collections there are")
async def list_collections(
    view: TheView, caller: Reader, query: Parameters, session: ReadSession
) -> Response:
    """List the collections."""
    extents = await operations.read_extents(session, caller)
    found = [documents.collection(item, extents[item.name], view) for item in ENTITIES]
    document = {"links": view.self_links("/collections"), "collections": found}
    return view.respond(document, template="collections.html")


@router.get("/collections/{collection}", summary="One collection")
async def describe_collection(
    view: TheView, caller: Reader, collection: str, query: Parameters, session: ReadSession
) -> Response:
    """Describe a collection."""
    entity = entity_named(collection)
    extent = await operations.read_own_extent(session, entity, caller)
    return view.respond(documents.collection(entity, extent, view), template="collection.html")


@router.get("/collections/{collection}/schema", summary="Schema of a collection's features")
async def describe_schema(
    view: TheView, caller: Reader, collection: str, query: Parameters
) -> Response:
    """Describe the features of a collection."""
    document = documents.schema(entity_named(collection), view)
    return view.respond(document, formats=(SCHEMA, HTML))


@router.get("/collections/{collection}/queryables", summary="What can be filtered on")
async def describe_queryables(
    view: TheView, caller: Reader, collection: str, query: Parameters
) -> Response:
    """Describe the queryable properties of a collection."""
    document = documents.queryables(entity_named(collection), view)
    return view.respond(document, formats=(SCHEMA, HTML))


@router.get("/collections/{collection}/sortables", summary="What can be sorted by")
async def describe_sortables(
    view: TheView, caller: Reader, collection: str, query: Parameters
) -> Response:
    """Describe the sortable properties of a collection."""
    document = documents.sortables(entity_named(collection), view)
    return view.respond(document, formats=(SCHEMA, HTML))


@router.get("/collections/{collection}/items", summary="Features of a collection")
async def list_items(
    request: Request, view: TheView, caller: Reader, collection: str, session: ReadSession
) -> Response:
    """Read a page of features."""
    entity = entity_named(collection)
    query = parse_items_query(entity, request.query_params)
    html = view.wants_html(GEOJSON, HTML)
    page = await operations.read_items(session, entity, caller, query)
    document = documents.feature_collection(entity, page, query, view)
    if not html:
        return view.respond_features(document)
    return view.respond(
        orjson.loads(orjson.dumps(document)),
        template="items.html",
        formats=(GEOJSON, HTML),
        extra={"entity": entity, "columns": columns_of(entity), "map_of": mapper(entity, view)},
    )


@router.get("/collections/{collection}/items/{code}", summary="One feature")
async def read_item(
    view: TheView,
    caller: Reader,
    collection: str,
    code: str,
    query: Annotated[ItemQuery, Query()],
    session: ReadSession,
) -> Response:
    """Read one feature."""
    entity = entity_named(collection)
    html = view.wants_html(GEOJSON, HTML)
    row = await operations.read_item(session, entity, caller, code, query.as_of)
    document = documents.feature_document(entity, row, view)
    return view.respond(
        orjson.loads(orjson.dumps(document)) if html else document,
        template="item.html",
        formats=(GEOJSON, HTML),
        extra={"entity": entity, "map_of": mapper(entity, view)},
    )
