"""`/sta/v1.1`."""

from typing import Any

from fastapi import APIRouter, Request, Response

from shanhai_api.dependencies import Reader, ReadSession, TheUnit, TheView, Writer
from shanhai_api.sta import definition, documents, operations, reading

router = APIRouter(tags=["sensorthings"])
PATH = f"{documents.ROOT}/{{path:path}}"


def _option(name: str, description: str, kind: str = "string") -> dict[str, Any]:
    schema = {"type": kind} if kind != "integer" else {"type": kind, "minimum": 0}
    return {"name": name, "in": "query", "description": description, "schema": schema}


OPTIONS: dict[str, Any] = {
    "parameters": [
        _option("$filter", "Condition, such as `result gt 20 and phenomenonTime ge 2026-01-01`"),
        _option("$select", "Properties to show"),
        _option("$expand", "Related entities to show, with options in brackets"),
        _option("$orderby", "Order, such as `phenomenonTime desc`"),
        _option("$top", "Entities on a page, 1000 at most", "integer"),
        _option("$skip", "Entities to leave out, 10000 at most", "integer"),
        _option("$count", "Tell how many there are", "boolean"),
        _option("$resultFormat", "`dataArray` for Observations as tables"),
    ]
}


def _taken(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, **definition.json_content(schema)}}


@router.get(f"{documents.ROOT}/", include_in_schema=False)
@router.get(
    documents.ROOT,
    summary="SensorThings API 1.1: its sets, and what is there of it",
    response_model=definition.SensorThingsIndex,
)
async def show_index(view: TheView, caller: Reader) -> Response:
    """Show the sets of entities."""
    return reading.answered(view, documents.Writer(view.base, view.chosen_lang).index())


@router.get(
    PATH,
    summary="SensorThings entities, or one of them",
    responses={
        200: definition.SHOWN,
        204: {"description": "A value that is not there, of `$value`"},
    },
    openapi_extra=OPTIONS,
)
async def show_entities(view: TheView, caller: Reader, path: str, session: ReadSession) -> Response:
    """Show what is at a path of the standard, such as `Things('x')/Datastreams`."""
    return await reading.show(session, view, caller, path)


@router.post(
    PATH,
    summary="Make a SensorThings entity",
    status_code=201,
    responses={201: definition.json_content(definition.stored())},
    openapi_extra=_taken(definition.new_body()),
)
async def create_entity(
    request: Request, view: TheView, caller: Writer, path: str, unit: TheUnit
) -> Response:
    """Make an entity with those it comes with, or store data arrays at `CreateObservations`."""
    return await operations.create(request, unit, view, caller, path)


@router.patch(
    PATH,
    summary="Change a SensorThings entity",
    responses={
        200: definition.json_content(definition.made()),
        204: {"description": "Changed, and out of sight: a station that was closed"},
    },
    openapi_extra=_taken(definition.changed_body()),
)
async def update_entity(
    request: Request, view: TheView, caller: Writer, path: str, unit: TheUnit
) -> Response:
    """Change the members given."""
    return await operations.update(request, unit, view, caller, path)


@router.delete(PATH, summary="Delete a SensorThings entity", status_code=204)
async def delete_entity(
    request: Request, view: TheView, caller: Writer, path: str, unit: TheUnit
) -> Response:
    """Delete an entity nothing refers to."""
    return await operations.remove(request, unit, view, caller, path)
