"""`/zone-classes`, `/ecoservices`."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from shanhai.db.queries.zone_classes import list_zone_classes
from shanhai.vocabulary import ECOSERVICES
from shanhai_api.dependencies import PageQuery, Reader, ReadSession, TheView

router = APIRouter(tags=["vocabulary"])


class ZoneClassQuery(PageQuery):
    """Parameters of the list of zone classes."""

    scheme_kind: str | None = Field(
        None, max_length=200, description="Kind of scheme, e.g. `supply_demand`"
    )


@router.get("/zone-classes", summary="Classes of each kind of zoning")
async def list_classes(
    view: TheView, caller: Reader, query: Annotated[ZoneClassQuery, Query()], session: ReadSession
) -> Response:
    """List the zone classes with names, colour and requirement."""
    rows = await list_zone_classes(session, scheme_kind=query.scheme_kind)
    classes = [
        {
            "scheme_kind": row.scheme_kind,
            "code": row.class_code,
            "value": row.order_no,
            "group": row.group_code,
            "name": row.name_zh if view.lang == "zh" else row.name_en,
            "name_zh": row.name_zh,
            "name_en": row.name_en,
            "color": row.color,
            "requirement_zh": row.requirement_zh,
            "requirement_en": row.requirement_en,
        }
        for row in rows
    ]
    return view.respond({"zoneClasses": classes, "links": view.self_links("/zone-classes")})


@router.get("/ecoservices", summary="The seven ecosystem services")
async def list_ecoservices(
    view: TheView, caller: Reader, query: Annotated[PageQuery, Query()]
) -> Response:
    """List the ecosystem services of the method."""
    services = [
        {
            "code": term.code,
            "name": term.label.in_(view.lang),
            "name_zh": term.label.zh,
            "name_en": term.label.en,
        }
        for term in ECOSERVICES
    ]
    return view.respond({"ecoservices": services, "links": view.self_links("/ecoservices")})
