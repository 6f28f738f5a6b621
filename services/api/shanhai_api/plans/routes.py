"""`/plans/{plan}/…`: indicators, approvals by regions, what does not add up, all in one file."""

from collections.abc import Sequence
from typing import Annotated, Self

from fastapi import APIRouter, Query, Response
from pydantic import Field

from shanhai.db.collections.joint_plans import Approval, read_approvals, read_content
from shanhai.db.editions.lineage import Decision, decide
from shanhai.db.indicators import plan_indicators
from shanhai.db.indicators.evaluation import (
    EvaluationScope,
    compare_targets,
    evaluate,
    find_snapshot,
    judged_rows,
    list_snapshots,
    summary_of,
    upper_plan_of,
)
from shanhai.db.indicators.targets import read_targets, state_of_targets
from shanhai.db.indicators.values import list_values
from shanhai.db.proposals.queries import about_target
from shanhai.db.quality.findings import list_findings, was_checked
from shanhai.vocabulary import PLAN_APPROVALS, PLAN_STATUSES, Label, label_in
from shanhai_api.kit.answers import Answer, Answered, Link, Moment, one_of
from shanhai_api.kit.body import JsonBody
from shanhai_api.kit.dependencies import (
    Context,
    DayQuery,
    IfMatch,
    PageQuery,
    Read,
    Reader,
    Write,
    Writer,
    format_field,
)
from shanhai_api.kit.late_route import LateRoute
from shanhai_api.kit.routing import Route
from shanhai_api.kit.view import CSV, HTML, JSON, choose_format
from shanhai_api.plans import judged_models, models, operations, pages, schemas
from shanhai_api.plans.answers import PlanNamed, PlanStatus, Titled, plan_item, plan_path
from shanhai_api.plans.operations import ZIP, check_again, demand_insider, respond_package

packages = APIRouter(tags=["records"], route_class=LateRoute)


@packages.get(
    "/plans/{plan}/package",
    summary="Everything of a plan in one file",
    response_class=Response,
    responses={200: {"content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def get_package(
    read: Read[Reader], plan: str, query: Annotated[PageQuery, Query()]
) -> Response:
    """Give a zip of rows as JSON, a GeoPackage and the documents, with a checksum for each.

    The same state of a plan gives the same bytes; `import-plan` rebuilds the plan from them.
    """
    seen = await plan_indicators.find_plan(read.session, plan, read.caller.viewer)
    demand_insider(read.caller, seen)
    return await respond_package(read.state, read.caller, seen, read.act)


router = APIRouter(tags=["indicators"], route_class=Route)
PLAN = "/plans/{plan}"
INDICATOR = f"{PLAN}/indicators/{{indicator}}"


@router.get(f"{INDICATOR}/targets", summary="Base and targets of an indicator in a region")
async def show_targets(
    read: Read[Reader], plan: str, indicator: str, query: Annotated[schemas.TargetsQuery, Query()]
) -> Answer[models.IndicatorTargets]:
    """Show the figures the plan states for the region, or stated on a day."""
    session, caller = read.session, read.caller
    seen, listed = await operations.find_listed(session, caller, plan, indicator, query.as_of)
    place = await plan_indicators.find_place(session, seen, query.region, pointer="region")
    rows = await read_targets(
        session, seen.id, indicators=[listed.id], region_id=place.id, as_of=query.as_of
    )
    found = await about_target(session, caller.viewer, seen.id, listed.code, place.code)
    shown = models.IndicatorTargets.of(seen, listed, place, rows, found, read)
    page = pages.plain_page(read, pages.TARGETS, shown, "targets")
    return Answer(shown, page=page, state=state_of_targets(rows))


@router.put(f"{INDICATOR}/targets", summary="State base and targets of an indicator in a region")
async def put_targets(
    write: Write[Writer],
    plan: str,
    indicator: str,
    query: Annotated[schemas.RegionQuery, Query()],
    expected: IfMatch,
    body: JsonBody[schemas.TargetsBody],
) -> Answer[models.IndicatorTargets]:
    """Put these figures in the place of those there are."""
    what = (plan, indicator, query.region)
    return await operations.rewrite_targets(write, what, body, expected)


@router.get(f"{INDICATOR}/values", summary="Observed values of an indicator in a region")
async def show_values(
    read: Read[Reader], plan: str, indicator: str, query: Annotated[schemas.ValuesQuery, Query()]
) -> Answer[models.IndicatorValues]:
    """Show all that was recorded; of a year's values the newest counts."""
    seen, listed = await operations.find_listed(
        read.session, read.caller, plan, indicator, query.as_of
    )
    place = await plan_indicators.find_place(read.session, seen, query.region, pointer="region")
    before = None
    if query.before is not None:
        year, _, row_id = query.before.partition("-")
        before = (int(year), int(row_id))
    rows = await list_values(
        read.session,
        listed,
        place,
        read.caller.viewer,
        year=query.year,
        limit=query.limit + 1,
        before=before,
        as_of=query.as_of,
    )
    page = rows[: query.limit]
    last = page[-1].row if len(rows) > query.limit else None
    following = None if last is None else f"{last.year}-{last.id}"
    known = read.caller.viewer.is_member([place.id])
    shown = models.IndicatorValues.of(seen, listed, place, page, following, read, known=known)
    return Answer(shown, page=pages.plain_page(read, pages.VALUES, shown, "values"))


@router.post(f"{INDICATOR}/values", summary="Record a value of an indicator", status_code=201)
async def post_value(
    write: Write[Writer], plan: str, indicator: str, body: JsonBody[schemas.ValueBody]
) -> Answer[models.ValueRecorded]:
    """Record a value; a correction is another value of the year."""
    return await operations.record_value(write, plan, indicator, body)


@router.get(f"{PLAN}/progress", summary="How the indicators of a plan stand")
async def show_progress(
    read: Read[Reader], plan: str, query: Annotated[schemas.ProgressQuery, Query()]
) -> Answer[judged_models.PlanProgress]:
    """Judge the values of a region against the plan's targets."""
    session = read.session
    seen = await plan_indicators.find_plan(session, plan, read.caller.viewer, query.as_of)
    place = await plan_indicators.find_place(session, seen, query.region, pointer="region")
    if query.department is not None:
        await plan_indicators.find_party(session, query.department, pointer="department")
    year = query.year or operations.year_of(query.as_of)
    indicators = await plan_indicators.list_indicators(session, seen, department=query.department)
    rows = await judged_rows(session, seen, indicators, [place], year)
    summary = summary_of(rows)
    shown = judged_models.PlanProgress.of(seen, place, year, read, summary=summary, indicators=rows)
    content = {"rows": rows, "summary": summary}
    return Answer(shown, page=pages.judged_page(read, content, JSON, HTML))


@router.get(f"{PLAN}/conformance", summary="A plan's targets beside those of the plan above")
async def show_conformance(
    read: Read[Reader], plan: str, query: Annotated[DayQuery, Query()]
) -> Answer[judged_models.PlanConformance]:
    """Tell where the plan asks for less than the plan above it."""
    seen = await plan_indicators.find_plan(read.session, plan, read.caller.viewer, query.as_of)
    upper = await upper_plan_of(read.session, seen, read.caller.viewer)
    compared = [] if upper is None else await compare_targets(read.session, seen, upper)
    shown = judged_models.PlanConformance.of(seen, upper, compared, read)
    lines = [shown.verdict_zh if read.lang == "zh" else shown.verdict_en]
    page = pages.plain_page(read, pages.CONFORMANCE, shown, "targets", pages.compared_rows, lines)
    return Answer(shown, page=page)


@router.get(f"{PLAN}/evaluation", summary="The evaluation of a year, what is missed first")
async def show_evaluation(
    read: Read[Reader], plan: str, query: Annotated[schemas.EvaluationQuery, Query()]
) -> Answer[judged_models.PlanEvaluation] | Response:
    """Evaluate a year by region and department as JSON, page, CSV or DOCX."""
    seen = await plan_indicators.find_plan(read.session, plan, read.caller.viewer, query.as_of)
    year = query.year or operations.year_of(query.as_of)
    asked = EvaluationScope(year, query.region, query.department)
    content = await evaluate(read.session, seen, asked)
    return await operations.show_table(
        read, judged_models.PlanEvaluation.of(seen, content, read), content
    )


@router.post(f"{PLAN}/evaluations", summary="Store the evaluation of a year", status_code=201)
async def post_evaluation(
    write: Write[Writer], plan: str, body: JsonBody[schemas.EvaluationBody]
) -> Answer[judged_models.StoredEvaluation]:
    """Store the evaluation as it is now; it never changes."""
    return await operations.store_evaluation(write, plan, body)


@router.get(f"{PLAN}/evaluations", summary="The stored evaluations of a plan")
async def show_evaluations(
    read: Read[Reader], plan: str, query: Annotated[schemas.StoredListQuery, Query()]
) -> Answer[judged_models.StoredEvaluations]:
    """List the stored evaluations, the newest first."""
    seen = await plan_indicators.find_plan(read.session, plan, read.caller.viewer, query.as_of)
    rows = await list_snapshots(
        read.session, seen, year=query.year, limit=query.limit + 1, before=query.before
    )
    page = rows[: query.limit]
    following = page[-1][0].id if len(rows) > query.limit else None
    shown = judged_models.StoredEvaluations.of(seen, page, following, read)
    return Answer(shown, page=pages.plain_page(read, pages.STORED, shown, "evaluations"))


@router.get(f"{PLAN}/evaluations/{{evaluation}}", summary="A stored evaluation")
async def show_stored(
    read: Read[Reader], plan: str, evaluation: str, query: Annotated[schemas.StoredQuery, Query()]
) -> Answer[judged_models.StoredEvaluation] | Response:
    """Show an evaluation as it was stored."""
    seen = await plan_indicators.find_plan(read.session, plan, read.caller.viewer)
    row = await find_snapshot(read.session, seen, evaluation)
    shown = judged_models.StoredEvaluation.of(seen, row, read)
    return await operations.show_table(read, shown, row.content, judged_models.stamp_of(row))


approvals = APIRouter(tags=["records"], route_class=Route)


class RegionApproval(Answered):
    """Where a region stands to a joint plan; who decided and why is for who has a role in it."""

    region: str
    name: str
    state: Annotated[str, one_of(PLAN_APPROVALS)]
    state_name: str
    at: Moment | None
    by: str | None
    reason: str | None

    @classmethod
    def of(cls, approval: Approval, read: Context, *, known: bool) -> Self:
        """Where a region stands, with who decided and why where that may be `known`."""
        return cls.from_row(
            approval,
            name=approval.name.in_(read.lang),
            state_name=label_in(PLAN_APPROVALS, approval.state, read.lang),
            by=approval.actor if known else None,
            reason=approval.reason if known else None,
        )


class PlanApprovals(PlanNamed, Titled):
    """Where the regions of a joint plan stand to it, in the plan's order."""

    template = "approvals.html"

    status: PlanStatus
    status_name: str
    complete: bool = Field(description="Whether all of them approved it as it is")
    approvals: list[RegionApproval]
    links: list[Link]

    @classmethod
    def of(
        cls, plan: plan_indicators.PlanSeen, approvals: Sequence[Approval], read: Context
    ) -> Self:
        """Where the regions stand, as the caller may know of it."""
        title = Label(f"{plan.name.zh}：各区域审批", f"{plan.name.en}: approvals of its regions")
        path = f"{plan_path(plan.code)}/approvals"
        known = read.caller.viewer.is_member(plan.region_ids)
        return cls(
            title=title.in_(read.lang),
            plan=plan.code,
            status=plan.status,
            status_name=label_in(PLAN_STATUSES, plan.status, read.lang),
            complete=bool(approvals) and all(item.state == "approved" for item in approvals),
            approvals=[RegionApproval.of(item, read, known=known) for item in approvals],
            links=[*read.self_links(path), read.link(plan_item(plan.code), "up")],
        )


@approvals.get("/plans/{plan}/approvals", summary="Where the regions of a joint plan stand to it")
async def show_approvals(read: Read[Reader], plan: str) -> Answer[PlanApprovals]:
    """List the regions in the plan's order: what each decided, and whether it still holds.

    The ETag tells the content of the plan; a decision with it is about that content only.
    """
    seen = await plan_indicators.find_plan(read.session, plan, read.caller.viewer)
    approvals = await read_approvals(read.session, seen.id)
    content = await read_content(read.session, seen.id)
    return Answer(PlanApprovals.of(seen, approvals, read), state=content)


@approvals.post(
    "/plans/{plan}/approvals", summary="Decide of a joint plan for a region", status_code=201
)
async def make_decision(
    write: Write[Writer], plan: str, expected: IfMatch, body: JsonBody[schemas.DecisionBody]
) -> Answer[PlanApprovals]:
    """Approve, send back with the reason, or take an approval back, by the region's approver.

    The last approval puts the plan in force; a rejection makes it a draft again.
    """
    decision = Decision(body.region, body.decision, body.reason)
    decided = await decide(
        write.session, plan, write.caller, write.act, decision, expected=expected
    )
    seen = await plan_indicators.find_plan(write.session, decided.plan, write.caller.viewer)
    approvals = PlanApprovals.of(seen, decided.approvals, write)
    return Answer(approvals, location=f"{plan_path(decided.plan)}/approvals")


findings = APIRouter(tags=["records"], route_class=Route)


class FindingsQuery(DayQuery):
    """Parameters of the findings."""

    f: str | None = format_field("json", "html", "csv")


@findings.get("/plans/{plan}/findings", summary="What does not add up in a plan's figures")
async def show_findings(
    read: Read[Reader], plan: str, query: Annotated[FindingsQuery, Query()]
) -> Answer[models.PlanFindings] | Response:
    """List what the checks found when they last ran, the worst first."""
    seen = await plan_indicators.find_plan(read.session, plan, read.caller.viewer, query.as_of)
    found = await list_findings(read.session, seen.id, query.as_of)
    if choose_format(read.request, models.FORMATS) is CSV:
        headers = {"Content-Disposition": 'attachment; filename="findings.csv"'}
        return read.send(models.as_csv(found), CSV.media_type, headers=headers)
    checked = await was_checked(read.session, seen.id, query.as_of)
    findings = models.PlanFindings.of(seen, found, read, checked=checked)
    return Answer(findings, page={"plan_name": seen.name.in_(read.lang)})


@findings.post("/plans/{plan}/findings", summary="Check a plan's figures again")
async def renew_findings(write: Write[Writer], plan: str) -> models.PlanChecked:
    """Run the checks on the figures as they are now."""
    return await check_again(write, plan)
