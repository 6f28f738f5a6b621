"""The stock of mines to be restored, what counts as restored, and the duties of producing mines.

The area that is accepted is kept with the mine alone. What it adds to an indicator is read from
there each time: however often a mine is accepted, sent back or corrected, it counts as it stands.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.cases import leads
from shanhai.db.cases.queries import CASES
from shanhai.db.collections import guards
from shanhai.db.collections.mines import MINES
from shanhai.db.collections.projects import PROJECTS
from shanhai.db.engine import read_today
from shanhai.db.features.columns import rows_of, stated_rows
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Identity, Viewer, demand_role, demand_scopes
from shanhai.db.projects.queries import MEMBERS_THEN, SCOPES, refused
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.project import MineDepositEntry, MineReport
from shanhai.errors import NotFound
from shanhai.monitoring.thresholds import LedgerStanding
from shanhai.vocabulary import MINE_INDICATORS, Label, Role

ZERO = Decimal(0)
OURS = "(mi.kind = 'legacy' OR mi.closed_on IS NOT NULL)"
"""Holds for mines that are to be restored by the plan: those that produce restore on their own."""


@dataclass(frozen=True, slots=True)
class StockedMine:
    """A mine as the stock counts it.

    Attributes:
        part_of: The entry it is a part of, by its key; that counts with what its parts leave.
        area_ha: Stated, else that of its shape; None where neither is known.
        listed: The year at whose end it is in the stock first.
        accepted: The year its restoration was accepted; None while it was not.
    """

    key: int
    part_of: int | None
    area_ha: Decimal | None
    listed: int
    accepted: int | None = None
    accepted_ha: Decimal = ZERO

    @property
    def whole_ha(self) -> Decimal:
        """Its area, or as much as is known of it."""
        return self.accepted_ha if self.area_ha is None else self.area_ha

    @property
    def since(self) -> int:
        """The year from which it counts: nothing is accepted that was not there."""
        return self.listed if self.accepted is None else min(self.listed, self.accepted)


@dataclass(frozen=True, slots=True)
class StockYear:
    """The stock at the end of a year, in hectares; `listed_ha` is all that was ever in it."""

    year: int
    listed_ha: Decimal
    open_ha: Decimal
    restored_ha: Decimal
    mines_open: int


@dataclass(frozen=True, slots=True)
class StockCurve:
    """The stock year by year; `unmeasured` mines have no area and count as nothing."""

    years: Sequence[StockYear]
    mines: int
    unmeasured: int


def stock_curve(mines: Sequence[StockedMine], last: int) -> StockCurve:
    """The stock of mines from the first inventory to the end of the year `last`.

    At the end of each year the area that is open and all that was restored up to it add up to the
    area listed: an entry with parts counts with what they leave of it, and never below nothing.
    """
    first = min((mine.since for mine in mines), default=last + 1)
    unmeasured = sum(mine.area_ha is None and mine.accepted is None for mine in mines)
    years = [_stock_at(mines, year) for year in range(first, last + 1)]
    return StockCurve(years, len(mines), unmeasured)


def _stock_at(mines: Sequence[StockedMine], year: int) -> StockYear:
    there = [mine for mine in mines if mine.since <= year]
    taken: dict[int, Decimal] = {}
    for mine in there:
        if mine.part_of is not None:
            taken[mine.part_of] = taken.get(mine.part_of, ZERO) + mine.whole_ha
    listed = still = restored = ZERO
    count = 0
    for mine in there:
        area = max(mine.whole_ha - taken.get(mine.key, ZERO), ZERO)
        done = mine.accepted_ha if mine.accepted is not None and mine.accepted <= year else ZERO
        area = max(area, done)
        listed, still = listed + area, still + area - done
        restored += mine.accepted_ha if mine.accepted == year else ZERO
        count += area > done
    return StockYear(year, listed, still, restored, count)


_WITHIN = """
WITH RECURSIVE below (id) AS (
  SELECT id FROM region WHERE code = :region AND deleted_at IS NULL
  UNION SELECT r.id FROM region r JOIN below ON r.parent_id = below.id
)"""
_OF_LINEAGE = (
    "mi.plan_id IN (SELECT edition.id FROM plan edition WHERE coalesce(edition.lineage_id,"
    " edition.id) = (SELECT coalesce(p.lineage_id, p.id) FROM plan p WHERE p.id = :plan))"
)


async def read_stock(
    session: AsyncSession, viewer: Viewer, *, region: str | None, plan_id: int | None
) -> StockCurve:
    """The stock of legacy and closed mines, of a region with all below it, and of a plan."""
    met = [MINES.live, MINES.current, *visibility(MINES, viewer), OURS]
    if region is not None:
        met.append("mi.region_id IN (SELECT id FROM below)")
    if plan_id is not None:
        met.append(_OF_LINEAGE)
    query = text(
        f"{'' if region is None else _WITHIN} SELECT mi.id, mi.part_of_id,"  # noqa: S608 - constants
        " coalesce(mi.area_ha, round((mi.area_m2 / 1e4)::numeric, 4)),"
        " CAST(coalesce(mi.listed_year, extract(year FROM mi.closed_on),"
        " extract(year FROM mi.created_at)) AS int),"
        " CASE WHEN mi.state IN ('accepted', 'watched')"
        " THEN CAST(extract(year FROM mi.accepted_on) AS int) END,"
        " CASE WHEN mi.state IN ('accepted', 'watched') THEN mi.accepted_area_ha ELSE 0 END"
        f" FROM {MINES.source} WHERE {' AND '.join(met)} ORDER BY mi.id"
    )
    asked: dict[str, Any] = {"region": region, "plan": plan_id}
    given = {name: value for name, value in asked.items() if value is not None}
    rows = await session.execute(query, {**given, **viewer_values(viewer)})
    today = await read_today(session)
    return stock_curve([StockedMine(*row) for row in rows], today.year)


# What a project reports of the same ground counts once it was accepted itself; then its mines count
# with the project, and no more by themselves.
_ACCEPTED = f"""
WITH RECURSIVE tree (root, id) AS (
  SELECT id, id FROM region WHERE id = ANY(:regions)
  UNION
  SELECT tree.root, region.id FROM region JOIN tree ON region.parent_id = tree.id
)
SELECT i.id, tree.root, CAST(extract(year FROM mi.accepted_on) AS int), sum(mi.accepted_area_ha),
       count(*)
  FROM {{mines}} mi JOIN tree ON tree.id = mi.region_id
  JOIN indicator i ON i.id = ANY(:indicators) AND i.code = ANY(:codes)
 WHERE {{there}} AND mi.state IN ('accepted', 'watched') AND {OURS}
   AND NOT EXISTS (
     SELECT FROM {{measures}} m JOIN {{projects}} pj ON pj.id = m.project_id AND {{working}}
      WHERE pj.id = mi.project_id AND m.indicator_id = i.id AND m.done > 0
        AND pj.id IN (SELECT member.project_id FROM {{members}} member)
        AND pj.state IN ('monitoring', 'effect_evaluation', 'after_care', 'closed'))
 GROUP BY i.id, tree.root, extract(year FROM mi.accepted_on)
"""  # noqa: S608 - constants
_ACCEPTED_NOW = text(
    _ACCEPTED.format(
        mines="mine",
        there="mi.deleted_at IS NULL",
        measures="project_measure",
        projects="project",
        working="pj.deleted_at IS NULL",
        members="(SELECT project_id FROM plan_membership WHERE plan_id = :plan)",
    )
)
_ACCEPTED_THEN = text(
    _ACCEPTED.format(
        mines=rows_of(MINES, former=True),
        there=MINES.as_of,
        measures=stated_rows("project_measure", "CAST(:as_of AS date)"),
        projects=rows_of(PROJECTS, former=True),
        working=PROJECTS.as_of,
        members=MEMBERS_THEN,
    )
)


@dataclass(frozen=True, slots=True)
class AcceptedMines:
    """What mines add to an indicator in a region in a year, in hectares."""

    indicator: int
    region: int
    year: int
    area_ha: Decimal
    mines: int


async def read_accepted(
    session: AsyncSession,
    plan_id: int,
    indicators: Iterable[int],
    regions: Sequence[int],
    as_of: date | None = None,
) -> Sequence[AcceptedMines]:
    """The accepted area of legacy and closed mines, for the indicators of mine restoration.

    With `as_of` it is what had been accepted, and not sent back, on that day.
    """
    values: dict[str, Any] = {
        "plan": plan_id,
        "indicators": [*indicators],
        "regions": [*regions],
        "codes": [*MINE_INDICATORS],
    }
    query = _ACCEPTED_NOW
    if as_of is not None:
        query, values = _ACCEPTED_THEN, {**values, "as_of": as_of}
    return [AcceptedMines(*row) for row in await session.execute(query, values)]


DepositKind = Literal["due", "paid", "withdrawn", "forfeited"]
DEPOSIT_ROLES: Mapping[str, frozenset[Role]] = {
    "due": frozenset({Role.APPROVER, Role.SUPERVISOR}),
    "paid": frozenset({Role.OWNER, Role.SUPERVISOR}),
    "withdrawn": frozenset({Role.APPROVER}),
    "forfeited": frozenset({Role.APPROVER}),
}
"""Who says what is due, and lets money out of the fund, is not who pays it."""
REPORTERS = frozenset({Role.OWNER, Role.SUPERVISOR})
SOURCE = "mine-reports"
"""What the cases are from that reports of mines open."""


@dataclass(frozen=True, slots=True)
class MineSeen:
    """A mine a reader may know of."""

    id: int
    code: str
    name: Label
    kind: str
    region_id: int
    wkb: bytes | None


@dataclass(frozen=True, slots=True)
class DepositLine:
    """An entry of a mine's fund; one that takes another back names it and is below zero."""

    id: int
    kind: str
    year: int
    amount: Decimal
    reverses: int | None
    note: str | None
    actor: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class DepositSums:
    """What is due to a mine's fund, and what went in and out; `balance` is what is in it."""

    due: Decimal
    paid: Decimal
    withdrawn: Decimal
    forfeited: Decimal

    @property
    def balance(self) -> Decimal:
        """What is left of what was paid in."""
        return self.paid - self.withdrawn - self.forfeited

    @property
    def missing(self) -> Decimal:
        """What is due and was not paid in; nothing where more was paid."""
        return max(self.due - self.paid, ZERO)


def sum_deposits(lines: Iterable[tuple[str, Decimal]]) -> DepositSums:
    """The sums of entries, those taken back with those that take them back."""
    sums = dict.fromkeys(("due", "paid", "withdrawn", "forfeited"), Decimal("0.00"))
    for kind, amount in lines:
        sums[kind] += amount
    return DepositSums(**sums)


async def find_mine(
    session: AsyncSession, code: str, viewer: Viewer, *, lock: bool = False
) -> MineSeen:
    """The mine of a code, locked until the transaction ends where that is asked.

    Raises:
        NotFound: there is none the viewer may know of.
    """
    met = " AND ".join((MINES.live, MINES.current, "mi.code = :code", *visibility(MINES, viewer)))
    locking = " FOR NO KEY UPDATE OF mi" if lock else ""
    query = text(
        "SELECT mi.id, mi.code, mi.name_zh, mi.name_en, mi.kind, mi.region_id,"  # noqa: S608
        f" ST_AsBinary(mi.geom) FROM {MINES.source} WHERE {met}{locking}"
    )
    asked = {"code": code, **viewer_values(viewer)}
    row = None if "\x00" in code else (await session.execute(query, asked)).first()
    if row is None:
        raise NotFound(f"there is no mine {code!r}", message_zh=f"没有矿山 {code!r}")
    row_id, own, zh, en, kind, region_id, shape = row
    wkb = None if shape is None else bytes(shape)
    return MineSeen(row_id, own, Label(zh, en), kind, region_id, wkb)


async def _hold_producing(
    session: AsyncSession, code: str, identity: Identity, roles: frozenset[Role]
) -> MineSeen:
    demand_scopes(identity, SCOPES)
    mine = await find_mine(session, code, identity.viewer, lock=True)
    demand_role(identity, roles, mine.region_id)
    if mine.kind != "producing":
        rule = Label(
            "仅生产矿山有恢复基金和年度报告",
            "only a producing mine has a restoration fund and yearly reports",
        )
        raise refused("", rule)
    return mine


async def list_deposits(
    session: AsyncSession, mine: MineSeen, viewer: Viewer
) -> Sequence[DepositLine]:
    """The entries of a mine's fund, from the first one on; who and why for those at work there."""
    own, known = MineDepositEntry, viewer.is_member([mine.region_id])
    query = select(own).where(own.mine_id == mine.id).order_by(own.id)
    return [_line(row, known=known) for row in await session.scalars(query)]


def _line(row: MineDepositEntry, *, known: bool) -> DepositLine:
    note, actor = (row.note, row.actor) if known else (None, None)
    return DepositLine(
        row.id, row.kind, row.year, row.amount, row.reverses_id, note, actor, row.created_at
    )


@dataclass(frozen=True, slots=True)
class NewDeposit:
    """An entry to be made; one that takes another back has neither kind nor amount of its own."""

    year: int | None
    kind: DepositKind | None = None
    amount: Decimal | None = None
    reverses: int | None = None
    note: str | None = None


async def add_deposit(
    session: AsyncSession, code: str, identity: Identity, act: Act, new: NewDeposit
) -> DepositLine:
    """Add an entry to the fund of a producing mine, or take one back.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        NotFound: there is no mine it may know of.
        InvalidInput: there is no such entry, or no reason is given.
        Conflict: the mine does not produce, the money is not there, or the entry was taken back.
    """
    everybody = frozenset().union(*DEPOSIT_ROLES.values())
    mine = await _hold_producing(session, code, identity, everybody)
    lines = await list_deposits(session, mine, identity.viewer)
    row = MineDepositEntry(
        mine_id=mine.id,
        kind=new.kind,
        year=new.year,
        amount=new.amount,
        reverses_id=new.reverses,
        note=new.note,
        actor=act.actor,
    )
    if new.reverses is not None:
        of = _reversible(lines, new.reverses)
        row.kind, row.year, row.amount = of.kind, of.year, -of.amount
    demand_role(identity, DEPOSIT_ROLES[row.kind], mine.region_id)
    if row.kind == "forfeited" and not new.note:
        raise guards.refused("/note", Label("没收须说明原因", "money is forfeited for a reason"))
    before = sum_deposits((line.kind, line.amount) for line in lines)
    after = sum_deposits([*((line.kind, line.amount) for line in lines), (row.kind, row.amount)])
    if after.balance < min(before.balance, ZERO):
        rule = Label(
            f"基金余额为 {before.balance}", f"the fund holds {before.balance}, and no more"
        )
        raise refused("/amount" if new.reverses is None else "/reverses", rule)
    session.add(row)
    await session.flush()
    await session.refresh(row)
    line = _line(row, known=True)
    kept = {"id": line.id, "kind": line.kind, "year": line.year, "amount": str(line.amount)}
    kept |= {"reverses": line.reverses, "note": line.note}
    record(session, act, "create", table="mine_deposit_entry", object_id=mine.code, after=kept)
    return line


def _reversible(lines: Sequence[DepositLine], number: int) -> DepositLine:
    found = next((line for line in lines if line.id == number), None)
    if found is None:
        rule = Label(f"没有可冲销的记录 {number}", f"there is no entry {number} to take back")
        raise guards.refused("/reverses", rule)
    if found.reverses is not None or any(line.reverses == number for line in lines):
        told = f"entry {number} takes another back, or was taken back already"
        raise refused("/reverses", Label(f"记录 {number} 为冲销记录，或已冲销", told))
    return found


@dataclass(frozen=True, slots=True)
class NewMineReport:
    """What a producing mine tells of a year, in hectares."""

    year: int
    disturbed_ha: Decimal
    planned_ha: Decimal
    restored_ha: Decimal
    note: str | None = None


@dataclass(frozen=True, slots=True)
class MineYear:
    """A report with what it was judged by: the money due and paid up to its year.

    Attributes:
        case: The case a shortfall opened, by its code; None also where it may not be seen.
        newest: No newer report of its year took its place.
    """

    id: int
    year: int
    disturbed_ha: Decimal
    planned_ha: Decimal
    restored_ha: Decimal
    fund_due: Decimal
    fund_paid: Decimal
    note: str | None
    actor: str | None
    at: datetime
    case: str | None
    newest: bool = True

    @property
    def area_missing_ha(self) -> Decimal:
        """What was planned and not restored."""
        return max(self.planned_ha - self.restored_ha, ZERO)

    @property
    def fund_missing(self) -> Decimal:
        """What was due and not paid into the fund."""
        return max(self.fund_due - self.fund_paid, ZERO)


_REPORTS = """
SELECT m.id, m.year, m.disturbed_ha, m.planned_ha, m.restored_ha, m.due, m.paid,
       CASE WHEN :known THEN m.note END, CASE WHEN :known THEN m.actor END, m.created_at, lc.code,
       m.id = max(m.id) OVER (PARTITION BY m.year) AS newest
  FROM mine_report m LEFT JOIN lead_case lc ON lc.id = m.case_id AND {seen}
 WHERE m.mine_id = :mine ORDER BY m.year DESC, m.id DESC
"""
_DISTRICT = text("""
WITH RECURSIVE above (id, level, parent_id, depth) AS (
  SELECT id, level, parent_id, 0 FROM region WHERE id = :region
  UNION ALL
  SELECT r.id, r.level, r.parent_id, depth + 1 FROM region r JOIN above ON r.id = above.parent_id
   WHERE depth < 20
)
SELECT id FROM above ORDER BY level <> 'district', depth LIMIT 1
""")
_CASE = text("SELECT id, code FROM lead_case WHERE source = :source AND external_id = :name")


async def list_reports(session: AsyncSession, mine: MineSeen, viewer: Viewer) -> Sequence[MineYear]:
    """The reports of a mine, from the newest year on, each year from its newest report on.

    Who reported, and the note, are for those at work in the region, a case for who may see it.
    """
    query = text(_REPORTS.format(seen=" AND ".join(("true", *visibility(CASES, viewer)))))
    values = {"mine": mine.id, "known": viewer.is_member([mine.region_id])}
    rows = await session.execute(query, {**values, **viewer_values(viewer)})
    return [MineYear(*row) for row in rows]


async def add_report(
    session: AsyncSession,
    code: str,
    identity: Identity,
    act: Act,
    new: NewMineReport,
    *,
    verify_days: int,
) -> MineYear:
    """Add the report of a producing mine; a shortfall opens a case, one for a mine and year.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        NotFound: there is no mine it may know of.
        InvalidInput: the year is still to come.
        Conflict: the mine does not produce or has no shape.
    """
    mine = await _hold_producing(session, code, identity, REPORTERS)
    today = await read_today(session)
    if new.year > today.year:
        rule = Label(f"不得晚于 {today.year} 年", f"must not lie after {today.year}")
        raise guards.refused("/year", rule)
    if mine.wkb is None:
        rule = Label("矿山尚无范围，须先绘制", "the mine has no shape yet: draw it first")
        raise refused("", rule)
    lines = await list_deposits(session, mine, identity.viewer)
    sums = sum_deposits((line.kind, line.amount) for line in lines if line.year <= new.year)
    case = None
    if new.restored_ha < new.planned_ha or sums.missing:
        case = await _case_of(session, act, mine, new.year, today, verify_days)
    row = MineReport(
        mine_id=mine.id,
        due=sums.due,
        paid=sums.paid,
        case_id=None if case is None else case[0],
        actor=act.actor,
        **asdict(new),
    )
    session.add(row)
    await session.flush()
    after = {
        "year": new.year,
        **{name: str(getattr(new, name)) for name in ("disturbed_ha", "planned_ha", "restored_ha")},
        "due": str(sums.due),
        "paid": str(sums.paid),
        "note": new.note,
        "case": None if case is None else case[1],
    }
    record(session, act, "create", table="mine_report", object_id=mine.code, after=after)
    found = await list_reports(session, mine, identity.viewer)
    return next(report for report in found if report.id == row.id)


async def _case_of(
    session: AsyncSession, act: Act, mine: MineSeen, year: int, today: date, verify_days: int
) -> tuple[int, str]:
    """The case of a mine's year, opened if there is none."""
    named = {"source": SOURCE, "name": f"{mine.code}/{year}"}
    found = (await session.execute(_CASE, named)).first()
    if found is None:
        lead = leads.Lead(
            source=SOURCE,
            external_id=named["name"],
            kind="mining",
            sensed_before=date(year - 1, 12, 31),
            sensed_after=min(date(year, 12, 31), today),
            confidence=None,
            wkb=mine.wkb or b"",
        )
        district = await session.scalar(_DISTRICT, {"region": mine.region_id})
        await leads.open_case(
            session, act, lead, leads.CaseRule({}, verify_days), (), 0.0, district
        )
        found = (await session.execute(_CASE, named)).one()
    return found.id, found.code


# A report is asked for from the year a mine was entered in the register on, or from the first it
# reported of, until it was closed.
_OVERDUE = text("""
SELECT mi.id, mi.region_id, asked.year, current_date - make_date(asked.year, 12, 31) AS days
  FROM mine mi
 CROSS JOIN LATERAL generate_series(
         least(greatest(mi.listed_year, CAST(extract(year FROM mi.created_at) AS int)),
               (SELECT min(m.year) FROM mine_report m WHERE m.mine_id = mi.id)),
         CAST(extract(year FROM least(current_date - interval '1 year', mi.closed_on)) AS int))
       AS asked (year)
 WHERE mi.id = ANY(:mines) AND mi.deleted_at IS NULL AND mi.kind = 'producing'
   AND NOT EXISTS (SELECT FROM mine_report m WHERE m.mine_id = mi.id AND m.year = asked.year)
 ORDER BY mi.id, asked.year
""")
_FUNDS = text("""
SELECT mi.id, mi.region_id, e.kind, sum(e.amount) AS amount
  FROM mine mi JOIN mine_deposit_entry e
    ON e.mine_id = mi.id AND e.year <= extract(year FROM current_date)
 WHERE mi.id = ANY(:mines) AND mi.deleted_at IS NULL
 GROUP BY mi.id, e.kind ORDER BY mi.id
""")
_RECLAMATIONS = text("""
SELECT rc.id, rc.region_id, rc.state, rc.end_on, current_date - rc.end_on AS days
  FROM reclamation rc
 WHERE rc.id = ANY(:entries) AND rc.deleted_at IS NULL AND rc.state IN ('in_use', 'reclaimed')
 ORDER BY rc.id
""")


async def read_overdue(session: AsyncSession, mines: Sequence[int]) -> list[LedgerStanding]:
    """What mines lack: reports of years that are over, in days since, and money due by now."""
    found = [
        LedgerStanding("mine_report_due", row.id, row.region_id, float(row.days), {}, year=row.year)
        for row in await session.execute(_OVERDUE, {"mines": list(mines)})
    ]
    funds: dict[tuple[int, int], list[tuple[str, Decimal]]] = {}
    for row in await session.execute(_FUNDS, {"mines": list(mines)}):
        funds.setdefault((row.id, row.region_id), []).append((row.kind, row.amount))
    for (mine, region), amounts in funds.items():
        sums = sum_deposits(amounts)
        told = {name: f"{getattr(sums, name):.2f}" for name in ("due", "paid", "missing")}
        lacking = float(sums.missing)
        found.append(LedgerStanding("mine_fund_short", mine, region, lacking, told))
    return found


async def read_overdue_reclamations(
    session: AsyncSession, entries: Sequence[int]
) -> list[LedgerStanding]:
    """By how many days the use of land is over that is not accepted as given back."""
    return [
        LedgerStanding(
            "reclamation_due",
            row.id,
            row.region_id,
            float(row.days),
            {"state": row.state, "due": row.end_on.isoformat()},
        )
        for row in await session.execute(_RECLAMATIONS, {"entries": list(entries)})
    ]
