"""Writing features and records over HTTP, and what can be done with each resource."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from shanhai.db.collections.catalogue import RECORDS, collection_named
from shanhai.db.features.entity import Entity
from shanhai.db.features.snapshots import MOST_VERSIONS
from shanhai.db.identity import verbs_for
from shanhai_api.features import editing
from shanhai_api.features.editing import (
    METHODS_TOLD,
    READING,
    Edit,
    demand_offered,
    item_methods,
    list_methods,
    methods_answer,
)
from shanhai_api.features.models import ObjectStates, show_versions
from shanhai_api.features.parameters import version_filter
from shanhai_api.features.records import bound_by
from shanhai_api.kit.dependencies import PageQuery, Read, Reader, TheUnit, TheView, Writer
from shanhai_api.kit.late_route import LateRoute

router = APIRouter(tags=["features"], route_class=LateRoute)
records = APIRouter(tags=["records"], route_class=LateRoute)
ITEMS = "/collections/{collection}/items"


class OneQuery(PageQuery):
    """Parameters of what is done with one feature."""

    version: int | None = Field(
        None, ge=1, le=100_000, description="Version, of what has several; default: the current one"
    )


class WriteQuery(OneQuery):
    """Parameters of a write."""

    repair: bool = Field(
        False, description="Mend an invalid geometry, and say what was done, instead of refusing it"
    )


class VersionsQuery(PageQuery):
    """Parameters of the states of an object."""

    limit: int = Field(100, ge=1, le=MOST_VERSIONS, description="States to show")


Parameters = Annotated[PageQuery, Query()]
OneParameters = Annotated[OneQuery, Query()]
WriteParameters = Annotated[WriteQuery, Query()]
VersionParameters = Annotated[VersionsQuery, Query()]


def demand_collection(request: Request, collection: str) -> None:
    """Refuse what nobody can do with a collection."""
    demand_offered(collection_named(collection), request)


WRITING = [Depends(demand_collection)]


def _edit_of(
    request: Request, view: TheView, caller: Writer, collection: str, unit: TheUnit
) -> Edit:
    return Edit(request, view, caller, unit, collection_named(collection), {})


TheEdit = Annotated[Edit, Depends(_edit_of, scope="function")]


def _with(edit: Edit, query: OneQuery) -> Edit:
    version_filter(edit.entity, query.version)
    repair = query.repair if isinstance(query, WriteQuery) else None
    return replace(edit, repair=repair, version=query.version)


@router.post(ITEMS, summary="Make a feature", status_code=201, dependencies=WRITING)
async def create_item(edit: TheEdit, query: WriteParameters) -> Response:
    """Make a feature; without a code it is given one."""
    return await editing.create(replace(edit, repair=query.repair))


@router.put(f"{ITEMS}/{{code}}", summary="Replace a feature", dependencies=WRITING)
async def replace_item(edit: TheEdit, code: str, query: WriteParameters) -> Response:
    """Write all of a feature anew; with `If-None-Match: *`, make it."""
    return await editing.replace(_with(edit, query), code)


@router.patch(f"{ITEMS}/{{code}}", summary="Change a feature", dependencies=WRITING)
async def update_item(edit: TheEdit, code: str, query: WriteParameters) -> Response:
    """Change the members given, by a JSON merge patch."""
    return await editing.update(_with(edit, query), code)


@router.delete(
    f"{ITEMS}/{{code}}", summary="Delete a feature", status_code=204, dependencies=WRITING
)
async def delete_item(edit: TheEdit, code: str, query: OneParameters) -> Response:
    """Delete a feature; its states of former days stay."""
    return await editing.remove(_with(edit, query), code)


@router.get(
    f"{ITEMS}/{{code}}/versions", summary="The states of a feature", response_model=ObjectStates
)
async def list_versions(
    read: Read[Reader], collection: str, code: str, query: VersionParameters
) -> Response:
    """Show all the states a feature has had, the newest first."""
    return await show_versions(read, collection_named(collection), code, {}, query.limit)


@router.options(
    "/collections/{collection}",
    summary="What can be done with a collection",
    response_class=Response,
    responses=METHODS_TOLD,
)
async def tell_collection_methods(caller: Reader, collection: str) -> Response:
    """Tell the methods of a collection."""
    collection_named(collection)
    return methods_answer(list(READING))


@router.options(ITEMS, summary="What can be done with the features of a collection")
async def tell_items_methods(caller: Reader, collection: str) -> Response:
    """Tell the methods of a collection's features, as far as the caller may use them."""
    return methods_answer(list_methods(verbs_for(collection_named(collection), caller)))


@router.options(f"{ITEMS}/{{code}}", summary="What can be done with a feature")
async def tell_item_methods(caller: Reader, collection: str, code: str) -> Response:
    """Tell the methods of a feature, as far as the caller may use them."""
    return methods_answer(item_methods(verbs_for(collection_named(collection), caller)))


def add_writing(entity: Entity, path: str) -> None:
    """Offer the writing of an entity's records: what it does not take is answered with 405."""

    def edit_of(request: Request, view: TheView, caller: Writer, unit: TheUnit) -> Edit:
        return Edit(request, view, caller, unit, entity, bound_by(entity, request))

    edited = Depends(edit_of, scope="function")

    async def create_record(query: Parameters, edit: Edit = edited) -> Response:
        return await editing.create(edit)

    async def replace_record(code: str, query: Parameters, edit: Edit = edited) -> Response:
        return await editing.replace(edit, code)

    async def update_record(code: str, query: Parameters, edit: Edit = edited) -> Response:
        return await editing.update(edit, code)

    async def delete_record(code: str, query: Parameters, edit: Edit = edited) -> Response:
        return await editing.remove(edit, code)

    def demand_record(request: Request) -> None:
        demand_offered(entity, request)

    async def tell_list(caller: Reader) -> Response:
        return methods_answer(list_methods(verbs_for(entity, caller)))

    async def tell_one(caller: Reader, code: str) -> Response:
        return methods_answer(item_methods(verbs_for(entity, caller)))

    one, title = f"{path}/{{code}}", entity.title.en
    _offer(
        entity, path, "POST", create_record, f"{title}: make one", status=201, first=demand_record
    )
    _offer(entity, one, "PUT", replace_record, f"{title}: replace one", first=demand_record)
    _offer(entity, one, "PATCH", update_record, f"{title}: change one", first=demand_record)
    _offer(
        entity,
        one,
        "DELETE",
        delete_record,
        f"{title}: delete one",
        status=204,
        first=demand_record,
    )
    _offer(entity, path, "OPTIONS", tell_list, f"{title}: what can be done")
    _offer(entity, one, "OPTIONS", tell_one, f"{title}: what can be done with one")


def add_versions(entity: Entity, path: str) -> None:
    """Offer the states of an entity's records."""

    async def list_record_versions(
        read: Read[Reader], code: str, query: VersionParameters
    ) -> Response:
        return await show_versions(read, entity, code, bound_by(entity, read.request), query.limit)

    _offer(
        entity,
        f"{path}/{{code}}/versions",
        "GET",
        list_record_versions,
        f"{entity.title.en}: the states of one",
    )


def _offer(
    entity: Entity,
    path: str,
    method: str,
    endpoint: Any,
    summary: str,
    *,
    status: int = 200,
    first: Any = None,
) -> None:
    records.add_api_route(
        path,
        endpoint,
        methods=[method],
        name=f"{endpoint.__name__}_{entity.name}",
        summary=summary,
        description=summary,
        status_code=status,
        dependencies=[] if first is None else [Depends(first)],
    )


for _entity in RECORDS:
    if _entity.path is not None:
        add_writing(_entity, _entity.path)
        add_versions(_entity, _entity.path)
