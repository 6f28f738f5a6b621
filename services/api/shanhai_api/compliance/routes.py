"""`/compliance`: checks, activities, exceptions, requests for them; `/regions/{r}/lines`."""

from dataclasses import fields
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import Field

from shanhai.db.compliance.exception_requests import (
    ExceptionRequestFilter,
    find_request,
    grant_request,
    list_requests,
    refuse_request,
    request_exception,
    withdraw_request,
)
from shanhai.db.compliance.exceptions import (
    ExceptionFilter,
    find_exception,
    grant,
    list_exceptions,
    revoke,
)
from shanhai.db.compliance.rules import activities
from shanhai.processes.check_compliance.contract import CheckComplianceInputs
from shanhai.validation import Rfc3339Date
from shanhai.vocabulary import ExceptionRequestState
from shanhai_api.compliance import models, operations
from shanhai_api.compliance.operations import asked_by_form, check_at_once, too_large
from shanhai_api.kit.answers import Answer, LimitedQuery, page_of
from shanhai_api.kit.body import Body, JsonBody
from shanhai_api.kit.dependencies import (
    MAY_LOOK,
    KnownReader,
    PageQuery,
    Read,
    Reader,
    TheState,
    TheView,
    Write,
    Writer,
    format_field,
)
from shanhai_api.kit.routing import FILE, Route

router = APIRouter(tags=["compliance"], route_class=Route)
CHECK = "/compliance/check"
LONGEST_GEOMETRY = 20_000
"""Characters that an address has room for: the parser of HTTP takes 64 KiB, and each character of
GeoJSON is written there as up to three bytes."""


class CheckQuery(PageQuery):
    """Parameters of a check."""

    geometry: str | None = Field(
        None,
        max_length=LONGEST_GEOMETRY,
        pattern=r"^[\t\n\r -~]*$",
        description="GeoJSON geometry; a larger one is asked of the process `check-compliance`",
    )
    crs: str | None = Field(None, max_length=200, description="CRS of the geometry")
    project: str | None = Field(None, max_length=80, description="Code of a project")
    activities: str | None = Field(
        None, max_length=4000, description="Codes of activities and measures, with commas"
    )
    lines: str | None = Field(
        None, max_length=1000, description="Kinds of control areas, with commas; default all"
    )
    region: str | None = Field(None, max_length=80, description="Region whose rules hold as well")
    as_of: str | None = Field(
        None,
        pattern=r"^(\d{4}-\d\d-\d\d)?$",
        description="Day of the check, such as 2025-06-30; default today",
    )


class ExceptionsQuery(LimitedQuery):
    """Parameters of the list of exceptions."""

    project: str | None = Field(
        None, max_length=80, pattern=models.WRITABLE, description="Code of a project"
    )
    rule: str | None = Field(
        None, max_length=300, pattern=models.WRITABLE, description="Code of a rule"
    )
    day: Rfc3339Date | None = Field(None, description="Only those in force on the day")
    limit: int = Field(100, ge=1, le=10_000, description="Exceptions on a page")
    before: int | None = Field(None, ge=1, le=2**63 - 1, description="Only those given before this")


class ExceptionRequestsQuery(LimitedQuery):
    """Parameters of the list of requests."""

    state: ExceptionRequestState | None = Field(None, description="Only those in this state")
    project: str | None = Field(
        None, max_length=80, pattern=models.WRITABLE, description="Code of a project"
    )
    geometry_sha256: str | None = Field(
        None, pattern=r"^[0-9a-f]{64}$", description="Of a shape, as checks tell it"
    )
    decidable: bool = Field(False, description="Only those on which the reader may decide")
    limit: int = Field(100, ge=1, le=10_000, description="Requests on a page")
    before: int | None = Field(None, ge=1, le=2**63 - 1, description="Only those made before this")


class RegisterQuery(PageQuery):
    """Parameters of the register."""

    as_of: Rfc3339Date | None = Field(None, description="Day whose state is wanted")


@router.get(CHECK, summary="Check a place or project against lines, zones and rules")
async def show_check(
    view: TheView, caller: Reader, query: Annotated[CheckQuery, Query()], state: TheState
) -> Answer[models.ComplianceCheck] | Response:
    """Check what the form asks for; see the process `check-compliance` for programs."""
    given = query.model_dump(exclude={"f", "lang"})
    form = {name: value or "" for name, value in given.items()}
    if not (query.geometry or query.project):
        nothing = models.ComplianceCheck(result=None, links=view.self_links(CHECK))
        return Answer(nothing, page={"form": form})
    inputs = asked_by_form(given)
    answer = await check_at_once(view, state, caller, inputs, form=form)
    if answer is None:
        raise too_large()
    return answer


OPINIONS = [one.media_type for one in operations.OPINION]


class OpinionQuery(PageQuery):
    """Parameters of an opinion."""

    f: str | None = format_field("pdf", "docx")


class OpinionBody(Body):
    """What is asked, as of the process `check-compliance`."""

    inputs: CheckComplianceInputs


@router.post(
    "/compliance/opinion",
    summary="Check a place or project, and have the opinion as a document",
    response_class=Response,
    responses={200: {"content": {kind: {"schema": FILE} for kind in OPINIONS}}},
)
async def write_opinion(
    view: TheView,
    caller: Reader,
    query: Annotated[OpinionQuery, Query()],
    body: JsonBody[OpinionBody],
    state: TheState,
) -> Response:
    """Check, and write the verdict with its reasons as PDF or DOCX; nothing is stored."""
    return await operations.write_opinion(view, state, caller, body.inputs)


@router.get(
    "/compliance/activities", summary="Activities that can be judged", dependencies=[MAY_LOOK]
)
async def list_activities(view: TheView) -> models.ActivityList:
    """List the activities, what each counts as, and the conditions rules name."""
    return models.ActivityList.of(activities(), view)


@router.get(models.EXCEPTIONS, summary="Exceptions from rules")
async def show_exceptions(
    read: Read[Reader], query: Annotated[ExceptionsQuery, Query()]
) -> Answer[models.RuleExceptions]:
    """List exceptions, the newest first, revoked ones included."""
    operations.demand_known(read.caller)
    wanted = ExceptionFilter(**query.model_dump(exclude={"f", "lang", "limit"}))
    rows = await list_exceptions(read.session, wanted, read.caller.viewer, limit=query.limit + 1)
    page, links = page_of(rows, query, read, models.EXCEPTIONS, lambda one: {"before": one.row.id})
    shown = [models.RuleException.of(item, read) for item in page]
    told = models.RuleExceptions(exceptions=shown, returned=len(shown), links=links)
    return Answer(told, page=await operations.page_of(read, told.exceptions))


@router.get(models.EXCEPTIONS + "/{exception}", summary="One exception")
async def show_exception(read: Read[Reader], exception: str) -> Answer[models.RuleException]:
    """Show an exception, who gave it and why."""
    operations.demand_known(read.caller)
    found = await find_exception(read.session, exception, read.caller.viewer)
    told = models.RuleException.of(found, read)
    return Answer(told, page=await operations.page_of(read, [told]))


@router.post(models.EXCEPTIONS, summary="Give an exception from a rule", status_code=201)
async def give_exception(
    write: Write[Writer], body: JsonBody[models.ExceptionBody]
) -> Answer[models.RuleException]:
    """Give an exception for a project or one geometry, as an approver of the regions concerned."""
    given = await operations.grant_of(body)
    granted = await grant(write.session, write.caller, write.act, given)
    shown = models.RuleException.of(granted, write)
    return Answer(shown, location=models.exception_path(granted.row.code))


@router.post(models.EXCEPTIONS + "/{exception}/revoke", summary="Revoke an exception")
async def revoke_exception(
    write: Write[Writer], exception: str, body: JsonBody[models.RevokeBody]
) -> models.RuleException:
    """End an exception today; that it was given stays known."""
    revoked = await revoke(write.session, write.caller, write.act, exception, body.reason)
    return models.RuleException.of(revoked, write)


@router.get(models.REQUESTS, summary="Requests for exceptions")
async def show_requests(
    read: Read[KnownReader], query: Annotated[ExceptionRequestsQuery, Query()]
) -> models.RuleExceptionRequests:
    """List requests in the reader's regions, the newest first."""
    wanted = ExceptionRequestFilter(
        **query.model_dump(include={item.name for item in fields(ExceptionRequestFilter)})
    )
    rows = await list_requests(read.session, wanted, read.caller, limit=query.limit + 1)
    page, links = page_of(rows, query, read, models.REQUESTS, lambda last: {"before": last.row.id})
    shown = await operations.requests_shown(read, page)
    return models.RuleExceptionRequests(requests=shown, returned=len(shown), links=links)


@router.get(models.REQUESTS + "/{exception_request}", summary="One request for an exception")
async def show_request(
    read: Read[KnownReader], exception_request: str
) -> models.RuleExceptionRequest:
    """Show a request with its shape, what was decided, and what the reader may do with it."""
    found = await find_request(read.session, exception_request, read.caller.viewer)
    return await operations.shown(read, found)


@router.post(models.REQUESTS, summary="Request an exception from a rule", status_code=201)
async def ask_for_exception(
    write: Write[Writer], body: JsonBody[models.ExceptionRequestBody]
) -> Answer[models.RuleExceptionRequest]:
    """Ask for an exception, as a planner of the region; nothing is lifted until it is granted."""
    given = await operations.grant_of(body)
    asked = await request_exception(write.session, write.caller, write.act, given)
    shown = await operations.shown(write, asked)
    return Answer(shown, location=models.request_path(asked.row.code))


@router.post(models.REQUESTS + "/{exception_request}/grant", summary="Grant what was requested")
async def grant_requested(
    write: Write[Writer], exception_request: str, body: JsonBody[models.GrantBody]
) -> models.RuleExceptionRequest:
    """Give the exception, as an approver of the regions concerned who did not request it."""
    session, caller, given = write.session, write.caller, body.model_dump()
    granted = await grant_request(session, caller, write.act, exception_request, **given)
    return await operations.shown(write, granted)


@router.post(models.REQUESTS + "/{exception_request}/refuse", summary="Refuse what was requested")
async def refuse_requested(
    write: Write[Writer], exception_request: str, body: JsonBody[models.RevokeBody]
) -> models.RuleExceptionRequest:
    """Refuse a request, as an approver of the regions concerned who did not make it."""
    session, caller = write.session, write.caller
    refused = await refuse_request(session, caller, write.act, exception_request, body.reason)
    return await operations.shown(write, refused)


@router.post(models.REQUESTS + "/{exception_request}/withdraw", summary="Withdraw a request")
async def withdraw_requested(
    write: Write[Writer], exception_request: str
) -> models.RuleExceptionRequest:
    """Take back a request that waits, as who made it."""
    withdrawn = await withdraw_request(write.session, write.caller, write.act, exception_request)
    return await operations.shown(write, withdrawn)


@router.get("/regions/{region}/lines", summary="The register of a region's lines")
async def show_register(
    read: Read[Reader], region: str, query: Annotated[RegisterQuery, Query()]
) -> Answer[models.LineRegister]:
    """Tell how much there is of each kind of line, beside the approved figure, and declines."""
    register = await operations.read_register(read, region, query.as_of)
    shrunk = {code for item in register.declines for code in item.codes}
    names = await operations.names_of_areas(read.session, read.caller, read, shrunk)
    return Answer(register, page={"names": names})
