"""The inputs of a check, exceptions given and revoked, and the register of lines."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.control_areas import CONTROL_AREAS
from shanhai.db.collections.regions import REGIONS
from shanhai.db.compliance.exceptions import ExceptionGrant, grant
from shanhai.db.compliance.register import find_region, read_declines, read_totals
from shanhai.db.features.selection import Selection
from shanhai.errors import InvalidInput, LimitExceeded, Unauthenticated
from shanhai.processes.check_compliance.check import read_shape_asked
from shanhai.processes.check_compliance.contract import CheckComplianceInputs
from shanhai_api.compliance.models import (
    LineDecline,
    LineRegister,
    RuleException,
    exception_path,
    registered_lines,
)
from shanhai_api.compliance.naming import gap_name, names_in_exceptions
from shanhai_api.compliance.schemas import ExceptionBody
from shanhai_api.features.operations import read_item
from shanhai_api.features.wording import names_of
from shanhai_api.identity import Caller
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.body import parse
from shanhai_api.kit.writing import Context, WriteContext
from shanhai_api.negotiation import HTML, JSON
from shanhai_api.view import View

LISTS = ("activities", "lines")


def asked_by_form(given: Mapping[str, str | None]) -> CheckComplianceInputs:
    """The inputs; what was left empty is not given.

    Raises:
        InvalidInput: they break a rule.
    """
    found: dict[str, Any] = {name: value for name, value in given.items() if value}
    if "geometry" in found:
        found["geometry"] = _geometry(found["geometry"])
    for name in LISTS:
        if name in found:
            found[name] = [item.strip() for item in found[name].split(",") if item.strip()]
    return parse(CheckComplianceInputs, found)


def _geometry(text: str) -> Any:
    """The geometry of a text, which may be a feature around it."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise InvalidInput(
            "geometry must be GeoJSON", message_zh="geometry 必须是 GeoJSON", pointer="geometry"
        ) from None
    inner = value.get("geometry") if isinstance(value, dict) else None
    return value if inner is None else inner


def too_large() -> LimitExceeded:
    """The refusal of what a form cannot wait for."""
    return LimitExceeded(
        "this geometry is checked by a job: POST it to /processes/check-compliance/execution",
        message_zh="该几何须由作业检查：请 POST 到 /processes/check-compliance/execution",
        pointer="project",
    )


async def give(write: WriteContext, body: ExceptionBody) -> Answer[RuleException]:
    """Give an exception, and say where it is."""
    wkb = None
    if body.geometry is not None:
        wkb = await read_shape_asked(body.geometry, body.crs, under="")
    given = ExceptionGrant(wkb=wkb, **body.model_dump(exclude={"geometry", "crs"}))
    granted = await grant(write.session, write.caller, write.act, given)
    shown = RuleException.of(granted, write)
    return Answer(shown, location=exception_path(granted.row.code))


def demand_known(caller: Caller) -> None:
    """Refuse those who show no identity: an exception names persons and projects.

    Raises:
        Unauthenticated: none was shown.
    """
    if caller.anonymous:
        raise Unauthenticated("an identity is needed", message_zh="需要身份认证")


async def page_of(read: Context, exceptions: Sequence[RuleException]) -> dict[str, Any]:
    """What pages of exceptions are given: names, and what gaps are called."""
    if not read.wants_html(JSON, HTML):
        return {}
    told = [item.as_json() for item in exceptions]
    names = await names_in_exceptions(read.session, told, read.caller.viewer, read.lang)
    return {"names": names, "gap_name": lambda code: gap_name(code, names, read.lang)}


async def names_of_areas(
    session: AsyncSession, caller: Caller, view: View, codes: Collection[str]
) -> dict[str, str]:
    """What control areas are called on a page."""
    if not codes or not view.wants_html(JSON, HTML):
        return {}
    return await names_of(session, CONTROL_AREAS, codes, caller.viewer, view.lang)


async def read_register(read: Context, region: str, as_of: date | None) -> LineRegister:
    """The lines of a region and all below it, and where they have shrunk.

    Raises:
        NotFound: there is no such region.
    """
    session, viewer, safe = read.session, read.caller.viewer, quote(region, safe="")
    row = await read_item(session, REGIONS, Selection(viewer, code=region))
    found = await find_region(session, region)
    area_m2 = None if found is None else found[1]
    totals = await read_totals(session, viewer, row.key, as_of=as_of)
    declines = await read_declines(session, viewer, row.key)
    named = row.plain()
    return LineRegister(
        region=region,
        region_name_zh=named["name_zh"],
        region_name_en=named["name_en"],
        region_area_km2=None if area_m2 is None else round(area_m2 / 1e6, 4),
        as_of=as_of,
        lines=registered_lines(totals, area_m2),
        declines=[LineDecline.of(item) for item in declines],
        links=[
            *read.self_links(f"/regions/{safe}/lines"),
            read.link(f"/collections/regions/items/{safe}", "up"),
        ],
    )
