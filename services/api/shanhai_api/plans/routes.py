"""`/plans/{plan}/…`: targets, values, progress and evaluation of a plan's indicators."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from shanhai.db.indicators.conformance import compare_targets, upper_plan_of
from shanhai.db.indicators.evaluation import (
    EvaluationScope,
    evaluate,
    find_snapshot,
    judged_rows,
    list_snapshots,
    summary_of,
)
from shanhai.db.indicators.plan_indicators import find_party, find_place, find_plan, list_indicators
from shanhai.db.indicators.targets import read_targets, state_of_targets
from shanhai.db.indicators.values import list_values
from shanhai.db.proposals.queries import about_target
from shanhai_api.dependencies import DayQuery, Reader, Writer
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.body import JsonBody
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import IfMatch, Read, Write
from shanhai_api.negotiation import HTML, JSON
from shanhai_api.plans import operations, pages
from shanhai_api.plans.judged_models import (
    PlanConformance,
    PlanEvaluation,
    PlanProgress,
    StoredEvaluation,
    StoredEvaluations,
    stamp_of,
)
from shanhai_api.plans.models import IndicatorTargets, IndicatorValues, ValueRecorded
from shanhai_api.plans.schemas import (
    EvaluationBody,
    EvaluationQuery,
    ProgressQuery,
    RegionQuery,
    StoredListQuery,
    StoredQuery,
    TargetsBody,
    TargetsQuery,
    ValueBody,
    ValuesQuery,
)

router = APIRouter(tags=["indicators"], route_class=Route)
PLAN = "/plans/{plan}"
INDICATOR = f"{PLAN}/indicators/{{indicator}}"


@router.get(f"{INDICATOR}/targets", summary="Base and targets of an indicator in a region")
async def show_targets(
    read: Read[Reader], plan: str, indicator: str, query: Annotated[TargetsQuery, Query()]
) -> Answer[IndicatorTargets]:
    """Show the figures the plan states for the region, or stated on a day."""
    session, caller = read.session, read.caller
    seen, listed = await operations.find_listed(session, caller, plan, indicator, query.as_of)
    place = await find_place(session, seen, query.region, pointer="region")
    rows = await read_targets(
        session, seen.id, indicators=[listed.id], region_id=place.id, as_of=query.as_of
    )
    found = await about_target(session, caller.viewer, seen.id, listed.code, place.code)
    shown = IndicatorTargets.of(seen, listed, place, rows, found, read)
    page = pages.plain_page(read, pages.TARGETS, shown, "targets")
    return Answer(shown, page=page, state=state_of_targets(rows))


@router.put(f"{INDICATOR}/targets", summary="State base and targets of an indicator in a region")
async def put_targets(
    write: Write[Writer],
    plan: str,
    indicator: str,
    query: Annotated[RegionQuery, Query()],
    expected: IfMatch,
    body: JsonBody[TargetsBody],
) -> Answer[IndicatorTargets]:
    """Put these figures in the place of those there are."""
    what = (plan, indicator, query.region)
    return await operations.rewrite_targets(write, what, body, expected)


@router.get(f"{INDICATOR}/values", summary="Observed values of an indicator in a region")
async def show_values(
    read: Read[Reader], plan: str, indicator: str, query: Annotated[ValuesQuery, Query()]
) -> Answer[IndicatorValues]:
    """Show all that was recorded; of a year's values the newest counts."""
    seen, listed = await operations.find_listed(
        read.session, read.caller, plan, indicator, query.as_of
    )
    place = await find_place(read.session, seen, query.region, pointer="region")
    before = None
    if query.before is not None:
        year, _, row_id = query.before.partition("-")
        before = (int(year), int(row_id))
    rows = await list_values(
        read.session,
        listed,
        place,
        year=query.year,
        limit=query.limit + 1,
        before=before,
        as_of=query.as_of,
    )
    page = rows[: query.limit]
    last = page[-1].row if len(rows) > query.limit else None
    following = None if last is None else f"{last.year}-{last.id}"
    shown = IndicatorValues.of(seen, listed, place, page, following, read)
    return Answer(shown, page=pages.plain_page(read, pages.VALUES, shown, "values"))


@router.post(f"{INDICATOR}/values", summary="Record a value of an indicator", status_code=201)
async def post_value(
    write: Write[Writer], plan: str, indicator: str, body: JsonBody[ValueBody]
) -> Answer[ValueRecorded]:
    """Record a value; a correction is another value of the year."""
    return await operations.record_value(write, plan, indicator, body)


@router.get(f"{PLAN}/progress", summary="How the indicators of a plan stand")
async def show_progress(
    read: Read[Reader], plan: str, query: Annotated[ProgressQuery, Query()]
) -> Answer[PlanProgress]:
    """Judge the values of a region against the plan's targets."""
    session = read.session
    seen = await find_plan(session, plan, read.caller.viewer, query.as_of)
    place = await find_place(session, seen, query.region, pointer="region")
    if query.department is not None:
        await find_party(session, query.department, pointer="department")
    year = query.year or operations.year_of(query.as_of)
    indicators = await list_indicators(session, seen, department=query.department)
    rows = await judged_rows(session, seen, indicators, [place], year)
    summary = summary_of(rows)
    shown = PlanProgress.of(seen, place, year, read, summary=summary, indicators=rows)
    content = {"rows": rows, "summary": summary}
    return Answer(shown, page=pages.judged_page(read, content, JSON, HTML))


@router.get(f"{PLAN}/conformance", summary="A plan's targets beside those of the plan above")
async def show_conformance(
    read: Read[Reader], plan: str, query: Annotated[DayQuery, Query()]
) -> Answer[PlanConformance]:
    """Tell where the plan asks for less than the plan above it."""
    seen = await find_plan(read.session, plan, read.caller.viewer, query.as_of)
    upper = await upper_plan_of(read.session, seen, read.caller.viewer)
    compared = [] if upper is None else await compare_targets(read.session, seen, upper)
    shown = PlanConformance.of(seen, upper, compared, read)
    lines = [shown.verdict_zh if read.lang == "zh" else shown.verdict_en]
    page = pages.plain_page(read, pages.CONFORMANCE, shown, "targets", pages.compared_rows, lines)
    return Answer(shown, page=page)


@router.get(f"{PLAN}/evaluation", summary="The evaluation of a year, what is missed first")
async def show_evaluation(
    read: Read[Reader], plan: str, query: Annotated[EvaluationQuery, Query()]
) -> Answer[PlanEvaluation] | Response:
    """Evaluate a year by region and department as JSON, page, CSV or DOCX."""
    seen = await find_plan(read.session, plan, read.caller.viewer, query.as_of)
    asked = EvaluationScope(query.year, query.region, query.department)
    content = await evaluate(read.session, seen, asked)
    return await operations.show_table(read, PlanEvaluation.of(seen, content, read), content)


@router.post(f"{PLAN}/evaluations", summary="Store the evaluation of a year", status_code=201)
async def post_evaluation(
    write: Write[Writer], plan: str, body: JsonBody[EvaluationBody]
) -> Answer[StoredEvaluation]:
    """Store the evaluation as it is now; it never changes."""
    return await operations.store_evaluation(write, plan, body)


@router.get(f"{PLAN}/evaluations", summary="The stored evaluations of a plan")
async def show_evaluations(
    read: Read[Reader], plan: str, query: Annotated[StoredListQuery, Query()]
) -> Answer[StoredEvaluations]:
    """List the stored evaluations, the newest first."""
    seen = await find_plan(read.session, plan, read.caller.viewer, query.as_of)
    rows = await list_snapshots(
        read.session, seen, year=query.year, limit=query.limit + 1, before=query.before
    )
    page = rows[: query.limit]
    following = page[-1][0].id if len(rows) > query.limit else None
    shown = StoredEvaluations.of(seen, page, following, read)
    return Answer(shown, page=pages.plain_page(read, pages.STORED, shown, "evaluations"))


@router.get(f"{PLAN}/evaluations/{{evaluation}}", summary="A stored evaluation")
async def show_stored(
    read: Read[Reader], plan: str, evaluation: str, query: Annotated[StoredQuery, Query()]
) -> Answer[StoredEvaluation] | Response:
    """Show an evaluation as it was stored."""
    seen = await find_plan(read.session, plan, read.caller.viewer)
    row = await find_snapshot(read.session, seen, evaluation)
    shown = StoredEvaluation.of(seen, row, read)
    return await operations.show_table(read, shown, row.content, stamp_of(row))
