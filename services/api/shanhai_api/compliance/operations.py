"""Exceptions given and revoked, and the register of lines."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.control_areas import CONTROL_AREAS
from shanhai.db.collections.regions import REGIONS
from shanhai.db.compliance.exceptions import ExceptionGrant, Granted, grant, revoke
from shanhai.db.compliance.register import find_region, read_declines, read_totals
from shanhai.db.features.selection import Selection
from shanhai.db.queries.audit import Act
from shanhai.errors import Unauthenticated
from shanhai.processes.check_compliance.check import read_shape_asked
from shanhai_api.compliance.documents import describe_decline, describe_lines
from shanhai_api.compliance.naming import gap_name, names_in_exceptions
from shanhai_api.compliance.schemas import ExceptionBody
from shanhai_api.features.operations import read_item
from shanhai_api.features.wording import names_of
from shanhai_api.identity import Caller
from shanhai_api.negotiation import HTML, JSON
from shanhai_api.once import Made
from shanhai_api.view import View

EXCEPTIONS = "/compliance/exceptions"


async def give(
    session: AsyncSession, view: View, caller: Caller, act: Act, body: ExceptionBody
) -> Made:
    """Give an exception, and say where it is."""
    wkb = None
    if body.geometry is not None:
        wkb = await read_shape_asked(body.geometry, body.crs, under="")
    given = ExceptionGrant(wkb=wkb, **body.model_dump(exclude={"geometry", "crs"}))
    granted = await grant(session, caller, act, given)
    path = f"{EXCEPTIONS}/{granted.row.code}"
    return Made(describe(view, granted), {"Location": f"{view.base}{path}"})


async def end(
    session: AsyncSession, view: View, caller: Caller, act: Act, code: str, reason: str
) -> Made:
    """Revoke an exception."""
    return Made(describe(view, await revoke(session, caller, act, code, reason)), status=200)


def describe(view: View, granted: Granted) -> dict[str, Any]:
    """An exception with its links."""
    path = f"{EXCEPTIONS}/{granted.row.code}"
    return {
        **granted.document(),
        "links": [view.link(path, "self"), view.link(EXCEPTIONS, "collection")],
    }


def demand_known(caller: Caller) -> None:
    """Refuse those who show no identity: an exception names persons and projects.

    Raises:
        Unauthenticated: none was shown.
    """
    if caller.anonymous:
        raise Unauthenticated("an identity is needed", message_zh="需要身份认证")


async def page_of(
    session: AsyncSession, caller: Caller, view: View, exceptions: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What pages of exceptions are given: names, and what gaps are called."""
    if not view.wants_html(JSON, HTML):
        return {}
    names = await names_in_exceptions(session, exceptions, caller.viewer, view.lang)
    return {"names": names, "gap_name": lambda code: gap_name(code, names, view.lang)}


async def names_of_areas(
    session: AsyncSession, caller: Caller, view: View, codes: Collection[str]
) -> dict[str, str]:
    """What control areas are called on a page."""
    if not codes or not view.wants_html(JSON, HTML):
        return {}
    return await names_of(session, CONTROL_AREAS, codes, caller.viewer, view.lang)


async def read_register(
    session: AsyncSession, caller: Caller, region: str, as_of: date | None
) -> dict[str, Any]:
    """The lines of a region and all below it, and where they have shrunk.

    Raises:
        NotFound: there is no such region.
    """
    row = await read_item(session, REGIONS, Selection(caller.viewer, code=region))
    found = await find_region(session, region)
    area_m2 = None if found is None else found[1]
    totals = await read_totals(session, caller.viewer, row.key, as_of=as_of)
    declines = await read_declines(session, caller.viewer, row.key)
    named = row.plain()
    return {
        "region": region,
        "region_name_zh": named["name_zh"],
        "region_name_en": named["name_en"],
        "region_area_km2": None if area_m2 is None else round(area_m2 / 1e6, 4),
        "as_of": None if as_of is None else as_of.isoformat(),
        "lines": describe_lines(totals, area_m2),
        "declines": [describe_decline(item) for item in declines],
    }
