"""Targets of a plan: what is revisable changes in the plan, what is fixed in a new edition."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.indicators import PLAN_INDICATORS
from shanhai.db.editions.creation import Edition, begin_edition, find_worked_on
from shanhai.db.features.input_validation import broken_body
from shanhai.db.features.permissions import demand_role, editing_of
from shanhai.db.identity import EVERYTHING, Identity
from shanhai.db.indicators.plan_indicators import (
    Listed,
    PlanRegion,
    PlanSeen,
    find_indicator,
    find_place,
    find_plan,
)
from shanhai.db.indicators.targets import (
    Rewriting,
    StatedFigure,
    checked_figures,
    describe_target,
    hold_targets,
    read_targets,
    state_targets,
    touches_fixed,
)
from shanhai.db.proposals.object_revisions import demand_in_force
from shanhai.db.proposals.subjects import (
    BaseState,
    Field,
    Members,
    ProposalSubject,
    demand_bounded,
    demand_difference,
    moved,
)
from shanhai.db.queries.audit import Act
from shanhai.db.tables.indicator import IndicatorTarget
from shanhai.db.tables.plan import Proposal
from shanhai.errors import Conflict, InvalidInput

KEY = ("role", "year")
Row = Sequence[IndicatorTarget]


def figure_as_json(figure: StatedFigure) -> dict[str, Any]:
    """A figure as a proposal keeps it."""
    value = None if figure.value is None else str(figure.value)
    return {name: item for name, item in {**asdict(figure), "value": value}.items() if item}


def figures_of(change: Members) -> list[StatedFigure]:
    """The figures a proposal keeps."""
    found = []
    for kept in change["targets"]:
        value = kept.get("value")
        decimal = None if value is None else Decimal(value)
        found.append(StatedFigure(**{"year": None, **kept, "value": decimal}))
    return found


@dataclass(frozen=True, slots=True)
class Targets:
    """The figures of an indicator of an approved plan in a region."""

    async def find(
        self, session: AsyncSession, identity: Identity, subject: ProposalSubject
    ) -> BaseState:
        """The figures; errors as in `Revisable`."""
        plan = await find_plan(session, subject.plan or "", identity.viewer)
        demand_in_force(plan.code, plan.status)
        listed = await find_indicator(session, plan, subject.indicator or "")
        place = await find_place(session, plan, subject.region, pointer="/revises/region")
        rows = await _rows(session, plan, listed, place)
        named = {"plan": plan.code, "indicator": listed.code, "region": place.code}
        return BaseState(named, plan.id, plan.id, plan.id, place.id, _members(plan, rows))

    async def compare(
        self, session: AsyncSession, identity: Identity, base: BaseState, change: Members
    ) -> Sequence[Field]:
        """What would differ; errors as in `Revisable`."""
        demand_bounded(change)
        plan = await find_plan(session, base.subject["plan"], EVERYTHING)
        listed = await find_indicator(session, plan, base.subject["indicator"])
        try:
            wanted = checked_figures(listed, figures_of(change))
        except InvalidInput as error:
            raise broken_body([moved(fault) for fault in error.faults]) from error
        new = {_name(asdict(figure)): _figure_members(figure) for figure in wanted}
        old = {name: item for name, item in base.members.items() if name != "status"}
        names = [*old, *(name for name in new if name not in old)]
        fields = [
            {"field": name, "old": old.get(name), "new": new.get(name)}
            for name in names
            if old.get(name) != new.get(name)
        ]
        return demand_difference(fields)

    async def read_now(self, session: AsyncSession, proposal: Proposal) -> Members | None:
        """What the plan states now."""
        plan, listed, place = await _place(session, proposal, proposal.subject["plan"])
        return _members(plan, await _rows(session, plan, listed, place))

    async def carry_out(
        self, session: AsyncSession, identity: Identity, act: Act, proposal: Proposal
    ) -> int:
        """State the figures, in an edition where fixed ones change; errors as in `Revisable`."""
        plan, listed, place = await _place(session, proposal, proposal.subject["plan"])
        editing = editing_of(PLAN_INDICATORS, identity, "update")
        demand_role(identity, editing.roles, place.id)
        figures = figures_of(proposal.change)
        if touches_fixed(listed, await _rows(session, plan, listed, place), figures):
            edition = await _edition(session, identity, act, proposal)
            plan, listed, place = await _place(session, proposal, edition.code)
        reason = f"{proposal.title}: {proposal.reason}"
        what = Rewriting(plan, listed, place, act, reason, proposal.code)
        await state_targets(session, what, figures, expected=None)
        return plan.id


async def _edition(
    session: AsyncSession, identity: Identity, act: Act, proposal: Proposal
) -> Edition:
    """The draft that is worked on, if it still states what is to be revised, or a new one.

    Raises:
        Conflict: that edition is submitted, or states other figures already.
    """
    present = await find_worked_on(session, proposal.base_id)
    if present is None:
        return await begin_edition(session, identity, act, proposal.base_id, {})
    plan, listed, place = await _place(session, proposal, present.code)
    stated = _members(plan, await _rows(session, plan, listed, place))
    same = {**stated, "status": None} == {**proposal.base, "status": None}
    if present.status == "draft" and same:
        return present
    raise Conflict(
        f"{present.code!r}, an edition of the plan, is {present.status}"
        + ("" if same else " and states other figures for it already"),
        message_zh=f"规划新版 {present.code!r} 状态为 {present.status}"
        + ("" if same else "，且已另行规定该指标"),
    )


async def _place(
    session: AsyncSession, proposal: Proposal, plan_code: str
) -> tuple[PlanSeen, Listed, PlanRegion]:
    plan = await find_plan(session, plan_code, EVERYTHING)
    listed = await find_indicator(session, plan, proposal.subject["indicator"])
    place = await find_place(session, plan, proposal.subject["region"], pointer="/revises/region")
    return plan, listed, place


async def _rows(session: AsyncSession, plan: PlanSeen, listed: Listed, place: PlanRegion) -> Row:
    await hold_targets(session, plan.id, listed.id)
    return await read_targets(session, plan.id, indicators=[listed.id], region_id=place.id)


def _members(plan: PlanSeen, rows: Row) -> Members:
    told = [describe_target(row) for row in rows]
    return {"status": plan.status, **{_name(item): _told(item) for item in told}}


def _figure_members(figure: StatedFigure) -> dict[str, Any]:
    # As the row would be described that is made of it.
    row = IndicatorTarget(
        role=figure.role,
        year=figure.year,
        value=figure.value,
        comparator_printed=figure.comparator,
        sense=figure.sense,
        cumulative_from=figure.cumulative_from,
        revisable=figure.revisable,
        source=figure.source,
        attrs={},
    )
    return _told(describe_target(row))


def _name(told: Members) -> str:
    year = told["year"]
    return told["role"] if year is None else f"{told['role']} {year}"


def _told(told: Members) -> dict[str, Any]:
    return {name: item for name, item in told.items() if name not in {*KEY, "revisions"}}
