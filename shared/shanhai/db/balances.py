"""Balances by the ledger: of regions and years, and of a project before and after.

Amounts are decimals in the unit of their kind. What the ledger holds is counted as it is now,
unless a day is asked about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.balance_rules import balance_rules
from shanhai.db.collections.balances import BALANCE_ENTRIES
from shanhai.db.engine import Executor, read_today
from shanhai.db.features.columns import rows_of
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Viewer
from shanhai.errors import NotFound
from shanhai.monitoring.thresholds import LedgerStanding
from shanhai.science import ledgers
from shanhai.science.units import unit_label, without_zeros
from shanhai.vocabulary import BALANCE_KINDS, Label

KIND_OF = {kind.code: kind for kind in BALANCE_KINDS}

# What was reversed counts, and so does what reverses it, with the opposite sign; a reversal that is
# only proposed does not. A project that was given up takes nothing it had only proposed.
_COUNTED = """be.deleted_at IS NULL AND be.state <> 'rejected'
   AND NOT (be.state = 'proposed' AND (be.reverses_id IS NOT NULL OR be.project_id IN (
         SELECT id FROM project WHERE state IN ('rejected', 'cancelled'))))"""
_SUMS = """be.kind, be.direction = 'taken' AS taken, be.state = 'proposed' AS proposed,
       sum(CASE WHEN be.reverses_id IS NULL THEN be.amount ELSE -be.amount END) AS amount,
       sum(CASE WHEN be.reverses_id IS NULL THEN be.amount ELSE -be.amount END
           * coalesce(be.quality_grade, 0)) AS graded"""
_GROUPED = "be.kind, be.direction, be.state = 'proposed'"
_BELOW = """
WITH RECURSIVE below (id) AS (
  SELECT CAST(:region AS bigint)
  UNION SELECT r.id FROM region r JOIN below ON r.parent_id = below.id
   WHERE r.deleted_at IS NULL)"""
_INSIDE = "be.region_id IN (SELECT id FROM below)"
# The pool is kept by the topmost region: the province, where there is one.
_TOPMOST = text(
    """WITH RECURSIVE above (root, id, parent_id, steps) AS (
         SELECT id, id, parent_id, 0 FROM region WHERE id = ANY(:regions)
         UNION ALL
         SELECT above.root, r.id, r.parent_id, above.steps + 1 FROM region r
           JOIN above ON r.id = above.parent_id AND r.deleted_at IS NULL
            AND r.level <> 'nation' AND above.steps < 50)
       SELECT DISTINCT ON (root) root, id FROM above ORDER BY root, steps DESC"""
)
_WITH_ABOVE = text(
    """WITH RECURSIVE above (id) AS (
         SELECT CAST(unnest(CAST(:regions AS bigint[])) AS bigint)
         UNION SELECT r.parent_id FROM region r JOIN above ON r.id = above.id)
       SELECT above.id FROM above
        WHERE EXISTS (SELECT FROM balance_entry be WHERE be.region_id = above.id)"""
)
_BOOKED = f"""
WITH RECURSIVE tree (root, id) AS (
  SELECT id, id FROM region WHERE id = ANY(:regions)
  UNION SELECT tree.root, r.id FROM region r JOIN tree ON r.parent_id = tree.id
   WHERE r.deleted_at IS NULL)
SELECT tree.root, be.accepted_on < :first AS before, {_SUMS}
  FROM balance_entry be JOIN tree ON tree.id = be.region_id
 WHERE {_COUNTED} AND be.state <> 'proposed' AND be.accepted_on <= :last
 GROUP BY tree.root, be.accepted_on < :first, {_GROUPED}
"""  # noqa: S608 - constants
_REGION = text(
    "SELECT id, code, name_zh, name_en FROM region WHERE code = :region AND deleted_at IS NULL"
)
_HOLD = text("SELECT id FROM balance_entry WHERE project_id = :project ORDER BY id FOR SHARE")
Tallies = dict[str, ledgers.BalanceTally]


@dataclass(frozen=True, slots=True)
class RegionNamed:
    """A region balances are asked of."""

    id: int
    code: str
    name: Label


@dataclass(frozen=True, slots=True)
class RegionYearBalance:
    """What was taken and given back of a kind in a region itself, in a year."""

    region: str
    region_name: Label
    kind: str
    year: int
    tally: ledgers.BalanceTally


@dataclass(frozen=True, slots=True)
class ProjectBalance:
    """How a project stands to the rule of a kind, and its region without and with it.

    Attributes:
        own: The entries that name the project.
        before: All other entries of its region and of those below.
        after: These and all of the project there, what is proposed included.
        verdict: As the rule asks before the work begins.
        final: As it asks when the work is accepted.
    """

    kind: str
    own: ledgers.BalanceTally
    before: Decimal
    after: Decimal
    verdict: ledgers.BalanceVerdict
    final: ledgers.BalanceVerdict

    @property
    def name(self) -> Label:
        """What the kind is called."""
        return KIND_OF[self.kind].label

    def lacking(self, verdict: ledgers.BalanceVerdict) -> Label:
        """What is lacking, in words."""
        unit = unit_label(KIND_OF[self.kind].unit)
        asked, counted = without_zeros(verdict.required), without_zeros(verdict.counted)
        zh = f"{self.name.zh}须补充 {asked} {unit.zh}，已计 {counted} {unit.zh}"
        en = f"{self.name.en}: {asked} {unit.en} must be given back, {counted} {unit.en} count"
        if verdict.from_pool:
            zh += f"，储备统筹 {without_zeros(verdict.from_pool)} {unit.zh}"
            en += f", {without_zeros(verdict.from_pool)} {unit.en} are from the pool"
        if verdict.lacking:
            zh += f"，尚缺 {without_zeros(verdict.lacking)} {unit.zh}"
            en += f", {without_zeros(verdict.lacking)} {unit.en} are lacking"
        if not verdict.grade_kept:
            zh += "，补充的质量等级低于占用的"
            en += ", of a worse quality grade than what is taken"
        return Label(zh, en)


async def find_balanced_region(session: Executor, code: str) -> RegionNamed:
    """The region of a code.

    Raises:
        NotFound: there is none.
    """
    rows = [] if "\x00" in code else (await session.execute(_REGION, {"region": code})).all()
    if not rows:
        raise NotFound(f"there is no region {code!r}", message_zh=f"没有区域 {code!r}")
    (row,) = rows
    return RegionNamed(row.id, row.code, Label(row.name_zh, row.name_en))


async def read_year_balances(
    session: Executor,
    viewer: Viewer,
    region: RegionNamed | None,
    *,
    kind: str | None = None,
    as_of: date | None = None,
) -> Sequence[RegionYearBalance]:
    """What a viewer may see of the ledger, by region, kind and year.

    Args:
        region: The region, with all below it; None is all there are.
        kind: Of this kind only.
        as_of: The day whose entries are counted, in the states they had then; None is today.
    """
    met = [_COUNTED, *visibility(BALANCE_ENTRIES, viewer)]
    met += [] if as_of is None else [BALANCE_ENTRIES.as_of or "true"]
    rows = rows_of(BALANCE_ENTRIES, former=as_of is not None)
    met += [] if region is None else [_INSIDE]
    met += [] if kind is None else ["be.kind = :kind"]
    query = text(
        f"{'' if region is None else _BELOW}"  # noqa: S608 - constants
        f" SELECT place.code AS region, place.name_zh, place.name_en, be.year, {_SUMS}"
        f" FROM {rows} be JOIN region place ON place.id = be.region_id"
        f" WHERE {' AND '.join(met)} GROUP BY place.id, be.year, {_GROUPED}"
        " ORDER BY place.code, be.kind, be.year"
    )
    values = {
        **viewer_values(viewer),
        **({} if region is None else {"region": region.id}),
        **({} if kind is None else {"kind": kind}),
        **({} if as_of is None else {"as_of": as_of}),
    }
    found: dict[tuple[str, str, int], RegionYearBalance] = {}
    for row in (await session.execute(query, values)).all():
        key = (row.region, row.kind, row.year)
        before = found[key].tally if key in found else ledgers.BalanceTally()
        name = Label(row.name_zh, row.name_en)
        found[key] = RegionYearBalance(row.region, name, row.kind, row.year, before + _tally(row))
    return list(found.values())


async def hold_entries(session: Executor, project_id: int) -> None:
    """Keep others from moving the entries of a project until the transaction ends."""
    await session.execute(_HOLD, {"project": project_id})


async def judge_project(
    session: Executor, project_id: int, region_id: int, viewer: Viewer
) -> Sequence[ProjectBalance]:
    """How a project stands, of each kind the ledger has entries of it, in the order of the kinds.

    Args:
        viewer: Only what they may see of the ledger is counted.
    """
    seen = visibility(BALANCE_ENTRIES, viewer)
    values = {**viewer_values(viewer), "project": project_id}
    own = await _tallies(session, ["be.project_id = :project", *seen], values)
    if not own:
        return []
    inside = [_INSIDE, *seen]
    here = {**values, "region": region_id}
    within = await _tallies(session, ["be.project_id = :project", *inside], here)
    others = await _tallies(session, ["be.project_id IS DISTINCT FROM :project", *inside], here)
    pools: Tallies = {}
    if any(balance_rules()[kind].rule.pool for kind in own):
        top = (await _topmost(session, [region_id]))[region_id]
        pools = await _tallies(session, [_INSIDE, *seen], {**viewer_values(viewer), "region": top})
    return [
        _project_balance(kind, own[kind], others, within, pools.get(kind))
        for kind in KIND_OF
        if kind in own
    ]


def _project_balance(
    kind: str,
    own: ledgers.BalanceTally,
    others: Tallies,
    within: Tallies,
    pool: ledgers.BalanceTally | None,
) -> ProjectBalance:
    rule = balance_rules()[kind].rule
    nothing = ledgers.BalanceTally()
    before, here = others.get(kind, nothing), within.get(kind, nothing)
    planned = ledgers.BalanceTally(here.all_taken, here.given + here.given_proposed)
    return ProjectBalance(
        kind,
        own,
        ledgers.balance_of(rule, before),
        ledgers.balance_of(rule, before + planned),
        ledgers.judge_balance(rule, own, pool),
        ledgers.judge_balance(rule, own, pool, final=True),
    )


async def _tallies(session: Executor, met: Sequence[str], values: Mapping[str, Any]) -> Tallies:
    """The sums of entries by kind."""
    inside = _INSIDE in met
    query = text(
        f"{_BELOW if inside else ''} SELECT {_SUMS} FROM balance_entry be"  # noqa: S608 - constants
        f" WHERE {' AND '.join([_COUNTED, *met])} GROUP BY {_GROUPED}"
    )
    found: Tallies = {}
    for row in (await session.execute(query, values)).all():
        found[row.kind] = found.get(row.kind, ledgers.BalanceTally()) + _tally(row)
    return found


def _tally(row: Any) -> ledgers.BalanceTally:
    quantity = ledgers.GradedAmount(row.amount, row.graded)
    return ledgers.BalanceTally.one(quantity, taken=row.taken, proposed=row.proposed)


async def _topmost(session: Executor, regions: Sequence[int]) -> dict[int, int]:
    """Of each region, the one that keeps its pool."""
    rows = (await session.execute(_TOPMOST, {"regions": list(regions)})).all()
    return {row.root: row.id for row in rows}


@dataclass(frozen=True, slots=True)
class PeriodBalance:
    """What was taken and given back of a kind in a region and all below it, in a period.

    Only what was accepted counts, on the day it was; a reversal on that of its own.

    Attributes:
        opening, closing: Given back beyond what the rule asks, before and after the period; below
            0 it lacks.
        taken, given: In the period; below 0 where more was reversed.
        verdict: How the region stands to the rule at the end of the period, with the pool.
    """

    kind: str
    opening: Decimal
    taken: Decimal
    given: Decimal
    closing: Decimal
    verdict: ledgers.BalanceVerdict

    @property
    def short(self) -> Decimal:
        """What is lacking; where only the quality is too low, all that is asked."""
        if self.verdict.lacking or self.verdict.grade_kept:
            return self.verdict.lacking
        return self.verdict.required


async def read_period_balances(
    session: Executor, regions: Sequence[int], first: date, last: date
) -> dict[int, list[PeriodBalance]]:
    """The balances of regions in a period, in the order of the kinds; none where none are booked.

    Args:
        regions: Their ids; each counts with all below it.
        first, last: The days of the period.
    """
    top = await _topmost(session, regions)
    asked = sorted({*regions, *top.values()})
    query = text(_BOOKED)
    given = {"regions": asked, "first": first, "last": last}
    booked: dict[tuple[int, str, bool], ledgers.BalanceTally] = {}
    for row in (await session.execute(query, given)).all():
        key = (row.root, row.kind, row.before)
        booked[key] = booked.get(key, ledgers.BalanceTally()) + _tally(row)

    def parts(region: int, kind: str) -> tuple[ledgers.BalanceTally, ledgers.BalanceTally]:
        nothing = ledgers.BalanceTally()
        before = booked.get((region, kind, True), nothing)
        return before, booked.get((region, kind, False), nothing)

    kinds = {(region, kind) for region, kind, _ in booked}
    return {
        region: [
            _period_balance(kind, *parts(region, kind), pool=parts(top[region], kind))
            for kind in KIND_OF
            if (region, kind) in kinds
        ]
        for region in regions
        if region in top
    }


def _period_balance(
    kind: str,
    before: ledgers.BalanceTally,
    within: ledgers.BalanceTally,
    *,
    pool: tuple[ledgers.BalanceTally, ledgers.BalanceTally],
) -> PeriodBalance:
    rule, after = balance_rules()[kind].rule, before + within
    return PeriodBalance(
        kind,
        ledgers.balance_of(rule, before),
        within.taken.amount,
        within.given.amount,
        ledgers.balance_of(rule, after),
        ledgers.judge_balance(rule, after, pool[0] + pool[1], final=True),
    )


async def read_shortfalls(
    session: AsyncSession, regions: Sequence[int]
) -> Sequence[LedgerStanding]:
    """What balances of regions, and of those above them, lack today, in the unit of their kind."""
    asked = list((await session.scalars(_WITH_ABOVE, {"regions": list(regions)})).all())
    today = await read_today(session)
    found = await read_period_balances(session, asked, today, today)
    return [
        LedgerStanding(
            "balance_short",
            region,
            region,
            float(item.short),
            {
                "required": str(without_zeros(item.verdict.required)),
                "counted": str(without_zeros(item.verdict.counted + item.verdict.from_pool)),
                "grade_kept": item.verdict.grade_kept,
            },
            sort=item.kind,
        )
        for region, balances in found.items()
        for item in balances
    ]
