"""`/plans/{plan}/editions`, `/plans/{plan}/compare` and `/plans/{plan}/projects`."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from shanhai.db.collections.plans import PLANS
from shanhai.db.editions.comparison import compare_editions
from shanhai.db.editions.creation import begin_edition
from shanhai.db.editions.lineage import beside, list_editions, list_members, note_member
from shanhai.db.features.input_validation import read_draft
from shanhai.db.indicators.plan_indicators import find_plan
from shanhai.errors import InvalidInput
from shanhai.validation import Note
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.body import JsonBody
from shanhai_api.kit.dependencies import DayQuery, Read, Reader, Write, Writer
from shanhai_api.kit.routing import Route
from shanhai_api.plans.answers import plan_item
from shanhai_api.plans.edition_models import (
    EditionBegun,
    EditionComparison,
    EditionProjects,
    PlanEditions,
)


class NewEdition(BaseModel):
    """An edition that is to take the place of a plan."""

    model_config = ConfigDict(extra="forbid")

    note: Note = Field(description="Why the plan is revised")
    change: dict[str, Any] = Field(
        default_factory=dict, description="Members in which the edition differs; null empties one"
    )


class CompareQuery(DayQuery):
    """Parameters of a comparison."""

    other: str | None = Field(
        None,
        alias="with",
        max_length=80,
        description="Code of the edition it is compared with; default: the one it follows, or the"
        " one that follows it",
    )


class Membership(BaseModel):
    """Where a project stands in a draft."""

    model_config = ConfigDict(extra="forbid")

    programme: str | None = Field(
        max_length=80, description="Code of a programme of the draft; null for none"
    )


router = APIRouter(tags=["plans"], route_class=Route)
PLAN = "/plans/{plan}"
OfDay = Annotated[DayQuery, Query()]


@router.get(f"{PLAN}/editions", summary="The editions of a plan")
async def show_editions(read: Read[Reader], plan: str, query: OfDay) -> PlanEditions:
    """List the editions, from the first to the newest."""
    seen = await find_plan(read.session, plan, read.caller.viewer, query.as_of)
    rows = await list_editions(read.session, read.caller.viewer, seen.id, query.as_of)
    return PlanEditions.of(seen, rows, read)


@router.post(f"{PLAN}/editions", summary="Begin an edition of a plan", status_code=201)
async def create_edition(
    write: Write[Writer], plan: str, body: JsonBody[NewEdition]
) -> Answer[EditionBegun]:
    """Begin a draft with all the plan holds; approved, it takes the plan's place."""
    seen = await find_plan(write.session, plan, write.caller.viewer)
    changed = {"type": "Feature", "properties": body.change}
    change = await read_draft(PLANS, changed, whole=False)
    made = await begin_edition(
        write.session, write.caller, write.act, seen.id, change.values, note=body.note
    )
    begun = EditionBegun(code=made.code, status=made.status)
    return Answer(begun, location=plan_item(made.code))


@router.get(f"{PLAN}/compare", summary="What differs between two editions of a plan")
async def show_comparison(
    read: Read[Reader], plan: str, query: Annotated[CompareQuery, Query()]
) -> EditionComparison:
    """Tell what an edition adds, drops and changes, with areas and sums."""
    session, viewer = read.session, read.caller.viewer
    seen = await find_plan(session, plan, viewer, query.as_of)
    rows = await list_editions(session, viewer, seen.id, query.as_of)
    other = query.other or beside(rows, seen.code)
    if other is None:
        raise InvalidInput(
            f"there is no other edition of {plan!r} to compare with",
            message_zh=f"规划 {plan!r} 没有可比较的其他版本",
            pointer="with",
        )
    second = await find_plan(session, other, viewer, query.as_of)
    order = {row.code: row.edition for row in rows}
    if order.get(second.code, 0) < order[seen.code]:
        seen, second = second, seen
    compared = await compare_editions(session, viewer, seen.id, second.id, query.as_of)
    known = not read.caller.anonymous
    return EditionComparison.of(seen, second, compared, read, with_money=known)


@router.get(f"{PLAN}/projects", summary="The projects in an edition of a plan")
async def show_members(read: Read[Reader], plan: str, query: OfDay) -> EditionProjects:
    """List the projects with their programmes there, those carried from the plan it follows too."""
    seen = await find_plan(read.session, plan, read.caller.viewer, query.as_of)
    members = await list_members(read.session, read.caller.viewer, seen.id, query.as_of)
    return EditionProjects.of(seen, members, read)


@router.put(
    f"{PLAN}/projects/{{project}}",
    summary="Put a carried project into a programme of a draft",
    status_code=204,
)
async def put_member(
    write: Write[Writer], plan: str, project: str, body: JsonBody[Membership]
) -> None:
    """Keep a project of the plan it follows, in this programme of the draft."""
    caller, programme = write.caller, body.programme
    await note_member(write.session, caller, write.act, plan, project, programme=programme)


@router.delete(
    f"{PLAN}/projects/{{project}}",
    summary="Drop a carried project from a draft",
    status_code=204,
)
async def drop_member(write: Write[Writer], plan: str, project: str) -> None:
    """Leave a project with the plan it follows; the project itself stays as it is."""
    await note_member(write.session, write.caller, write.act, plan, project, dropped=True)
