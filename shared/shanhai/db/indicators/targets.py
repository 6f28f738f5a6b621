"""The figures a plan states for an indicator in a region: bases, targets, references."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.alerts.observation_evaluation import note_targets
from shanhai.db.engine import read_today
from shanhai.db.features.columns import stated_rows
from shanhai.db.indicators.plan_indicators import Listed, PlanRegion, PlanSeen
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.indicator import IndicatorTarget, PlanIndicator
from shanhai.db.tables.plan import Plan
from shanhai.errors import Conflict, Fault, InvalidInput, demand_state
from shanhai.science.indicators import Comparator, Sense, TargetFigure, contradicts, sense_of
from shanhai.science.units import convert, plain

Role = Literal["base", "target", "reference"]
FigureKey = tuple[str, int | None]
_FORMER = text(
    f"SELECT * FROM {stated_rows('indicator_target', 'CAST(:day AS date)')} t"  # noqa: S608
    " WHERE plan_id = :plan"
    " AND (CAST(:region AS bigint) IS NULL OR region_id = :region)"
    " AND (CAST(:indicators AS bigint[]) IS NULL OR indicator_id = ANY(:indicators))"
    " ORDER BY year NULLS FIRST, role, id"
).columns(attrs=JSONB())
OPEN_STATUSES = frozenset({"draft", "submitted"})


@dataclass(frozen=True, slots=True)
class StatedFigure:
    """A figure as it is to be stated; without a unit it is in the indicator's.

    Without a sense it reads as its comparator says, or as the indicator's direction does.
    """

    role: Role
    year: int | None
    value: Decimal | None
    unit: str | None = None
    comparator: Comparator | None = None
    sense: Sense | None = None
    cumulative_from: int | None = None
    revisable: bool = False
    source: str | None = None

    @property
    def key(self) -> FigureKey:
        """What it is found by, in a region and plan."""
        return self.role, self.year


@dataclass(frozen=True, slots=True)
class Rewriting:
    """Who states figures anew, of what, and why; `proposal` is the code of one carried out."""

    plan: PlanSeen
    listed: Listed
    place: PlanRegion
    act: Act
    reason: str | None = None
    proposal: str | None = None


async def read_targets(
    session: AsyncSession,
    plan_id: int,
    *,
    indicators: Sequence[int] | None = None,
    region_id: int | None = None,
    as_of: date | None = None,
) -> Sequence[IndicatorTarget]:
    """The figures of a plan, by year; those without a year come first.

    With `as_of` they are those that the plan stated on that day.
    """
    if as_of is not None:
        return await _former(session, plan_id, indicators, region_id, as_of)
    query = (
        select(IndicatorTarget)
        .where(IndicatorTarget.plan_id == plan_id)
        .order_by(IndicatorTarget.year.nulls_first(), IndicatorTarget.role, IndicatorTarget.id)
    )
    if indicators is not None:
        query = query.where(IndicatorTarget.indicator_id.in_(indicators))
    if region_id is not None:
        query = query.where(IndicatorTarget.region_id == region_id)
    return (await session.scalars(query)).all()


async def _former(
    session: AsyncSession,
    plan_id: int,
    indicators: Sequence[int] | None,
    region_id: int | None,
    as_of: date,
) -> Sequence[IndicatorTarget]:
    values = {
        "plan": plan_id,
        "indicators": None if indicators is None else list(indicators),
        "region": region_id,
        "day": as_of,
    }
    rows = (await session.execute(_FORMER, values)).mappings()
    return [IndicatorTarget(**row) for row in rows]


async def hold_targets(session: AsyncSession, plan_id: int, indicator_id: int) -> None:
    """Keep others from stating figures of an indicator of a plan until the transaction ends."""
    own = PlanIndicator
    query = select(own.id).where(own.plan_id == plan_id, own.indicator_id == indicator_id)
    await session.execute(query.with_for_update())


def as_target(row: IndicatorTarget) -> TargetFigure:
    """A figure as the science reads it."""
    comparator: Any = row.comparator_printed
    sense: Any = row.sense
    return TargetFigure(row.year, row.value, sense, comparator, row.cumulative_from)


def describe_target(row: IndicatorTarget) -> dict[str, Any]:
    """A figure as documents show it."""
    shown = {
        "role": row.role,
        "year": row.year,
        "value": plain(row.value),
        "comparator": row.comparator_printed,
        "sense": row.sense,
        "cumulative_from": row.cumulative_from,
        "revisable": row.revisable,
        "source": row.source,
    }
    revisions = row.attrs.get("revisions")
    return shown if not revisions else {**shown, "revisions": revisions}


def state_of_targets(rows: Iterable[IndicatorTarget]) -> str:
    """What tells one set of figures from another; the first part of its ETag."""
    told = [(row.id, row.role, row.year, str(row.value), *_rest(row)) for row in rows]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


async def state_targets(
    session: AsyncSession,
    what: Rewriting,
    figures: Sequence[StatedFigure],
    *,
    expected: frozenset[str] | None,
) -> Sequence[IndicatorTarget]:
    """Put these figures in the place of those there are for the indicator in the region.

    Raises:
        InvalidInput: they contradict themselves or each other.
        Stale: those there are differ from what the caller read.
        Conflict: the plan is in force and a figure that is not revisable would change.
    """
    wanted = checked_figures(what.listed, figures)
    await hold_targets(session, what.plan.id, what.listed.id)
    rows = await _present(session, what)
    of = what.listed.code
    demand_state(state_of_targets(rows), expected, f"the targets of {of}", f"{of} 的目标")
    changes = _changes(rows, wanted)
    if not changes:
        return rows
    # Until this is committed, nobody approves the plan.
    query = select(Plan.status).where(Plan.id == what.plan.id).with_for_update(read=True)
    demand_freedom((await session.scalars(query)).one(), what.reason, changes, rows)
    before = [describe_target(row) for row in rows]
    for _, row, figure in changes:
        await _write(session, what, row, figure)
    await session.flush()
    after = await _present(session, what)
    await note_targets(session, what.plan.id)
    record(
        session,
        what.act,
        "replace",
        table="indicator_target",
        object_id=f"{what.plan.code}/{what.listed.code}/{what.place.code}",
        before={"targets": before},
        after={
            "targets": [describe_target(row) for row in after],
            "reason": what.reason,
            **_by(what),
        },
    )
    return after


Change = tuple[int | None, IndicatorTarget | None, StatedFigure | None]
"""A figure's place in the body, the row there is, and what it is to become."""


def demand_freedom(
    status: str,
    reason: str | None,
    changes: Sequence[Change],
    rows: Sequence[IndicatorTarget],
) -> None:
    """Refuse changes the plan's status forbids.

    Raises:
        Conflict: the plan is not in work, and a figure that is not revisable would change.
        InvalidInput: a change to a plan in force gives no reason.
    """
    if status in OPEN_STATUSES:
        return
    if status != "approved":
        raise Conflict(
            f"the plan is {status}; its figures are history",
            message_zh=f"规划状态为 {status}，其指标值不可更改",
        )
    faults = _fixed_faults(changes, rows)
    if faults:
        raise Conflict(
            "figures that are not revisable change only with a new plan",
            message_zh="不可修订的指标值只能随新规划变更",
            faults=faults,
        )
    if not reason:
        raise InvalidInput(
            "a change to a plan in force needs a reason",
            message_zh="修订已批准规划的指标须说明理由",
            pointer="/reason",
        )


def touches_fixed(
    listed: Listed, rows: Sequence[IndicatorTarget], figures: Sequence[StatedFigure]
) -> bool:
    """Whether stating these figures would change one a plan in force does not let change."""
    return bool(_fixed_faults(_changes(rows, checked_figures(listed, figures)), rows))


def _fixed_faults(changes: Sequence[Change], rows: Sequence[IndicatorTarget]) -> list[Fault]:
    fixed = {row.role for row in rows if _is_fixed(row)}
    return [
        _fixed_fault(place, row, figure)
        for place, row, figure in changes
        if (_is_fixed(row) if row is not None else figure is not None and figure.role in fixed)
    ]


def _is_fixed(row: IndicatorTarget) -> bool:
    return not row.revisable and row.value is not None and row.role != "reference"


def _fixed_fault(
    place: int | None, row: IndicatorTarget | None, figure: StatedFigure | None
) -> Fault:
    pointer = "/targets" if place is None else f"/targets/{place}"
    if row is None:
        return Fault(pointer, "would stand beside fixed figures", "不得在固定指标值之外新增")
    verb = ("be removed", "删除") if figure is None else ("change", "更改")
    return Fault(
        pointer,
        f"the {row.role} of {row.year}, {row.value}, is fixed and cannot {verb[0]}",
        f"{row.year} 年的 {row.role} 值 {row.value} 为固定值，不可{verb[1]}",
    )


def checked_figures(listed: Listed, figures: Sequence[StatedFigure]) -> list[StatedFigure]:
    """The figures in the indicator's unit, each with the sense it reads as.

    Raises:
        InvalidInput: they contradict themselves or each other, or cannot be.
    """
    faults: list[Fault] = []
    found: list[StatedFigure] = []
    for place, figure in enumerate(figures):
        faults += _faults(f"/targets/{place}", figure, figures[:place])
        sense = figure.sense or sense_of(figure.comparator, listed.direction)
        if contradicts(figure.comparator, sense):
            faults.append(
                Fault(
                    f"/targets/{place}/sense",
                    f"{figure.comparator!r} cannot be read as {sense!r}",
                    f"{figure.comparator!r} 不能理解为 {sense!r}",
                )
            )
        found.append(_converted(listed, figure, sense, place))
        faults += listed.faults(found[-1].value, f"/targets/{place}/value")
    base = max((f.year for f in figures if f.role == "base" and f.year is not None), default=None)
    faults += [
        Fault(f"/targets/{place}/year", "must be after the base year", "须晚于基期年")
        for place, figure in enumerate(figures)
        if figure.role == "target" and None not in {base, figure.year} and figure.year <= base  # type: ignore[operator]
    ]
    if faults:
        raise InvalidInput(
            "the figures contradict themselves", message_zh="指标值自相矛盾", faults=faults
        )
    return found


def _faults(under: str, figure: StatedFigure, before: Sequence[StatedFigure]) -> Iterable[Fault]:
    if figure.key in {other.key for other in before}:
        yield Fault(under, "is a second figure of its role and year", "同一类型和年份重复")
    if figure.role == "base" and figure.year is None:
        yield Fault(f"{under}/year", "a base needs a year", "基期值须有年份")
    since = figure.cumulative_from
    if since is not None and figure.role == "base":
        yield Fault(f"{under}/cumulative_from", "a base is not counted up", "基期值不累计")
    if since is not None and figure.year is not None and since > figure.year:
        yield Fault(f"{under}/cumulative_from", "must not be after the year", "不得晚于目标年")


def _converted(listed: Listed, figure: StatedFigure, sense: Sense, place: int) -> StatedFigure:
    value = figure.value
    if value is not None and figure.unit is not None:
        try:
            value = convert(value, figure.unit, listed.unit)
        except InvalidInput as error:
            raise InvalidInput(
                error.message, message_zh=error.message_zh, pointer=f"/targets/{place}/unit"
            ) from None
    return StatedFigure(
        figure.role,
        figure.year,
        value,
        listed.unit,
        figure.comparator,
        sense,
        figure.cumulative_from,
        figure.revisable,
        figure.source,
    )


async def _present(session: AsyncSession, what: Rewriting) -> Sequence[IndicatorTarget]:
    return await read_targets(
        session, what.plan.id, indicators=[what.listed.id], region_id=what.place.id
    )


def _changes(rows: Sequence[IndicatorTarget], wanted: Sequence[StatedFigure]) -> list[Change]:
    present = {(row.role, row.year): row for row in rows}
    kept = {figure.key for figure in wanted}
    removed: list[Change] = [(None, row, None) for key, row in present.items() if key not in kept]
    return removed + [
        (place, present.get(figure.key), figure)
        for place, figure in enumerate(wanted)
        if _differs(present.get(figure.key), figure)
    ]


def _rest(item: IndicatorTarget) -> tuple[object, ...]:
    return (
        item.comparator_printed,
        item.sense,
        item.cumulative_from,
        item.revisable,
        item.source,
    )


def _differs(row: IndicatorTarget | None, figure: StatedFigure) -> bool:
    if row is None:
        return True
    given = (figure.comparator, figure.sense, figure.cumulative_from, figure.revisable)
    return row.value != figure.value or (*given, figure.source) != _rest(row)


async def _write(
    session: AsyncSession, what: Rewriting, row: IndicatorTarget | None, figure: StatedFigure | None
) -> None:
    if figure is None:
        if row is not None:
            await session.delete(row)
        return
    members: Mapping[str, Any] = {
        "value": figure.value,
        "comparator_printed": figure.comparator,
        "sense": figure.sense,
        "cumulative_from": figure.cumulative_from,
        "revisable": figure.revisable,
        "source": figure.source,
    }
    if row is not None:
        if what.reason:
            today = await read_today(session)
            row.attrs = {
                **row.attrs,
                "revisions": [*row.attrs.get("revisions", ()), _revision(what, row, today)],
            }
        for name, value in members.items():
            setattr(row, name, value)
        return
    session.add(
        IndicatorTarget(
            indicator_id=what.listed.id,
            region_id=what.place.id,
            plan_id=what.plan.id,
            role=figure.role,
            year=figure.year,
            valid_from=await read_today(session),
            attrs={"reason": what.reason, **_by(what)} if what.reason else {},
            **members,
        )
    )


def _revision(what: Rewriting, row: IndicatorTarget, today: date) -> dict[str, Any]:
    return {
        "on": today.isoformat(),
        "reason": what.reason,
        "value_before": plain(row.value),
        **_by(what),
    }


def _by(what: Rewriting) -> dict[str, str]:
    return {} if what.proposal is None else {"proposal": what.proposal}
