"""`/compliance/check`, `/compliance/activities`, `/compliance/exceptions`, `/regions/{r}/lines`."""

from datetime import date
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from shanhai.db.compliance.exceptions import ExceptionFilter, find_exception, list_exceptions
from shanhai.db.compliance.rules import activities
from shanhai_api.compliance import operations
from shanhai_api.compliance.asking import asked_by_form, too_large
from shanhai_api.compliance.execution import TEMPLATE, check_at_once
from shanhai_api.compliance.schemas import WRITABLE, ExceptionBody, RevokeBody
from shanhai_api.dependencies import (
    MAY_LOOK,
    PageQuery,
    Reader,
    ReadSession,
    TheState,
    TheUnit,
    TheView,
    Writer,
    act_of,
)
from shanhai_api.kit.body import parse, read_json
from shanhai_api.once import once

router = APIRouter(tags=["compliance"])
CHECK = "/compliance/check"


class CheckQuery(PageQuery):
    """Parameters of a check."""

    geometry: str | None = Field(None, max_length=200_000, description="GeoJSON geometry")
    crs: str | None = Field(None, max_length=200, description="CRS of the geometry")
    project: str | None = Field(None, max_length=80, description="Code of a project")
    activities: str | None = Field(
        None, max_length=4000, description="Codes of activities and measures, with commas"
    )
    lines: str | None = Field(
        None, max_length=1000, description="Kinds of control areas, with commas; default all"
    )
    region: str | None = Field(None, max_length=80, description="Region whose rules hold as well")
    as_of: str | None = Field(None, max_length=10, description="Day of the check; default today")


class ExceptionsQuery(PageQuery):
    """Parameters of the list of exceptions."""

    project: str | None = Field(
        None, max_length=80, pattern=WRITABLE, description="Code of a project"
    )
    rule: str | None = Field(None, max_length=300, pattern=WRITABLE, description="Code of a rule")
    day: date | None = Field(None, description="Only those in force on the day")
    limit: int = Field(100, ge=1, le=10_000, description="Exceptions on a page")


class RegisterQuery(PageQuery):
    """Parameters of the register."""

    as_of: date | None = Field(None, description="Day whose state is wanted")


@router.get(CHECK, summary="Check a place or project against lines, zones and rules")
async def show_check(
    view: TheView, caller: Reader, query: Annotated[CheckQuery, Query()], state: TheState
) -> Response:
    """Check what the form asks for; see the process `check-compliance` for programs."""
    given = query.model_dump(exclude={"f", "lang"})
    form = {name: value or "" for name, value in given.items()}
    if not (query.geometry or query.project):
        document = {"result": None, "links": view.self_links(CHECK)}
        return view.respond(document, template=TEMPLATE, extra={"form": form})
    inputs = asked_by_form(given)
    answer = await check_at_once(view, state, caller, inputs, form=form)
    if answer is None:
        raise too_large()
    return answer


@router.get(
    "/compliance/activities", summary="Activities that can be judged", dependencies=[MAY_LOOK]
)
async def list_activities(view: TheView, query: Annotated[PageQuery, Query()]) -> Response:
    """List the activities, what each counts as, and the conditions rules name."""
    lists = activities()
    document = {
        "presumed": lists.presumed,
        "activities": [
            {
                "code": item.code,
                "name_zh": item.name.zh,
                "name_en": item.name.en,
                "counts_as": list(item.counts_as),
            }
            for item in lists.known.values()
        ],
        "conditions": [
            {"code": code, "name_zh": name.zh, "name_en": name.en}
            for code, name in sorted(lists.conditions.items())
        ],
        "links": view.self_links("/compliance/activities"),
    }
    return view.respond(document)


@router.get(operations.EXCEPTIONS, summary="Exceptions from rules")
async def show_exceptions(
    view: TheView,
    caller: Reader,
    query: Annotated[ExceptionsQuery, Query()],
    session: ReadSession,
) -> Response:
    """List exceptions, the newest first, revoked ones included."""
    operations.demand_known(caller)
    wanted = ExceptionFilter(project=query.project, rule=query.rule, day=query.day)
    found = await list_exceptions(session, wanted, limit=query.limit)
    listed = [operations.describe(view, item) for item in found]
    document = {
        "exceptions": listed,
        "numberReturned": len(found),
        "links": view.self_links(operations.EXCEPTIONS),
    }
    page = await operations.page_of(session, caller, view, listed)
    return view.respond(document, template="exceptions.html", extra=page)


@router.get(operations.EXCEPTIONS + "/{exception}", summary="One exception")
async def show_exception(
    view: TheView,
    caller: Reader,
    exception: str,
    query: Annotated[PageQuery, Query()],
    session: ReadSession,
) -> Response:
    """Show an exception, who gave it and why."""
    operations.demand_known(caller)
    document = operations.describe(view, await find_exception(session, exception))
    page = await operations.page_of(session, caller, view, [document])
    return view.respond(document, template="exception.html", extra=page)


@router.post(
    operations.EXCEPTIONS,
    summary="Give an exception from a rule",
    status_code=201,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": ExceptionBody.model_json_schema()}},
        }
    },
)
async def give_exception(
    request: Request,
    view: TheView,
    caller: Writer,
    query: Annotated[PageQuery, Query()],
    unit: TheUnit,
) -> Response:
    """Give an exception for a project or one geometry, as an approver of the regions concerned."""
    read = await read_json(request)
    body = parse(ExceptionBody, read.value)
    made = await once(
        request,
        unit,
        caller,
        body_sha256=read.sha256,
        effect=lambda: operations.give(unit.session, view, caller, act_of(caller, view), body),
    )
    return made.response()


@router.post(
    operations.EXCEPTIONS + "/{exception}/revoke",
    summary="Revoke an exception",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": RevokeBody.model_json_schema()}},
        }
    },
)
async def revoke_exception(
    request: Request,
    view: TheView,
    caller: Writer,
    exception: str,
    query: Annotated[PageQuery, Query()],
    unit: TheUnit,
) -> Response:
    """End an exception today; that it was given stays known."""
    read = await read_json(request)
    body = parse(RevokeBody, read.value)
    made = await once(
        request,
        unit,
        caller,
        body_sha256=read.sha256,
        effect=lambda: operations.end(
            unit.session, view, caller, act_of(caller, view), exception, body.reason
        ),
    )
    return made.response()


@router.get("/regions/{region}/lines", summary="The register of a region's lines")
async def show_register(
    view: TheView,
    caller: Reader,
    region: str,
    query: Annotated[RegisterQuery, Query()],
    session: ReadSession,
) -> Response:
    """Tell how much there is of each kind of line, beside the approved figure, and declines."""
    document = await operations.read_register(session, caller, region, query.as_of)
    quoted = quote(region, safe="")
    document["links"] = [
        *view.self_links(f"/regions/{quoted}/lines"),
        view.link(f"/collections/regions/items/{quoted}", "up"),
    ]
    shrunk = {code for item in document["declines"] for code in item["codes"]}
    names = await operations.names_of_areas(session, caller, view, shrunk)
    return view.respond(document, template="lines.html", extra={"names": names})
