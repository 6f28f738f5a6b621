"""Revisions of plans, projects, programmes, zones and targets, in a draft or in the object."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.indicators import PLAN_INDICATORS
from shanhai.db.collections.plans import PLANS
from shanhai.db.collections.zones import ZONES
from shanhai.db.editions.creation import Edition, begin_edition, find_worked_on
from shanhai.db.features.entity import Entity
from shanhai.db.features.input_validation import broken_body
from shanhai.db.features.snapshots import Image, find_and_lock, lock
from shanhai.db.features.write import WriteTarget, update
from shanhai.db.identity import EVERYTHING, Identity, demand_role, editing_of
from shanhai.db.indicators import targets
from shanhai.db.indicators.plan_indicators import (
    Listed,
    PlanRegion,
    PlanSeen,
    find_indicator,
    find_place,
    find_plan,
)
from shanhai.db.proposals.subjects import (
    BaseState,
    Field,
    Members,
    ProposalSubject,
    compare_members,
    demand_bounded,
    demand_difference,
    members_of,
    moved,
    read_change,
)
from shanhai.db.queries.audit import Act
from shanhai.db.tables.indicator import IndicatorTarget
from shanhai.db.tables.plan import Proposal
from shanhai.db.zoning.schemes import SchemeVersion, begin_version, find_scheme
from shanhai.errors import Conflict, InvalidInput, NotFound

PLAN_FIXED = frozenset({"code", "status", "version", "region", "valid_from", "valid_to"})
PLAN_IN_FORCE = "approved"


def demand_in_force(code: str, status: str) -> None:
    """Refuse a plan that is not in force: a draft is simply edited, the rest is history.

    Raises:
        Conflict: it is not.
    """
    if status != PLAN_IN_FORCE:
        raise Conflict(
            f"the plan {code!r} is {status}: only an approved plan is revised by a proposal",
            message_zh=f"规划 {code!r} 状态为 {status}；仅已批准的规划须经修订建议",
        )


@dataclass(frozen=True, slots=True)
class Plans:
    """Plans in force."""

    async def find(
        self, session: AsyncSession, identity: Identity, subject: ProposalSubject
    ) -> BaseState:
        """The plan; errors as in `Revisable`."""
        code = subject.plan or ""
        image = None
        if "\x00" not in code:
            image = await find_and_lock(session, PLANS, code, identity.viewer, within={})
        if image is None:
            raise NotFound(f"there is no plan {code!r}", message_zh=f"没有规划 {code!r}")
        demand_in_force(code, image.values["status"])
        row_id, members = image.row_id, members_of(image)
        return BaseState({"plan": code}, row_id, row_id, row_id, image.region_id, members)

    async def compare(
        self, session: AsyncSession, identity: Identity, base: BaseState, change: Members
    ) -> Sequence[Field]:
        """What would differ; errors as in `Revisable`."""
        draft = await read_change(PLANS, change, PLAN_FIXED)
        return await compare_members(session, identity, PLANS, base, draft)

    async def read_now(self, session: AsyncSession, proposal: Proposal) -> Members | None:
        """What the plan says now."""
        image = await lock(session, PLANS, proposal.base_id)
        return None if image is None else members_of(image)

    async def carry_out(
        self, session: AsyncSession, identity: Identity, act: Act, proposal: Proposal
    ) -> int:
        """Begin an edition with the change; errors as in `Revisable`."""
        patch = {field["field"]: field["new"] for field in proposal.fields}
        return (await begin_edition(session, identity, act, proposal.base_id, patch)).id


RECORD_FIXED = frozenset({"code", "plan", "valid_from", "valid_to"})


@dataclass(frozen=True, slots=True)
class Records:
    """Objects that are revised where they stand; their former states are history."""

    kind: str
    entity: Entity

    async def find(
        self, session: AsyncSession, identity: Identity, subject: ProposalSubject
    ) -> BaseState:
        """The object; errors as in `Revisable`."""
        code = getattr(subject, self.kind)
        image = None
        if "\x00" not in code:
            image = await find_and_lock(session, self.entity, code, identity.viewer, within={})
        if image is None:
            raise NotFound(
                f"there is no {self.kind} {code!r}", message_zh=f"没有 {self.kind} {code!r}"
            )
        plan = text(f"SELECT plan_id FROM {self.entity.table} WHERE id = :row_id")  # noqa: S608 - a constant
        plan_id = await session.scalar(plan, {"row_id": image.row_id})
        row_id, members = image.row_id, members_of(image)
        return BaseState({self.kind: code}, row_id, row_id, plan_id, image.region_id, members)

    async def compare(
        self, session: AsyncSession, identity: Identity, base: BaseState, change: Members
    ) -> Sequence[Field]:
        """What would differ; errors as in `Revisable`."""
        draft = await read_change(self.entity, change, RECORD_FIXED)
        return await compare_members(session, identity, self.entity, base, draft)

    async def read_now(self, session: AsyncSession, proposal: Proposal) -> Members | None:
        """What the object says now."""
        image = await lock(session, self.entity, proposal.base_id)
        return None if image is None else members_of(image)

    async def carry_out(
        self, session: AsyncSession, identity: Identity, act: Act, proposal: Proposal
    ) -> int:
        """Write the change; errors as in `Revisable`."""
        draft = await read_change(self.entity, proposal.change, RECORD_FIXED)
        target = WriteTarget(proposal.subject[self.kind], row_id=proposal.base_id)
        written = await update(session, self.entity, identity, act, target, draft)
        return written.row_id


ZONE_FIXED = frozenset({"code", "scheme"})
SCHEME_IN_FORCE = "published"
_ZONE = text(
    "SELECT id FROM zone WHERE scheme_id = :scheme AND code = :zone AND deleted_at IS NULL"
)
_PLAN = text("SELECT plan_id FROM zone_scheme WHERE id = :scheme")


@dataclass(frozen=True, slots=True)
class ZoneRevisions:
    """Zones of published schemes."""

    async def find(
        self, session: AsyncSession, identity: Identity, subject: ProposalSubject
    ) -> BaseState:
        """The zone in the version in force; errors as in `Revisable`."""
        scheme = await find_scheme(session, identity.viewer, subject.scheme or "")
        if scheme.status != SCHEME_IN_FORCE:
            raise Conflict(
                f"version {scheme.version} of {scheme.code!r} is {scheme.status}: edit it; only"
                " what is published is revised by a proposal",
                message_zh=f"方案 {scheme.code!r} 第 {scheme.version} 版状态为 {scheme.status}，"
                "可直接编辑；仅已发布的方案须经修订建议",
            )
        image = await _zone(session, scheme.id, subject.zone or "")
        if image is None:
            raise NotFound(
                f"{scheme.code!r} has no zone {subject.zone!r}",
                message_zh=f"方案 {scheme.code!r} 没有分区 {subject.zone!r}",
            )
        named = {"scheme": scheme.code, "zone": image.code}
        plan_id = await session.scalar(_PLAN, {"scheme": scheme.id})
        members = _members(scheme, image)
        return BaseState(named, scheme.id, image.row_id, plan_id, scheme.region_id, members)

    async def compare(
        self, session: AsyncSession, identity: Identity, base: BaseState, change: Members
    ) -> Sequence[Field]:
        """What would differ; errors as in `Revisable`."""
        draft = await read_change(ZONES, change, ZONE_FIXED)
        return await compare_members(session, identity, ZONES, base, draft, in_place=False)

    async def read_now(self, session: AsyncSession, proposal: Proposal) -> Members | None:
        """What the zone says now, in the version in force now."""
        scheme = await _scheme(session, proposal)
        image = await _zone(session, scheme.id, proposal.subject["zone"])
        return None if image is None else _members(scheme, image)

    async def carry_out(
        self, session: AsyncSession, identity: Identity, act: Act, proposal: Proposal
    ) -> int:
        """Begin a draft of the scheme and write the zone in it; errors as in `Revisable`."""
        scheme = await _scheme(session, proposal)
        if scheme.id != proposal.base_id:
            raise Conflict(
                f"version {scheme.version} of {scheme.code!r} was published meanwhile",
                message_zh=f"方案 {scheme.code!r} 第 {scheme.version} 版已于此间发布",
            )
        note = f"{proposal.code}: {proposal.title}"
        new = await begin_version(session, identity, act, scheme, note)
        code = proposal.subject["zone"]
        zone_id = await session.scalar(_ZONE, {"scheme": new.id, "zone": code})
        draft = await read_change(ZONES, proposal.change, ZONE_FIXED)
        await update(session, ZONES, identity, act, WriteTarget(code, row_id=zone_id), draft)
        return new.id


async def _scheme(session: AsyncSession, proposal: Proposal) -> SchemeVersion:
    return await find_scheme(session, EVERYTHING, proposal.subject["scheme"])


async def _zone(session: AsyncSession, scheme_id: int, code: str) -> Image | None:
    if "\x00" in code:
        return None
    row_id = await session.scalar(_ZONE, {"scheme": scheme_id, "zone": code})
    return None if row_id is None else await lock(session, ZONES, row_id)


def _members(scheme: SchemeVersion, image: Image) -> Members:
    return {**members_of(image), "version": scheme.version, "status": scheme.status}


KEY = ("role", "year")
Row = Sequence[IndicatorTarget]


def figure_as_json(figure: targets.StatedFigure) -> dict[str, Any]:
    """A figure as a proposal keeps it."""
    value = None if figure.value is None else str(figure.value)
    return {name: item for name, item in {**asdict(figure), "value": value}.items() if item}


def figures_of(change: Members) -> list[targets.StatedFigure]:
    """The figures a proposal keeps."""
    found = []
    for kept in change["targets"]:
        value = kept.get("value")
        decimal = None if value is None else Decimal(value)
        found.append(targets.StatedFigure(**{"year": None, **kept, "value": decimal}))
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
        return BaseState(
            named, plan.id, plan.id, plan.id, place.id, _members_of_figures(plan, rows)
        )

    async def compare(
        self, session: AsyncSession, identity: Identity, base: BaseState, change: Members
    ) -> Sequence[Field]:
        """What would differ; errors as in `Revisable`."""
        demand_bounded(change)
        plan = await find_plan(session, base.subject["plan"], EVERYTHING)
        listed = await find_indicator(session, plan, base.subject["indicator"])
        try:
            wanted = targets.checked_figures(listed, figures_of(change))
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
        return _members_of_figures(plan, await _rows(session, plan, listed, place))

    async def carry_out(
        self, session: AsyncSession, identity: Identity, act: Act, proposal: Proposal
    ) -> int:
        """State the figures, in an edition where fixed ones change; errors as in `Revisable`."""
        plan, listed, place = await _place(session, proposal, proposal.subject["plan"])
        editing = editing_of(PLAN_INDICATORS, identity, "update")
        demand_role(identity, editing.roles, place.id)
        figures = figures_of(proposal.change)
        if targets.touches_fixed(listed, await _rows(session, plan, listed, place), figures):
            edition = await _edition(session, identity, act, proposal)
            plan, listed, place = await _place(session, proposal, edition.code)
        reason = f"{proposal.title}: {proposal.reason}"
        what = targets.Rewriting(plan, listed, place, act, reason, proposal.code)
        await targets.state_targets(session, what, figures, expected=None)
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
    stated = _members_of_figures(plan, await _rows(session, plan, listed, place))
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
    await targets.hold_targets(session, plan.id, listed.id)
    return await targets.read_targets(session, plan.id, indicators=[listed.id], region_id=place.id)


def _members_of_figures(plan: PlanSeen, rows: Row) -> Members:
    told = [targets.describe_target(row) for row in rows]
    return {"status": plan.status, **{_name(item): _told(item) for item in told}}


def _figure_members(figure: targets.StatedFigure) -> dict[str, Any]:
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
    return _told(targets.describe_target(row))


def _name(told: Members) -> str:
    year = told["year"]
    return told["role"] if year is None else f"{told['role']} {year}"


def _told(told: Members) -> dict[str, Any]:
    return {name: item for name, item in told.items() if name not in {*KEY, "revisions"}}
