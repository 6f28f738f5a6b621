"""`/properties`."""

from typing import Annotated

from fastapi import APIRouter, Path

from shanhai.db.observations import properties
from shanhai.db.tables import observation as tables
from shanhai_api.dependencies import Administrator, Reader
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.body import JsonBody
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import IfMatch, Read, Write, WriteContext
from shanhai_api.properties.models import (
    ChangedProperty,
    NewProperty,
    ObservedProperties,
    ObservedProperty,
    Range,
)

router = APIRouter(tags=["monitoring"], route_class=Route)
Code = Annotated[str, Path(max_length=64, description="Code of the property")]
StationCode = Annotated[str, Path(max_length=200, description="Code of the station")]


@router.get("/properties", summary="What can be observed")
async def show_properties(read: Read[Reader]) -> ObservedProperties:
    """List the observed properties, with their units and ranges."""
    rows = await properties.list_properties(read.session)
    return ObservedProperties(
        properties=[ObservedProperty.of(row, read) for row in rows],
        links=read.self_links("/properties"),
    )


@router.post("/properties", summary="Make a property", status_code=201)
async def create_property(
    write: Write[Administrator], new: JsonBody[NewProperty]
) -> Answer[ObservedProperty]:
    """Make something else that can be observed."""
    row = await properties.create_property(write.session, new.model_dump(), act=write.act)
    return _shown(row, write, location=f"/properties/{row.code}")


@router.get("/properties/{property}", summary="One property")
async def show_one_property(read: Read[Reader], property: Code) -> Answer[ObservedProperty]:
    """Show a property, and the stations with a range of their own."""
    row = await properties.find_property(read.session, property)
    ranges = [
        {"station": station, "low": low, "high": high}
        for station, low, high in await properties.list_ranges(read.session, property)
    ]
    links = read.self_links(f"/properties/{property}")
    shown = ObservedProperty.of(row, read, ranges=ranges, links=links)
    return Answer(shown, state=properties.state_of_property(row))


@router.patch("/properties/{property}", summary="Change a property")
async def update_property(
    write: Write[Administrator],
    property: Code,
    expected: IfMatch,
    changed: JsonBody[ChangedProperty],
) -> Answer[ObservedProperty]:
    """Change what is given; what is left out stays. A range holds for what arrives from now on."""
    row = await properties.change_property(
        write.session, property, changed.given, act=write.act, expected=expected
    )
    return _shown(row, write)


@router.put(
    "/properties/{property}/ranges/{station}",
    summary="Set what is possible at a station",
    status_code=204,
)
async def put_range(
    write: Write[Administrator], property: Code, station: StationCode, given: JsonBody[Range]
) -> None:
    """Give a station a range of its own, for what arrives from now on."""
    await properties.set_range(
        write.session, station, property, given.low, given.high, act=write.act
    )


@router.delete(
    "/properties/{property}/ranges/{station}",
    summary="Let the property's own range hold at a station",
    status_code=204,
)
async def delete_range(write: Write[Administrator], property: Code, station: StationCode) -> None:
    """Take away the range a station has of its own."""
    await properties.drop_range(write.session, station, property, act=write.act)


def _shown(
    row: tables.ObservedProperty, context: WriteContext, location: str | None = None
) -> Answer[ObservedProperty]:
    state = properties.state_of_property(row)
    return Answer(ObservedProperty.of(row, context), state=state, location=location)
