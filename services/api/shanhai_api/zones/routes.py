"""`/zone-schemes/{code}/…`."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import Field, field_validator

from shanhai.db.features.geometry import read_shape
from shanhai.db.zoning.adjustment import (
    Wish,
    adjust,
    list_adjustments,
    merge_zones,
    split_zone,
)
from shanhai.db.zoning.schemes import (
    SchemeVersion,
    begin_version,
    compare_schemes,
    demand_writer,
    demand_zones,
    find_scheme,
    list_differences,
    measure_topology,
    state_of_zones,
)
from shanhai.errors import LimitExceeded
from shanhai.validation import Remark
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.body import Body, JsonBody
from shanhai_api.kit.dependencies import (
    IfMatch,
    PageQuery,
    Read,
    Reader,
    Write,
    WriteContext,
    Writer,
    format_field,
)
from shanhai_api.kit.routing import Route
from shanhai_api.kit.view import CSV, choose_format
from shanhai_api.zones import models


class VersionQuery(PageQuery):
    """Parameters of what is told about one version."""

    version: int | None = Field(
        None, ge=1, le=100_000, description="Version; default: the one in force, or the newest"
    )


class OtherQuery(VersionQuery):
    """Parameters of what is told about two versions."""

    other: str | None = Field(
        None,
        alias="with",
        max_length=80,
        description="Code of the other scheme; default: the same scheme",
    )
    other_version: int | None = Field(
        None,
        alias="with_version",
        ge=1,
        le=100_000,
        description="Version of the other; default: the one in force, or the newest",
    )


class CompareQuery(OtherQuery):
    """Parameters of a comparison."""

    f: str | None = format_field("json", "html", "csv")


class NewVersion(Body):
    """A new draft that begins from a version."""

    note: Remark = Field(description="Why a new version is begun")
    version: int | None = Field(None, ge=1, le=100_000, description="The version it begins from")


class Adjustment(Body):
    """An area that becomes another class."""

    geometry: dict[str, Any] = Field(description="GeoJSON Polygon or MultiPolygon")
    to_class: str = Field(min_length=1, max_length=160, description="Code of the class it becomes")
    note: Remark = Field(description="Why")
    version: int | None = Field(None, ge=1, le=100_000, description="The version to adjust")


class Splitting(Body):
    """A zone that is split by a line."""

    zone: str = Field(min_length=1, max_length=160, description="Code of the zone")
    line: dict[str, Any] = Field(
        description="GeoJSON LineString or MultiLineString that crosses the zone from edge to edge;"
        " what lies left of it becomes a new zone"
    )
    note: Remark = Field(description="Why")
    version: int | None = Field(None, ge=1, le=100_000, description="The version to change")


class Merging(Body):
    """Zones of one class that become one."""

    zones: list[Annotated[str, Field(min_length=1, max_length=160)]] = Field(
        min_length=2, max_length=100, description="Codes of the zones; the first stays"
    )
    note: Remark = Field(description="Why")
    version: int | None = Field(None, ge=1, le=100_000, description="The version to change")

    @field_validator("zones")
    @classmethod
    def _different(cls, zones: list[str]) -> list[str]:
        if len(set(zones)) < len(zones):
            raise ValueError("must name different zones / 各分区不得重复")
        return zones


router = APIRouter(tags=["zonings"], route_class=Route)
SCHEME = "/zone-schemes/{code}"
OfVersion = Annotated[VersionQuery, Query()]
MOST_BYTES = 1_000_000
"""Of a GeoJSON area that is overlaid at once: some 10 000 vertices with all their digits."""


@router.get(f"{SCHEME}/topology", summary="Gaps and overlaps of a zoning")
async def show_topology(read: Read[Reader], code: str, query: OfVersion) -> models.ZoningTopology:
    """Measure what keeps the zones from covering their region, each place once."""
    scheme = await find_scheme(read.session, read.caller.viewer, code, query.version)
    return models.ZoningTopology.of(scheme, await measure_topology(read.session, scheme.id), read)


@router.get(f"{SCHEME}/compare", summary="Area moved from class to class between two zonings")
async def show_comparison(
    read: Read[Reader], code: str, query: Annotated[CompareQuery, Query()]
) -> Answer[models.ZoningsCompared] | Response:
    """Compare two versions of a scheme, or two schemes."""
    session, viewer = read.session, read.caller.viewer
    first = await find_scheme(session, viewer, code, query.version)
    second = await find_scheme(session, viewer, query.other or code, query.other_version)
    found = await compare_schemes(session, first.id, second.id)
    if choose_format(read.request, models.COMPARISON_FORMATS) is CSV:
        headers = {"Content-Disposition": 'attachment; filename="comparison.csv"'}
        return read.send(models.moves_csv(found), CSV.media_type, headers=headers)
    shown = models.ZoningsCompared.of(first, second, found, read)
    return Answer(shown, page={"moved": shown.moved()})


@router.get(f"{SCHEME}/differences", summary="Where two zonings differ")
async def show_differences(
    read: Read[Reader], code: str, query: Annotated[OtherQuery, Query()]
) -> models.ZoningDifferences:
    """Show the places that are of another class in the other version or scheme."""
    session, viewer = read.session, read.caller.viewer
    first = await find_scheme(session, viewer, code, query.version)
    second = await find_scheme(session, viewer, query.other or code, query.other_version)
    places = await list_differences(session, first.id, second.id)
    return models.ZoningDifferences.of(first, second, places, read)


@router.post(f"{SCHEME}/versions", summary="Begin a new draft of a zoning", status_code=201)
async def create_version(
    write: Write[Writer], code: str, body: JsonBody[NewVersion]
) -> Answer[models.VersionBegun]:
    """Begin a draft with the zones of a version."""
    scheme = await find_scheme(write.session, write.caller.viewer, code, body.version)
    new = await begin_version(write.session, write.caller, write.act, scheme, body.note)
    return Answer(
        models.VersionBegun(scheme=models.SchemeNamed.from_row(new)),
        location=models.version_path(new),
    )


@router.get(f"{SCHEME}/adjustments", summary="What was moved by hand in a version of a zoning")
async def show_adjustments(
    read: Read[Reader], code: str, query: OfVersion
) -> Answer[models.ZoningAdjustments]:
    """List the adjustments of a version in order; with the ETag its zones can be redrawn."""
    scheme = await find_scheme(read.session, read.caller.viewer, code, query.version)
    # Before what is listed: of a change in between the tag may not know.
    state = await state_of_zones(read.session, scheme)
    listed = await list_adjustments(read.session, scheme.id)
    return Answer(models.ZoningAdjustments.of(scheme, listed, read), state=state)


@router.post(
    f"{SCHEME}/adjustments", summary="Make an area of a zoning another class", status_code=201
)
async def create_adjustment(
    write: Write[Writer], code: str, expected: IfMatch, body: JsonBody[Adjustment]
) -> Answer[models.AreaAdjusted]:
    """Move an area to a class; a published version is left as it is and a draft begins from it."""
    scheme = await _to_redraw(write, code, body.version, expected)
    wish = Wish(
        await _shape(body.geometry, "geometry-multipolygon", "/geometry"), body.to_class, body.note
    )
    adjusted = await adjust(write.session, write.caller, write.act, scheme, wish)
    return Answer(models.AreaAdjusted.of(adjusted), location=models.version_path(adjusted.scheme))


@router.post(f"{SCHEME}/splits", summary="Split a zone by a line", status_code=201)
async def create_split(
    write: Write[Writer], code: str, expected: IfMatch, body: JsonBody[Splitting]
) -> Answer[models.ZonesLeft]:
    """Split a zone; a published version is left as it is and a draft begins from it."""
    scheme = await _to_redraw(write, code, body.version, expected)
    line = await _shape(body.line, "geometry-multilinestring", "/line")
    redrawn = await split_zone(
        write.session, write.caller, write.act, scheme, body.zone, line, body.note
    )
    return Answer(models.ZonesLeft.of(redrawn), location=models.version_path(redrawn.scheme))


@router.post(f"{SCHEME}/mergers", summary="Merge zones of one class", status_code=201)
async def create_merger(
    write: Write[Writer], code: str, expected: IfMatch, body: JsonBody[Merging]
) -> Answer[models.ZonesLeft]:
    """Merge zones; a published version is left as it is and a draft begins from it."""
    scheme = await _to_redraw(write, code, body.version, expected)
    redrawn = await merge_zones(
        write.session, write.caller, write.act, scheme, body.zones, body.note
    )
    return Answer(models.ZonesLeft.of(redrawn), location=models.version_path(redrawn.scheme))


async def _to_redraw(
    write: WriteContext, code: str, version: int | None, expected: frozenset[str] | None
) -> SchemeVersion:
    scheme = await find_scheme(write.session, write.caller.viewer, code, version)
    await demand_writer(write.session, write.caller, scheme)
    await demand_zones(write.session, scheme, expected)
    return scheme


async def _shape(given: dict[str, Any], kind: str, pointer: str) -> bytes:
    if len(orjson.dumps(given)) > MOST_BYTES:
        raise LimitExceeded(
            f"the geometry takes more than {MOST_BYTES} bytes of GeoJSON; simplify it",
            message_zh=f"几何的 GeoJSON 超过 {MOST_BYTES} 字节，请简化",
            pointer=pointer,
        )
    return (await read_shape(given, kind=kind, pointer=pointer)).wkb
