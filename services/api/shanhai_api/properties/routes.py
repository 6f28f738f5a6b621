"""`/properties`."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from shanhai.db.observations.properties import (
    change_property,
    drop_range,
    find_property,
    list_properties,
    set_range,
    state_of_property,
)
from shanhai_api.body_schema import body_of
from shanhai_api.dependencies import (
    Administrator,
    PageQuery,
    Reader,
    ReadSession,
    TheUnit,
    TheView,
    act_of,
)
from shanhai_api.kit.body import parse, read_json
from shanhai_api.once import once
from shanhai_api.preconditions import expected_states
from shanhai_api.properties.operations import changed_property, make_property, show_property
from shanhai_api.properties.schemas import (
    ChangedProperty,
    NewProperty,
    Range,
    describe_property,
)

router = APIRouter(tags=["monitoring"])
Parameters = Annotated[PageQuery, Query()]
Code = Annotated[str, Path(max_length=64, description="Code of the property")]
StationCode = Annotated[str, Path(max_length=200, description="Code of the station")]


@router.get("/properties", summary="What can be observed")
async def show_properties(
    view: TheView, caller: Reader, query: Parameters, session: ReadSession
) -> Response:
    """List the observed properties, with their units and ranges."""
    rows = [describe_property(row, view.lang) for row in await list_properties(session)]
    document = {"properties": rows, "links": view.self_links("/properties")}
    return view.respond(document, template="properties.html")


@router.post(
    "/properties", summary="Make a property", status_code=201, openapi_extra=body_of(NewProperty)
)
async def create_property(
    request: Request, view: TheView, caller: Administrator, query: Parameters, unit: TheUnit
) -> Response:
    """Make something else that can be observed."""
    body = await read_json(request)
    new = parse(NewProperty, body.value)
    made = await once(
        request,
        unit,
        caller,
        body_sha256=body.sha256,
        effect=lambda: make_property(unit.session, new, view=view, act=act_of(caller, view)),
    )
    return made.response()


@router.get("/properties/{property}", summary="One property")
async def show_one_property(
    view: TheView, caller: Reader, property: Code, query: Parameters, session: ReadSession
) -> Response:
    """Show a property, and the stations with a range of their own."""
    row = await find_property(session, property)
    document = await show_property(session, property, view)
    return view.respond(document, state=state_of_property(row))


@router.patch(
    "/properties/{property}",
    summary="Change a property",
    openapi_extra=body_of(ChangedProperty),
)
async def update_property(
    request: Request,
    view: TheView,
    caller: Administrator,
    property: Code,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Change what is given; what is left out stays. A range holds for what arrives from now on."""
    expected = expected_states(request)
    changed = parse(ChangedProperty, (await read_json(request)).value)
    row = await change_property(
        unit.session, property, changed.given, act=act_of(caller, view), expected=expected
    )
    return changed_property(row, view.lang).response()


@router.put(
    "/properties/{property}/ranges/{station}",
    summary="Set what is possible at a station",
    status_code=204,
    openapi_extra=body_of(Range),
)
async def put_range(
    request: Request,
    view: TheView,
    caller: Administrator,
    property: Code,
    station: StationCode,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Give a station a range of its own, for what arrives from now on."""
    given = parse(Range, (await read_json(request)).value)
    act = act_of(caller, view)
    await set_range(unit.session, station, property, given.low, given.high, act=act)
    return Response(status_code=204)


@router.delete(
    "/properties/{property}/ranges/{station}",
    summary="Let the property's own range hold at a station",
    status_code=204,
)
async def delete_range(
    view: TheView,
    caller: Administrator,
    property: Code,
    station: StationCode,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Take away the range a station has of its own."""
    await drop_range(unit.session, station, property, act=act_of(caller, view))
    return Response(status_code=204)
