"""`/plans/{plan}/findings`."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from shanhai.db.indicators.plan_indicators import find_plan
from shanhai.db.quality.findings import list_findings, was_checked
from shanhai_api.dependencies import (
    DayQuery,
    PageQuery,
    Reader,
    ReadSession,
    TheUnit,
    TheView,
    Writer,
    act_of,
    format_field,
)
from shanhai_api.findings.documents import as_csv, count_severities, describe_finding
from shanhai_api.findings.operations import check_again
from shanhai_api.kit.body import read_digest
from shanhai_api.negotiation import HTML, JSON, Format, choose_format
from shanhai_api.once import once
from shanhai_api.projects.plan_documents import about_day, plan_links

router = APIRouter(tags=["records"])
CSV = Format("csv", "text/csv")
FORMATS = (JSON, HTML, CSV)


class FindingsQuery(DayQuery):
    """Parameters of the findings."""

    f: str | None = format_field("json", "html", "csv")


@router.get("/plans/{plan}/findings", summary="What does not add up in a plan's figures")
async def show_findings(
    view: TheView,
    caller: Reader,
    plan: str,
    query: Annotated[FindingsQuery, Query()],
    session: ReadSession,
) -> Response:
    """List what the checks found when they last ran, the worst first."""
    seen = await find_plan(session, plan, caller.viewer, query.as_of)
    found = await list_findings(session, seen.id, query.as_of)
    if choose_format(view.request, FORMATS) is CSV:
        headers = {"Content-Disposition": 'attachment; filename="findings.csv"'}
        return view.send(as_csv(found), CSV.media_type, headers=headers)
    document = {
        "plan": seen.code,
        **about_day(seen),
        "checked": await was_checked(session, seen.id, query.as_of),
        "counts": count_severities(found),
        "findings": [describe_finding(item, view.lang) for item in found],
        "links": plan_links(view, seen, *FORMATS),
    }
    return view.respond(
        document,
        template="findings.html",
        formats=FORMATS,
        extra={"plan_name": seen.name.in_(view.lang)},
    )


@router.post("/plans/{plan}/findings", summary="Check a plan's figures again", status_code=200)
async def renew_findings(
    request: Request,
    view: TheView,
    caller: Writer,
    plan: str,
    query: Annotated[PageQuery, Query()],
    unit: TheUnit,
) -> Response:
    """Run the checks on the figures as they are now."""
    sha256 = await read_digest(request)
    made = await once(
        request,
        unit,
        caller,
        body_sha256=sha256,
        effect=lambda: check_again(unit.session, caller, plan, act_of(caller, view)),
    )
    return made.response()
