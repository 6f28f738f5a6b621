"""`/plans/{plan}/…`: targets, values, progress and evaluation of a plan's indicators."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

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
from shanhai_api.body_schema import body_of
from shanhai_api.dependencies import (
    DayQuery,
    PageQuery,
    Reader,
    ReadSession,
    TheUnit,
    TheView,
    Writer,
    act_of,
)
from shanhai_api.kit.body import parse, read_json
from shanhai_api.negotiation import JSON
from shanhai_api.once import Made, once
from shanhai_api.plans import documents, operations, pages
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
from shanhai_api.preconditions import expected_states
from shanhai_api.projects.plan_documents import about_day

router = APIRouter(tags=["indicators"])
PLAN = "/plans/{plan}"
INDICATOR = f"{PLAN}/indicators/{{indicator}}"
TABLES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            item.media_type: {"schema": {"type": "string"}}
            for item in documents.TABLE_FORMATS
            if item is not JSON
        }
    }
}
"""What the definition says of tables besides that they are JSON."""
NO_STORE = {"Cache-Control": "no-store"}
Parameters = Annotated[PageQuery, Query()]


@router.get(f"{INDICATOR}/targets", summary="Base and targets of an indicator in a region")
async def show_targets(
    view: TheView,
    caller: Reader,
    plan: str,
    indicator: str,
    query: Annotated[TargetsQuery, Query()],
    session: ReadSession,
) -> Response:
    """Show the figures the plan states for the region, or stated on a day."""
    seen, listed = await operations.find_listed(session, caller, plan, indicator, query.as_of)
    place = await find_place(session, seen, query.region, pointer="region")
    rows = await read_targets(
        session, seen.id, indicators=[listed.id], region_id=place.id, as_of=query.as_of
    )
    found = await about_target(session, caller.viewer, seen.id, listed.code, place.code)
    document = documents.targets_document(view, seen, listed, place, rows, found)
    page = pages.plain_page(view, pages.TARGETS, document["targets"])
    return view.respond(document, template=pages.TEMPLATE, extra=page, state=state_of_targets(rows))


@router.put(
    f"{INDICATOR}/targets",
    summary="State base and targets of an indicator in a region",
    openapi_extra=body_of(TargetsBody),
)
async def put_targets(
    request: Request,
    view: TheView,
    caller: Writer,
    plan: str,
    indicator: str,
    query: Annotated[RegionQuery, Query()],
    unit: TheUnit,
) -> Response:
    """Put these figures in the place of those there are."""
    expected = expected_states(request)
    body = parse(TargetsBody, (await read_json(request)).value)
    what, rows = await operations.rewrite_targets(
        unit.session,
        caller,
        act_of(caller, view),
        (plan, indicator, query.region),
        body,
        expected=expected,
    )
    found = await about_target(
        unit.session, caller.viewer, what.plan.id, what.listed.code, what.place.code
    )
    document = documents.targets_document(view, what.plan, what.listed, what.place, rows, found)
    return view.respond(document, state=state_of_targets(rows), headers=NO_STORE)


@router.get(f"{INDICATOR}/values", summary="Observed values of an indicator in a region")
async def show_values(
    view: TheView,
    caller: Reader,
    plan: str,
    indicator: str,
    query: Annotated[ValuesQuery, Query()],
    session: ReadSession,
) -> Response:
    """Show all that was recorded; of a year's values the newest counts."""
    seen, listed = await operations.find_listed(session, caller, plan, indicator, query.as_of)
    place = await find_place(session, seen, query.region, pointer="region")
    before = None
    if query.before is not None:
        year, _, row_id = query.before.partition("-")
        before = (int(year), int(row_id))
    rows = await list_values(
        session,
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
    document = documents.values_document(view, seen, listed, place, page, following)
    shown = pages.plain_page(view, pages.VALUES, document["values"])
    return view.respond(document, template=pages.TEMPLATE, extra=shown)


@router.post(
    f"{INDICATOR}/values",
    summary="Record a value of an indicator",
    status_code=201,
    openapi_extra=body_of(ValueBody),
)
async def post_value(
    request: Request,
    view: TheView,
    caller: Writer,
    plan: str,
    indicator: str,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Record a value; a correction is another value of the year."""
    body = await read_json(request)
    new = parse(ValueBody, body.value)
    made = await once(
        request,
        unit,
        caller,
        body_sha256=body.sha256,
        effect=lambda: operations.record_value(
            unit.session, caller, view, act_of(caller, view), (plan, indicator), new
        ),
    )
    return _created(made)


@router.get(f"{PLAN}/progress", summary="How the indicators of a plan stand")
async def show_progress(
    view: TheView,
    caller: Reader,
    plan: str,
    query: Annotated[ProgressQuery, Query()],
    session: ReadSession,
) -> Response:
    """Judge the values of a region against the plan's targets."""
    seen = await find_plan(session, plan, caller.viewer, query.as_of)
    place = await find_place(session, seen, query.region, pointer="region")
    if query.department is not None:
        await find_party(session, query.department, pointer="department")
    year = query.year or operations.year_of(query.as_of)
    indicators = await list_indicators(session, seen, department=query.department)
    rows = await judged_rows(session, seen, indicators, [place], year)
    summary = summary_of(rows)
    document = documents.progress_document(view, seen, place, year, summary, rows)
    page = pages.judged_page(view, {"rows": rows, "summary": summary}, JSON)
    return view.respond(document, template=pages.TEMPLATE, extra=page)


@router.get(f"{PLAN}/conformance", summary="A plan's targets beside those of the plan above")
async def show_conformance(
    view: TheView,
    caller: Reader,
    plan: str,
    query: Annotated[DayQuery, Query()],
    session: ReadSession,
) -> Response:
    """Tell where the plan asks for less than the plan above it."""
    seen = await find_plan(session, plan, caller.viewer, query.as_of)
    upper = await upper_plan_of(session, seen, caller.viewer)
    compared = [] if upper is None else await compare_targets(session, seen, upper)
    document = documents.conformance_document(view, seen, upper, compared)
    page = pages.plain_page(view, pages.CONFORMANCE, pages.compared_rows(compared, view.lang))
    page["lines"] = [document[f"verdict_{view.lang}"]]
    return view.respond(document, template=pages.TEMPLATE, extra=page)


@router.get(
    f"{PLAN}/evaluation",
    summary="The evaluation of a year, what is missed first",
    responses=TABLES,
)
async def show_evaluation(
    view: TheView,
    caller: Reader,
    plan: str,
    query: Annotated[EvaluationQuery, Query()],
    session: ReadSession,
) -> Response:
    """Evaluate a year by region and department as JSON, page, CSV or DOCX."""
    seen = await find_plan(session, plan, caller.viewer, query.as_of)
    asked = EvaluationScope(query.year, query.region, query.department)
    content = await evaluate(session, seen, asked)
    return await operations.show_table(
        view, documents.evaluation_document(view, seen, content), content
    )


@router.post(
    f"{PLAN}/evaluations",
    summary="Store the evaluation of a year",
    status_code=201,
    openapi_extra=body_of(EvaluationBody),
)
async def post_evaluation(
    request: Request, view: TheView, caller: Writer, plan: str, query: Parameters, unit: TheUnit
) -> Response:
    """Store the evaluation as it is now; it never changes."""
    body = await read_json(request)
    wanted = parse(EvaluationBody, body.value)
    made = await once(
        request,
        unit,
        caller,
        body_sha256=body.sha256,
        effect=lambda: operations.store_evaluation(
            unit.session, caller, view, act_of(caller, view), plan, wanted
        ),
    )
    return _created(made)


@router.get(f"{PLAN}/evaluations", summary="The stored evaluations of a plan")
async def show_evaluations(
    view: TheView,
    caller: Reader,
    plan: str,
    query: Annotated[StoredListQuery, Query()],
    session: ReadSession,
) -> Response:
    """List the stored evaluations, the newest first."""
    seen = await find_plan(session, plan, caller.viewer, query.as_of)
    rows = await list_snapshots(
        session, seen, year=query.year, limit=query.limit + 1, before=query.before
    )
    page = rows[: query.limit]
    path = f"{documents.plan_path(seen.code)}/evaluations"
    links = [
        *documents.self_and_alternate(view),
        view.link(documents.item_of_plan(seen.code), "up", **seen.day),
    ]
    if len(rows) > query.limit:
        links.append({**view.link(path, "next"), "href": view.here(before=str(page[-1][0].id))})
    stored = [
        {
            **documents.stored_head(row),
            "region": region,
            "links": [view.link(f"{path}/{row.code}", "item", JSON.media_type)],
        }
        for row, region in page
    ]
    title = documents.stored_title(seen).in_(view.lang)
    of = {"plan": seen.code, **about_day(seen)}
    document = {"title": title, **of, "evaluations": stored, "links": links}
    shown = pages.plain_page(view, pages.STORED, stored)
    return view.respond(document, template=pages.TEMPLATE, extra=shown)


@router.get(f"{PLAN}/evaluations/{{evaluation}}", summary="A stored evaluation", responses=TABLES)
async def show_stored(
    view: TheView,
    caller: Reader,
    plan: str,
    evaluation: str,
    query: Annotated[StoredQuery, Query()],
    session: ReadSession,
) -> Response:
    """Show an evaluation as it was stored."""
    seen = await find_plan(session, plan, caller.viewer)
    row = await find_snapshot(session, seen, evaluation)
    document = documents.stored_document(view, seen, row)
    return await operations.show_table(view, document, row.content, documents.stamp_of(row))


def _created(made: Made) -> Response:
    return made.response(NO_STORE)
