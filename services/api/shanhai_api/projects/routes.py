"""`/projects/{project}/…`: steps, measures and money."""

from typing import Annotated

from fastapi import APIRouter, Query

from shanhai.db.projects.funds import list_balances, list_entries
from shanhai.db.projects.links import put_problems, put_regions
from shanhai.db.projects.measures import (
    MeasureRecord,
    find_measure,
    list_measures,
    remove_measure,
)
from shanhai.db.projects.queries import find_project
from shanhai.db.projects.transitions import prospects, read_events
from shanhai_api.dependencies import Reader, Writer
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.body import JsonBody
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import IfMatch, Read, Write
from shanhai_api.negotiation import JSON
from shanhai_api.projects import operations
from shanhai_api.projects.documents import here_links, item_path, project_path
from shanhai_api.projects.dossier import dossier
from shanhai_api.projects.models import (
    LedgerLineMade,
    Measure,
    Measures,
    MeasureShown,
    ProjectDossier,
    ProjectEvents,
    ProjectEventShown,
    ProjectHistory,
    ProjectLedger,
    ProjectProblems,
    ProjectRegions,
    ProjectSteps,
    ProjectStepTaken,
)
from shanhai_api.projects.schemas import (
    EventsQuery,
    FundEntryBody,
    MeasureBody,
    NewMeasureBody,
    ProblemsBody,
    RegionsBody,
    TransitionBody,
)

router = APIRouter(tags=["projects"], route_class=Route)
PROJECT = "/projects/{project}"


@router.get(PROJECT, summary="All that is known of a project")
async def show_project(read: Read[Reader], project: str) -> ProjectDossier:
    """Show the way of a project, what can be done now, its measures, money, papers and past."""
    seen = await find_project(read.session, project, read.caller.viewer)
    return await dossier(read.session, read, read.caller, seen)


@router.get(f"{PROJECT}/transitions", summary="What can be done with a project")
async def show_transitions(read: Read[Reader], project: str) -> Answer[ProjectSteps]:
    """Tell the steps that can be taken now, and why the others cannot."""
    seen = await find_project(read.session, project, read.caller.viewer)
    found = await prospects(read.session, seen, read.caller)
    label = await operations.state_label(read.session, seen)
    return Answer(ProjectSteps.of(seen, label, found, read), state=seen.tag)


@router.post(f"{PROJECT}/transitions", summary="Take a step of a project", status_code=201)
async def take_transition(
    write: Write[Writer], project: str, expected: IfMatch, body: JsonBody[TransitionBody]
) -> Answer[ProjectStepTaken]:
    """Move a project to another state, if its guard lets it."""
    return await operations.step(write, project, body, expected)


@router.get(f"{PROJECT}/events", summary="The steps a project took")
async def show_events(
    read: Read[Reader], project: str, query: Annotated[EventsQuery, Query()]
) -> ProjectEvents:
    """List the steps a project took, from the first one on."""
    seen = await find_project(read.session, project, read.caller.viewer)
    found = await read_events(read.session, seen.id, after=query.after, limit=query.limit + 1)
    page = found[: query.limit]
    links = [*here_links(read), read.link(item_path(seen.code), "up")]
    if len(found) > query.limit:
        following = read.here(after=str(page[-1].seq))
        links.append({"href": following, "rel": "next", "type": JSON.media_type})
    events = [ProjectHistory.of(item, read.caller, read) for item in page]
    return ProjectEvents(project=seen.code, events=events, returned=len(page), links=links)


@router.get(f"{PROJECT}/events/{{seq}}", summary="A step a project took")
async def show_event(read: Read[Reader], project: str, seq: int) -> ProjectEventShown:
    """Show one step a project took."""
    seen = await find_project(read.session, project, read.caller.viewer)
    after = min(max(seq - 1, 0), 2**31 - 1)
    found = await read_events(read.session, seen.id, after=after, limit=1)
    path = f"{project_path(seen.code)}/events"
    links = [*read.self_links(f"{path}/{seq}"), read.link(path, "up")]
    event = operations.one_event(found, seq)
    return ProjectEventShown.of(event, read.caller, read, links=links)


@router.get(f"{PROJECT}/measures", summary="The measures of a project")
async def show_measures(read: Read[Reader], project: str) -> Answer[Measures]:
    """List what a project does, with planned and done amounts."""
    seen = await find_project(read.session, project, read.caller.viewer)
    found = await list_measures(read.session, seen.id)
    measures = Measures(
        project=seen.code,
        measures=[Measure.from_row(item) for item in found],
        links=[*here_links(read), read.link(item_path(seen.code), "up")],
    )
    return Answer(measures, state=seen.tag)


@router.post(f"{PROJECT}/measures", summary="Add a measure to a project", status_code=201)
async def post_measure(
    write: Write[Writer], project: str, body: JsonBody[NewMeasureBody]
) -> Answer[MeasureShown]:
    """Add a measure the project has not yet."""
    return await operations.create_measure(write, project, body)


@router.get(f"{PROJECT}/measures/{{measure}}", summary="A measure of a project")
async def show_measure(read: Read[Reader], project: str, measure: str) -> Answer[MeasureShown]:
    """Show one measure of a project."""
    seen = await find_project(read.session, project, read.caller.viewer)
    found = await find_measure(read.session, seen, measure)
    return Answer(MeasureShown.of(seen.code, found, read), state=seen.tag)


@router.put(
    f"{PROJECT}/measures/{{measure}}",
    summary="Write a measure of a project",
    responses={201: {"model": MeasureShown, "description": "Made"}},
)
async def write_measure(
    write: Write[Writer],
    project: str,
    measure: str,
    expected: IfMatch,
    body: JsonBody[MeasureBody],
) -> Answer[MeasureShown]:
    """Write a measure in the place of the one there is, or as a new one."""
    wanted = MeasureRecord(measure=measure, **body.model_dump())
    return await operations.write_measure(write, project, wanted, expected)


@router.delete(
    f"{PROJECT}/measures/{{measure}}", summary="Take a measure off a project", status_code=204
)
async def delete_measure(
    write: Write[Writer], project: str, measure: str, expected: IfMatch
) -> None:
    """Take a measure off a project that is not at work yet."""
    await remove_measure(
        write.session, project, write.caller, write.act, measure, expected=expected
    )


@router.get(f"{PROJECT}/funds", summary="The ledger of a project")
async def show_funds(read: Read[Reader], project: str) -> ProjectLedger:
    """Show the entries of the ledger, and the balance by source and by year."""
    seen = await operations.see_ledger(read.session, project, read.caller)
    entries = await list_entries(read.session, seen.id)
    balances = await list_balances(read.session, seen.id)
    links = [*here_links(read), read.link(item_path(seen.code), "up")]
    return ProjectLedger.of_project(entries, balances, project=seen.code, links=links)


@router.post(f"{PROJECT}/funds", summary="Move money of a project", status_code=201)
async def post_funds(
    write: Write[Writer], project: str, body: JsonBody[FundEntryBody]
) -> Answer[LedgerLineMade]:
    """Allocate money to a project, pay some of it, or give it back."""
    return await operations.make_entry(write, project, body)


@router.put(f"{PROJECT}/problems", summary="Say which problems a project acts on")
async def write_problems(
    write: Write[Writer], project: str, expected: IfMatch, body: JsonBody[ProblemsBody]
) -> Answer[ProjectProblems]:
    """Put these problems in the place of those there are."""
    kept, tag = await put_problems(
        write.session, project, write.caller, write.act, body.problems, expected=expected
    )
    return Answer(ProjectProblems(project=project, problems=kept), headers=_tagged(tag))


@router.put(f"{PROJECT}/regions", summary="Say which towns a project lies in")
async def write_regions(
    write: Write[Writer], project: str, expected: IfMatch, body: JsonBody[RegionsBody]
) -> Answer[ProjectRegions]:
    """Put these regions in the place of those there are."""
    kept, tag = await put_regions(
        write.session, project, write.caller, write.act, body.regions, expected=expected
    )
    return Answer(ProjectRegions(project=project, regions=kept), headers=_tagged(tag))


def _tagged(state: str) -> dict[str, str]:
    """The state of the project itself, of which lists are a part: no tag of what is answered."""
    return {"ETag": f'"{state}"'}
