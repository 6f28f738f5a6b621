"""`/plans/{plan}/editions`, `/plans/{plan}/compare` and `/plans/{plan}/projects`."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Self

from fastapi import APIRouter, Query
from pydantic import Field

from shanhai.db.collections.joint_plans import read_content
from shanhai.db.collections.plans import PLANS
from shanhai.db.editions.comparison import (
    Altered,
    EditionDifference,
    EditionObject,
    compare_editions,
)
from shanhai.db.editions.creation import begin_edition
from shanhai.db.editions.lineage import (
    EditionProject,
    EditionRow,
    beside,
    list_editions,
    list_members,
    note_member,
)
from shanhai.db.features.input_validation import broken_body, read_draft
from shanhai.db.indicators.plan_indicators import PlanSeen, find_plan
from shanhai.db.proposals.subjects import moved
from shanhai.errors import InvalidInput
from shanhai.validation import Remark
from shanhai.vocabulary import PLAN_STATUSES, Label, label_in
from shanhai_api.kit.answers import Answer, Answered, Document, Link, Maybe
from shanhai_api.kit.body import Body, JsonBody
from shanhai_api.kit.dependencies import DayQuery, IfMatch, Read, Reader, Write, Writer
from shanhai_api.kit.routing import Route
from shanhai_api.kit.view import View
from shanhai_api.plans import answers
from shanhai_api.plans.answers import plan_item
from shanhai_api.projects.models import AmountText
from shanhai_api.words.naming import project_state
from shanhai_api.zones.models import km2


class EditionListed(Answered):
    """An edition, its state, and the days on which it is in force."""

    code: str
    name: str
    edition: int
    version: int
    status: answers.PlanStatus
    status_name: str
    supersedes: str | None = Field(description="Code of the edition whose place it takes")
    begun_on: date
    in_force_from: date | None
    in_force_to: date | None = Field(description="The first day on which it no longer is")
    links: list[Link]

    @classmethod
    def of(cls, row: EditionRow, plan: PlanSeen, view: View) -> Self:
        """An edition as a list has it."""
        return cls.from_row(
            row,
            name=Label(row.name_zh, row.name_en).in_(view.lang),
            status_name=label_in(PLAN_STATUSES, row.status, view.lang),
            links=[view.link(answers.plan_item(row.code), "item", **plan.day)],
        )


class PlanEditions(answers.OfPlan):
    """The editions of a plan, the first first."""

    template = "editions.html"

    lineage: str = Field(description="Code of the first edition")
    editions: list[EditionListed]
    links: list[Link]

    @classmethod
    def of(cls, plan: PlanSeen, rows: Sequence[EditionRow], view: View) -> Self:
        """The editions a reader may know of."""
        return cls.about(
            plan,
            lineage=rows[0].lineage if rows else plan.code,
            editions=[EditionListed.of(row, plan, view) for row in rows],
            links=answers.plan_links(view, plan),
        )


class EditionBegun(Document):
    """A draft that was begun."""

    code: str
    status: answers.PlanStatus


class ProjectInEdition(Answered):
    """A project and its programme in an edition."""

    code: str
    name: str
    state: str
    state_name: str
    programme: str | None
    carried: bool = Field(description="Whether it comes from the plan the edition follows")
    links: list[Link]

    @classmethod
    def of(cls, member: EditionProject, plan: PlanSeen, view: View) -> Self:
        """A project as the list of an edition has it."""
        return cls.from_row(
            member,
            name=Label(member.name_zh, member.name_en).in_(view.lang),
            state_name=project_state(member.state, view.lang),
            links=[view.link(answers.item_path(member.code), "item", **plan.day)],
        )


class EditionProjects(answers.OfPlan, answers.Titled):
    """The projects of an edition."""

    projects: list[ProjectInEdition]
    links: list[Link]

    @classmethod
    def of(cls, plan: PlanSeen, members: Sequence[EditionProject], view: View) -> Self:
        """The projects a reader may know of."""
        title = Label(f"{plan.name.zh}：项目", f"{plan.name.en}: projects")
        return cls.about(
            plan,
            title=title.in_(view.lang),
            projects=[ProjectInEdition.of(member, plan, view) for member in members],
            links=answers.plan_links(view, plan),
        )


class ComparedEdition(Answered):
    """One of the two editions."""

    code: str
    name: str
    status: answers.PlanStatus
    status_name: str

    @classmethod
    def of(cls, plan: PlanSeen, view: View) -> Self:
        """An edition by its name."""
        status_name = label_in(PLAN_STATUSES, plan.status, view.lang)
        return cls.from_row(plan, name=plan.name.in_(view.lang), status_name=status_name)


class EditionSums(Answered):
    """What the objects of a kind come to in an edition."""

    count: int
    drawn: int = Field(description="How many of them have an area")
    area_km2: float | None
    cost: Maybe[AmountText] = Field(None, description="Of projects not given up; not public")

    @classmethod
    def of(cls, parts: Sequence[EditionObject], *, with_money: bool) -> Self:
        """The sums of objects."""
        areas = [part.area_m2 for part in parts if part.area_m2 is not None]
        costs = [part.cost for part in parts if part.cost is not None]
        return cls(
            count=len(parts),
            drawn=len(areas),
            area_km2=km2(sum(areas)) if areas else None,
            cost=str(sum(costs, Decimal(0))) if with_money and costs else None,
        )


class ComparedObject(Answered):
    """An object that one of the editions has."""

    code: str
    name: str
    area_km2: float | None

    @classmethod
    def of(cls, part: EditionObject, view: View, **more: Any) -> Self:
        """An object by its name."""
        return cls(
            code=part.code, name=part.name.in_(view.lang), area_km2=km2(part.area_m2), **more
        )


class MemberInBoth(Answered):
    """A member of an object as both editions have it."""

    before: Any = Field(alias="from", description="Any JSON, as the member is declared")
    to: Any = Field(description="Any JSON, as the member is declared")


class AlteredObject(ComparedObject):
    """An object that differs between the editions."""

    former: str = Field(description="Its code in the former edition")
    former_area_km2: float | None
    redrawn: bool
    members: dict[str, MemberInBoth] = Field(description="The members that differ, by name")

    @classmethod
    def altered(cls, pair: Altered, view: View) -> Self:
        """An object with what differs."""
        return cls.of(
            pair.after,
            view,
            former=pair.before.code,
            former_area_km2=km2(pair.before.area_m2),
            redrawn=pair.redrawn,
            members={
                name: MemberInBoth(before=old, to=new) for name, (old, new) in pair.members.items()
            },
        )


class ComparedKind(Answered):
    """What differs of the objects of a kind."""

    collection: str
    title: str
    before: EditionSums
    after: EditionSums
    added: list[ComparedObject]
    dropped: list[ComparedObject]
    changed: list[AlteredObject]
    unchanged: int

    @classmethod
    def of(cls, kind: EditionDifference, view: View, *, with_money: bool) -> Self:
        """What differs of a kind."""
        return cls(
            collection=kind.kind,
            title=kind.title.in_(view.lang),
            before=EditionSums.of(kind.before, with_money=with_money),
            after=EditionSums.of(kind.after, with_money=with_money),
            added=[ComparedObject.of(part, view) for part in kind.added],
            dropped=[ComparedObject.of(part, view) for part in kind.dropped],
            changed=[AlteredObject.altered(pair, view) for pair in kind.changed],
            unchanged=len(kind.after) - len(kind.added) - len(kind.changed),
        )


class EditionComparison(answers.DayTold):
    """What differs between two editions, kind by kind."""

    template = "edition_comparison.html"

    before: ComparedEdition = Field(alias="from")
    to: ComparedEdition
    area_method: answers.AreaMethod = answers.GEODESIC
    same: bool
    parts: list[ComparedKind]
    links: list[Link]

    @classmethod
    def of(
        cls,
        first: PlanSeen,
        second: PlanSeen,
        compared: Sequence[EditionDifference],
        view: View,
        *,
        with_money: bool,
    ) -> Self:
        """What a reader may know of the difference."""
        return cls(
            **answers.day_of(second),
            before=ComparedEdition.of(first, view),
            to=ComparedEdition.of(second, view),
            same=not any(kind.added or kind.dropped or kind.changed for kind in compared),
            parts=[ComparedKind.of(kind, view, with_money=with_money) for kind in compared],
            links=answers.plan_links(view, second),
        )


class NewEdition(Body):
    """An edition that is to take the place of a plan."""

    note: Remark = Field(description="Why the plan is revised")
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


class Membership(Body):
    """Where a project stands in a draft."""

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
    try:
        await read_draft(PLANS, {"properties": body.change}, whole=False)
        made = await begin_edition(
            write.session, write.caller, write.act, seen.id, body.change, note=body.note
        )
    except InvalidInput as error:
        raise broken_body([moved(fault) for fault in error.faults]) from error
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
    with_money = viewer.is_member(seen.region_ids) and viewer.is_member(second.region_ids)
    return EditionComparison.of(seen, second, compared, read, with_money=with_money)


@router.get(f"{PLAN}/projects", summary="The projects in an edition of a plan")
async def show_members(read: Read[Reader], plan: str, query: OfDay) -> Answer[EditionProjects]:
    """List the projects with their programmes there, those carried from the plan it follows too."""
    seen = await find_plan(read.session, plan, read.caller.viewer, query.as_of)
    members = await list_members(read.session, read.caller.viewer, seen.id, query.as_of)
    # The state of today would let somebody who read a former day write over what came since.
    state = None if query.as_of else await read_content(read.session, seen.id)
    return Answer(EditionProjects.of(seen, members, read), state=state)


@router.put(
    f"{PLAN}/projects/{{project}}",
    summary="Put a carried project into a programme of a draft",
    status_code=204,
)
async def put_member(
    write: Write[Writer], plan: str, project: str, expected: IfMatch, body: JsonBody[Membership]
) -> None:
    """Keep a project of the plan it follows, in this programme of the draft."""
    caller, programme = write.caller, body.programme
    await note_member(
        write.session, caller, write.act, plan, project, programme=programme, expected=expected
    )


@router.delete(
    f"{PLAN}/projects/{{project}}",
    summary="Drop a carried project from a draft",
    status_code=204,
)
async def drop_member(write: Write[Writer], plan: str, project: str, expected: IfMatch) -> None:
    """Leave a project with the plan it follows; the project itself stays as it is."""
    await note_member(
        write.session, write.caller, write.act, plan, project, dropped=True, expected=expected
    )
