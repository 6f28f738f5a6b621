"""`/projects/{project}/…`: steps, measures and money."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response

from shanhai.db.projects.funds import list_balances, list_entries
from shanhai.db.projects.links import put_problems, put_regions
from shanhai.db.projects.measures import (
    MeasureRecord,
    find_measure,
    list_measures,
    put_measure,
    remove_measure,
)
from shanhai.db.projects.queries import find_project
from shanhai.db.projects.transitions import prospects, read_events
from shanhai_api.body_schema import body_of
from shanhai_api.dependencies import (
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
from shanhai_api.preconditions import expected_states
from shanhai_api.projects import documents, operations
from shanhai_api.projects.answers import MADE, PUT, READ, REMOVED, WRITTEN
from shanhai_api.projects.dossier import dossier
from shanhai_api.projects.schemas import (
    EventsQuery,
    FundEntryBody,
    MeasureBody,
    NewMeasureBody,
    ProblemsBody,
    RegionsBody,
    TransitionBody,
)

router = APIRouter(tags=["projects"])
PROJECT = "/projects/{project}"
Parameters = Annotated[PageQuery, Query()]


@router.get(PROJECT, summary="All that is known of a project", responses=READ)
async def show_project(
    view: TheView, caller: Reader, project: str, query: Parameters, session: ReadSession
) -> Response:
    """Show the way of a project, what can be done now, its measures, money, papers and past."""
    seen = await find_project(session, project, caller.viewer)
    document = await dossier(session, view, caller, seen)
    return view.respond(document, template="project.html")


@router.get(f"{PROJECT}/transitions", summary="What can be done with a project", responses=READ)
async def show_transitions(
    view: TheView, caller: Reader, project: str, query: Parameters, session: ReadSession
) -> Response:
    """Tell the steps that can be taken now, and why the others cannot."""
    seen = await find_project(session, project, caller.viewer)
    found = await prospects(session, seen, caller)
    label = await operations.state_label(session, seen)
    document = documents.transitions_document(view, seen, label, found)
    return view.respond(document, state=seen.tag)


@router.post(
    f"{PROJECT}/transitions",
    summary="Take a step of a project",
    status_code=201,
    openapi_extra=body_of(TransitionBody),
    responses=MADE,
)
async def take_transition(
    request: Request,
    view: TheView,
    caller: Writer,
    project: str,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Move a project to another state, if its guard lets it."""
    body = await read_json(request)
    wanted = parse(TransitionBody, body.value)
    return await operations.answer_once(
        request,
        unit,
        caller,
        body.sha256,
        lambda: operations.step(request, view, caller, unit, project, wanted),
    )


@router.get(f"{PROJECT}/events", summary="The steps a project took", responses=READ)
async def show_events(
    view: TheView,
    caller: Reader,
    project: str,
    query: Annotated[EventsQuery, Query()],
    session: ReadSession,
) -> Response:
    """List the steps a project took, from the first one on."""
    seen = await find_project(session, project, caller.viewer)
    found = await read_events(session, seen.id, after=query.after, limit=query.limit + 1)
    page = found[: query.limit]
    links = [*documents.here_links(view), view.link(documents.item_path(seen.code), "up")]
    if len(found) > query.limit:
        following = view.here(after=str(page[-1].seq))
        links.append({"href": following, "rel": "next", "type": JSON.media_type})
    return view.respond(
        {
            "project": seen.code,
            "events": [documents.describe_event(item, caller, view) for item in page],
            "numberReturned": len(page),
            "links": links,
        }
    )


@router.get(f"{PROJECT}/events/{{seq}}", summary="A step a project took", responses=READ)
async def show_event(
    view: TheView,
    caller: Reader,
    project: str,
    seq: int,
    query: Parameters,
    session: ReadSession,
) -> Response:
    """Show one step a project took."""
    seen = await find_project(session, project, caller.viewer)
    after = min(max(seq - 1, 0), 2**31 - 1)
    event = operations.one_event(await read_events(session, seen.id, after=after, limit=1), seq)
    path = f"{documents.project_path(seen.code)}/events"
    links = [*view.self_links(f"{path}/{seq}"), view.link(path, "up")]
    return view.respond({**documents.describe_event(event, caller, view), "links": links})


@router.get(f"{PROJECT}/measures", summary="The measures of a project", responses=READ)
async def show_measures(
    view: TheView, caller: Reader, project: str, query: Parameters, session: ReadSession
) -> Response:
    """List what a project does, with planned and done amounts."""
    seen = await find_project(session, project, caller.viewer)
    found = await list_measures(session, seen.id)
    return view.respond(
        {
            "project": seen.code,
            "measures": [documents.describe_measure(item) for item in found],
            "links": [
                *documents.here_links(view),
                view.link(documents.item_path(seen.code), "up"),
            ],
        },
        state=seen.tag,
    )


@router.post(
    f"{PROJECT}/measures",
    summary="Add a measure to a project",
    status_code=201,
    openapi_extra=body_of(NewMeasureBody),
    responses=MADE,
)
async def post_measure(
    request: Request,
    view: TheView,
    caller: Writer,
    project: str,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Add a measure the project has not yet."""
    body = await read_json(request)
    wanted = parse(NewMeasureBody, body.value)
    return await operations.answer_once(
        request,
        unit,
        caller,
        body.sha256,
        lambda: operations.create_measure(view, caller, unit, project, wanted),
    )


@router.get(f"{PROJECT}/measures/{{measure}}", summary="A measure of a project", responses=READ)
async def show_measure(
    view: TheView,
    caller: Reader,
    project: str,
    measure: str,
    query: Parameters,
    session: ReadSession,
) -> Response:
    """Show one measure of a project."""
    seen = await find_project(session, project, caller.viewer)
    found = await find_measure(session, seen, measure)
    return view.respond(documents.measure_document(view, seen, found), state=seen.tag)


@router.put(
    f"{PROJECT}/measures/{{measure}}",
    summary="Write a measure of a project",
    openapi_extra=body_of(MeasureBody),
    responses=PUT,
)
async def write_measure(
    request: Request,
    view: TheView,
    caller: Writer,
    project: str,
    measure: str,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Write a measure in the place of the one there is, or as a new one."""
    expected = expected_states(request)
    body = parse(MeasureBody, (await read_json(request)).value)
    wanted = MeasureRecord(measure=measure, **body.model_dump())
    written, new = await put_measure(
        unit.session, project, caller, act_of(caller, view), wanted, expected=expected
    )
    seen = await find_project(unit.session, project, caller.viewer)
    document = documents.measure_document(view, seen, written)
    headers = {**operations.NO_STORE, **({"Location": document["links"][0]["href"]} if new else {})}
    return view.respond(
        document, formats=(JSON,), status=201 if new else 200, headers=headers, state=seen.tag
    )


@router.delete(
    f"{PROJECT}/measures/{{measure}}",
    summary="Take a measure off a project",
    status_code=204,
    responses=REMOVED,
)
async def delete_measure(
    request: Request,
    view: TheView,
    caller: Writer,
    project: str,
    measure: str,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Take a measure off a project that is not at work yet."""
    expected = expected_states(request)
    act = act_of(caller, view)
    await remove_measure(unit.session, project, caller, act, measure, expected=expected)
    return Response(status_code=204)


@router.get(f"{PROJECT}/funds", summary="The ledger of a project", responses=READ)
async def show_funds(
    view: TheView, caller: Reader, project: str, query: Parameters, session: ReadSession
) -> Response:
    """Show the entries of the ledger, and the balance by source and by year."""
    seen = await operations.see_ledger(session, project, caller)
    entries = await list_entries(session, seen.id)
    balances = await list_balances(session, seen.id)
    return view.respond(documents.ledger_document(view, seen, entries, balances))


@router.post(
    f"{PROJECT}/funds",
    summary="Move money of a project",
    status_code=201,
    openapi_extra=body_of(FundEntryBody),
    responses=MADE,
)
async def post_funds(
    request: Request,
    view: TheView,
    caller: Writer,
    project: str,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Allocate money to a project, pay some of it, or give it back."""
    body = await read_json(request)
    wanted = parse(FundEntryBody, body.value)
    return await operations.answer_once(
        request,
        unit,
        caller,
        body.sha256,
        lambda: operations.make_entry(view, caller, unit, project, wanted),
    )


@router.put(
    f"{PROJECT}/problems",
    summary="Say which problems a project acts on",
    openapi_extra=body_of(ProblemsBody),
    responses=WRITTEN,
)
async def write_problems(
    request: Request,
    view: TheView,
    caller: Writer,
    project: str,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Put these problems in the place of those there are."""
    expected = expected_states(request)
    body = parse(ProblemsBody, (await read_json(request)).value)
    kept, tag = await put_problems(
        unit.session, project, caller, act_of(caller, view), body.problems, expected=expected
    )
    return _linked(project, "problems", kept, tag)


@router.put(
    f"{PROJECT}/regions",
    summary="Say which towns a project lies in",
    openapi_extra=body_of(RegionsBody),
    responses=WRITTEN,
)
async def write_regions(
    request: Request,
    view: TheView,
    caller: Writer,
    project: str,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Put these regions in the place of those there are."""
    expected = expected_states(request)
    body = parse(RegionsBody, (await read_json(request)).value)
    kept, tag = await put_regions(
        unit.session, project, caller, act_of(caller, view), body.regions, expected=expected
    )
    return _linked(project, "regions", kept, tag)


def _linked(project: str, member: str, codes: list[str], tag: str) -> Response:
    content = orjson.dumps({"project": project, member: codes})
    headers = {**operations.NO_STORE, "ETag": f'"{tag}"'}
    return Response(content, 200, headers, JSON.media_type)
