"""`/zone-schemes/{code}/…`."""

from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Query, Request, Response

from shanhai.db.features.geometry import read_shape
from shanhai.db.zoning.adjustment import Wish, adjust, list_adjustments
from shanhai.db.zoning.comparison import compare_schemes
from shanhai.db.zoning.schemes import begin_version, find_scheme
from shanhai.db.zoning.topology import measure_topology
from shanhai.errors import LimitExceeded
from shanhai_api.body_schema import body_of
from shanhai_api.dependencies import (
    PageQuery,
    Reader,
    ReadSession,
    TheUnit,
    TheView,
    Writer,
    act_of,
)
from shanhai_api.identity import Caller
from shanhai_api.kit.body import parse, read_json
from shanhai_api.negotiation import HTML, JSON, Format, choose_format
from shanhai_api.once import Made, once
from shanhai_api.state import UnitOfWork
from shanhai_api.view import Link, View
from shanhai_api.zones import documents
from shanhai_api.zones.schemas import Adjustment, CompareQuery, NewVersion, VersionQuery

router = APIRouter(tags=["zonings"])
SCHEME = "/zone-schemes/{code}"
CSV = Format("csv", "text/csv")
COMPARISON_FORMATS = (JSON, HTML, CSV)
MOST_BYTES = 1_000_000
"""Of a GeoJSON area that is overlaid at once: some 10 000 vertices with all their digits."""


def path_of(code: str, rest: str) -> str:
    """The path of something about a scheme."""
    return f"/zone-schemes/{quote(code, safe='')}/{rest}"


def about(view: View, code: str, rest: str) -> list[Link]:
    """Links from a document about a scheme."""
    up = f"/collections/zone_schemes/items/{quote(code, safe='')}"
    return [*view.self_links(path_of(code, rest)), view.link(up, "up")]


@router.get(f"{SCHEME}/topology", summary="Gaps and overlaps of a zoning")
async def show_topology(
    view: TheView,
    caller: Reader,
    code: str,
    query: Annotated[VersionQuery, Query()],
    session: ReadSession,
) -> Response:
    """Measure what keeps the zones from covering their region, each place once."""
    scheme = await find_scheme(session, caller.viewer, code, query.version)
    measured = documents.topology_document(scheme, await measure_topology(session, scheme.id))
    return view.respond({**measured, "links": about(view, code, "topology")})


@router.get(f"{SCHEME}/compare", summary="Area moved from class to class between two zonings")
async def show_comparison(
    view: TheView,
    caller: Reader,
    code: str,
    query: Annotated[CompareQuery, Query()],
    session: ReadSession,
) -> Response:
    """Compare two versions of a scheme, or two schemes."""
    first = await find_scheme(session, caller.viewer, code, query.version)
    second = await find_scheme(session, caller.viewer, query.other or code, query.other_version)
    comparison = await compare_schemes(session, first.id, second.id)
    document = documents.comparison_document(first, second, comparison, view.lang)
    if choose_format(view.request, COMPARISON_FORMATS) is CSV:
        headers = {"Content-Disposition": 'attachment; filename="comparison.csv"'}
        return view.send(documents.comparison_csv(document), CSV.media_type, headers=headers)
    links = about(view, code, "compare")
    return view.respond(
        {**document, "links": links},
        template="comparison.html",
        formats=COMPARISON_FORMATS,
        extra={"moved": documents.mover(document)},
    )


@router.post(
    f"{SCHEME}/versions",
    summary="Begin a new draft of a zoning",
    status_code=201,
    openapi_extra=body_of(NewVersion),
)
async def create_version(
    request: Request,
    view: TheView,
    caller: Writer,
    code: str,
    query: Annotated[PageQuery, Query()],
    unit: TheUnit,
) -> Response:
    """Begin a draft with the zones of a version."""
    body = await read_json(request)
    wanted = parse(NewVersion, body.value)

    async def effect() -> Made:
        scheme = await find_scheme(unit.session, caller.viewer, code, wanted.version)
        act = act_of(caller, view)
        new = await begin_version(unit.session, caller, act, scheme, wanted.note)
        return Made({"scheme": new.named()}, {"Location": item_url(view, new.code, new.version)})

    return await _answered(request, unit, caller, body.sha256, effect)


@router.get(f"{SCHEME}/adjustments", summary="What was moved by hand in a version of a zoning")
async def show_adjustments(
    view: TheView,
    caller: Reader,
    code: str,
    query: Annotated[VersionQuery, Query()],
    session: ReadSession,
) -> Response:
    """List the adjustments of a version in order."""
    scheme = await find_scheme(session, caller.viewer, code, query.version)
    rows = await list_adjustments(session, scheme.id)
    document = documents.adjustments_document(scheme, rows)
    return view.respond({**document, "links": about(view, code, "adjustments")})


@router.post(
    f"{SCHEME}/adjustments",
    summary="Make an area of a zoning another class",
    status_code=201,
    openapi_extra=body_of(Adjustment),
)
async def create_adjustment(
    request: Request,
    view: TheView,
    caller: Writer,
    code: str,
    query: Annotated[PageQuery, Query()],
    unit: TheUnit,
) -> Response:
    """Move an area to a class; a published version is left as it is and a draft begins from it."""
    body = await read_json(request)
    wanted = parse(Adjustment, body.value)

    async def effect() -> Made:
        scheme = await find_scheme(unit.session, caller.viewer, code, wanted.version)
        wish = Wish(await _area(wanted), wanted.to_class, wanted.note)
        adjusted = await adjust(unit.session, caller, act_of(caller, view), scheme, wish)
        new = adjusted.scheme
        document = documents.adjusted_document(adjusted)
        return Made(document, {"Location": item_url(view, new.code, new.version)})

    return await _answered(request, unit, caller, body.sha256, effect)


def item_url(view: View, code: str, version: int) -> str:
    """Where a version is read."""
    return view.url("/collections/zone_schemes/items", code=code, version=version)


async def _area(wanted: Adjustment) -> bytes:
    if len(orjson.dumps(wanted.geometry)) > MOST_BYTES:
        raise LimitExceeded(
            f"the area takes more than {MOST_BYTES} bytes of GeoJSON; simplify it",
            message_zh=f"区域的 GeoJSON 超过 {MOST_BYTES} 字节，请简化",
            pointer="/geometry",
        )
    shape = await read_shape(wanted.geometry, kind="geometry-multipolygon")
    return shape.wkb


async def _answered(
    request: Request,
    unit: UnitOfWork,
    caller: Caller,
    body_sha256: str,
    effect: Callable[[], Awaitable[Made]],
) -> Response:
    made = await once(request, unit, caller, body_sha256=body_sha256, effect=effect)
    return made.response()
