"""`/plans/{plan}/findings`."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from shanhai.db.indicators.plan_indicators import find_plan
from shanhai.db.quality.findings import list_findings, was_checked
from shanhai_api.dependencies import DayQuery, Reader, Writer, format_field
from shanhai_api.findings.models import CSV, FORMATS, PlanChecked, PlanFindings, as_csv
from shanhai_api.findings.operations import check_again
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import Read, Write
from shanhai_api.negotiation import choose_format

router = APIRouter(tags=["records"], route_class=Route)


class FindingsQuery(DayQuery):
    """Parameters of the findings."""

    f: str | None = format_field("json", "html", "csv")


@router.get("/plans/{plan}/findings", summary="What does not add up in a plan's figures")
async def show_findings(
    read: Read[Reader], plan: str, query: Annotated[FindingsQuery, Query()]
) -> Answer[PlanFindings] | Response:
    """List what the checks found when they last ran, the worst first."""
    seen = await find_plan(read.session, plan, read.caller.viewer, query.as_of)
    found = await list_findings(read.session, seen.id, query.as_of)
    if choose_format(read.request, FORMATS) is CSV:
        headers = {"Content-Disposition": 'attachment; filename="findings.csv"'}
        return read.send(as_csv(found), CSV.media_type, headers=headers)
    checked = await was_checked(read.session, seen.id, query.as_of)
    findings = PlanFindings.of(seen, found, read, checked=checked)
    return Answer(findings, page={"plan_name": seen.name.in_(read.lang)})


@router.post("/plans/{plan}/findings", summary="Check a plan's figures again")
async def renew_findings(write: Write[Writer], plan: str) -> PlanChecked:
    """Run the checks on the figures as they are now."""
    return await check_again(write, plan)
