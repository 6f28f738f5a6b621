"""The ledger of a project: what was allocated to it, what was paid, what was given back.

Entries are only added. Whoever adds one holds the project's row and then the source's, so that two
at a time can never spend the same money.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from sqlalchemy import ColumnElement, case, exists, false, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shanhai.db.collections.programmes import FUND_SOURCES
from shanhai.db.engine import read_today
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Identity, demand_role
from shanhai.db.projects.queries import ProjectSeen, hold_project, refused
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.project import FundEntry, FundSource, ProjectMeasure
from shanhai.errors import Conflict, InvalidInput
from shanhai.vocabulary import Label, Role

EntryKind = Literal["allocation", "payment", "return"]
ENTRY_ROLES: dict[EntryKind, frozenset[Role]] = {
    "allocation": frozenset({Role.PLANNER, Role.APPROVER}),
    "payment": frozenset({Role.OWNER}),
    "return": frozenset({Role.OWNER, Role.APPROVER}),
}
"""Who promises money is not who spends it."""
PAYABLE = frozenset(
    {
        *("approved", "design", "implementation", "suspended", "acceptance", "monitoring"),
        *("effect_evaluation", "after_care"),
    }
)
"""States of projects that were approved and have not ended."""
ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An entry to be made; `source` is a code."""

    kind: EntryKind
    source: str
    amount: Decimal
    measure: str | None = None
    paid_on: date | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """An entry of the ledger."""

    id: int
    kind: str
    source: str
    year: int | None
    amount: Decimal
    measure: str | None
    paid_on: date | None
    note: str | None
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Balance:
    """What a project has of a source; `balance` is what can still be paid."""

    source: str
    name: Label
    kind: str
    year: int | None
    allowed_measures: Sequence[str] | None
    allocated: Decimal
    paid: Decimal

    @property
    def balance(self) -> Decimal:
        """What is left."""
        return self.allocated - self.paid


async def list_entries(session: AsyncSession, project_id: int) -> Sequence[LedgerEntry]:
    """The ledger of a project, from the first entry on."""
    query = (
        select(FundEntry, FundSource.code, FundSource.year)
        .join(FundSource, FundSource.id == FundEntry.source_id)
        .where(FundEntry.project_id == project_id)
        .order_by(FundEntry.id)
    )
    return [_entry(*row) for row in await session.execute(query)]


async def list_balances(session: AsyncSession, project_id: int) -> Sequence[Balance]:
    """What a project has of each source, by year and code."""
    allocated, paid = _sums()
    query = (
        select(FundSource, allocated, paid)
        .join(FundEntry, FundEntry.source_id == FundSource.id)
        .where(FundEntry.project_id == project_id)
        .group_by(FundSource.id)
        .order_by(FundSource.year, FundSource.code)
    )
    return [
        Balance(
            row.code,
            Label(row.name_zh, row.name_en),
            row.kind,
            row.year,
            row.allowed_measures,
            given,
            spent,
        )
        for row, given, spent in await session.execute(query)
    ]


def by_year(balances: Iterable[Balance]) -> dict[int | None, tuple[Decimal, Decimal]]:
    """What was allocated and paid of the sources of each year."""
    found: dict[int | None, tuple[Decimal, Decimal]] = {}
    for item in balances:
        allocated, paid = found.get(item.year, (ZERO, ZERO))
        found[item.year] = (allocated + item.allocated, paid + item.paid)
    return found


async def add_entry(
    session: AsyncSession, project_code: str, identity: Identity, act: Act, new: NewEntry
) -> LedgerEntry:
    """Move money by an entry of the ledger.

    Raises:
        Unauthenticated, Forbidden: the identity may not, for the project or a source's region.
        NotFound: there is no project it may know of.
        InvalidInput: the source or the measure is not known, the source has ended, or the day of
            the payment is still to come.
        Conflict: the money is not there, or is for other measures.
    """
    # What is left of a project that was given up still goes back.
    unended = new.kind != "return"
    roles = ENTRY_ROLES[new.kind]
    project = await hold_project(session, project_code, identity, roles, unended=unended)
    source = await _hold_source(session, new, project, identity)
    measures = select(ProjectMeasure.measure).where(ProjectMeasure.project_id == project.id)
    _demand_measure(new, source, set(await session.scalars(measures)))
    match new.kind:
        case "allocation":
            await _demand_available(session, source, new)
        case "payment":
            _demand_payable(project)
            if new.paid_on is not None and new.paid_on > await read_today(session):
                en, zh = f"{new.paid_on} is still to come", f"支付日期 {new.paid_on} 晚于今天"
                raise InvalidInput(en, message_zh=zh, pointer="/paid_on")
            await _demand_balance(session, project, source, new)
        case "return":
            await _demand_balance(session, project, source, new)
    row = FundEntry(
        source_id=source.id,
        project_id=project.id,
        kind=new.kind,
        amount=new.amount,
        measure=new.measure,
        paid_on=new.paid_on,
        note=new.note,
        actor=act.actor,
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    after = {
        "id": row.id,
        "kind": new.kind,
        "source": source.code,
        "amount": str(row.amount),
        "measure": new.measure,
        "paid_on": None if new.paid_on is None else new.paid_on.isoformat(),
        "note": new.note,
    }
    record(session, act, "create", table="fund_entry", object_id=project.code, after=after)
    return _entry(row, source.code, source.year)


def _entry(row: FundEntry, source: str, year: int | None) -> LedgerEntry:
    return LedgerEntry(
        row.id,
        row.kind,
        source,
        year,
        row.amount,
        row.measure,
        row.paid_on,
        row.note,
        row.actor,
        row.created_at,
    )


def _sums() -> tuple[ColumnElement[Decimal], ColumnElement[Decimal]]:
    """What was allocated and not given back, and what was paid."""
    signed = case(
        (FundEntry.kind == "allocation", FundEntry.amount),
        (FundEntry.kind == "return", -FundEntry.amount),
        else_=0,
    )
    paid = case((FundEntry.kind == "payment", FundEntry.amount), else_=0)
    return func.coalesce(func.sum(signed), ZERO), func.coalesce(func.sum(paid), ZERO)


async def _hold_source(
    session: AsyncSession, new: NewEntry, project: ProjectSeen, identity: Identity
) -> FundSource:
    """The source, locked; what it gave the project moves on, though it ended or is not seen."""
    source, viewer = aliased(FundSource, name=FUND_SOURCES.alias), identity.viewer
    met = (FUND_SOURCES.current, *visibility(FUND_SOURCES, viewer))
    moved = exists().where(FundEntry.source_id == source.id, FundEntry.project_id == project.id)
    given = false() if new.kind == "allocation" else moved
    query = (
        select(source)
        .where(source.code == new.source, source.deleted_at.is_(None))
        .where(or_(text(" AND ".join(met)), given))
        .with_for_update()
    )
    row = (await session.scalars(query, viewer_values(viewer))).first()
    if row is None:
        raise InvalidInput(
            f"there is no source of funds {new.source!r}",
            message_zh=f"没有资金来源 {new.source!r}",
            pointer="/source",
        )
    if new.kind == "allocation" and row.region_id is not None:
        demand_role(identity, ENTRY_ROLES[new.kind], row.region_id)
    return row


def _demand_measure(new: NewEntry, source: FundSource, measures: set[str]) -> None:
    """Refuse money for measures the project has not, or the source is not for."""
    if new.measure is not None and new.measure not in measures:
        raise InvalidInput(
            f"the project has no measure {new.measure!r}",
            message_zh=f"该项目没有措施 {new.measure!r}",
            pointer="/measure",
        )
    allowed = source.allowed_measures
    if allowed is None or new.kind == "return":
        return
    listed = ", ".join(allowed) or "-"
    if new.measure is None and new.kind == "payment":
        raise _earmarked(source, f"须指明措施；可用于：{listed}", f"name the measure; for {listed}")
    if new.measure is not None and new.measure not in allowed:
        raise _earmarked(source, f"仅可用于：{listed}", f"it is only for {listed}")
    if new.measure is None and not measures.intersection(allowed):
        raise _earmarked(
            source, f"项目没有可用措施：{listed}", f"the project has none of the measures {listed}"
        )


def _earmarked(source: FundSource, zh: str, en: str) -> Conflict:
    return refused(
        "/measure",
        Label(f"资金 {source.code!r} 限定用途，{zh}", f"{source.code!r} is earmarked: {en}"),
    )


async def _demand_available(session: AsyncSession, source: FundSource, new: NewEntry) -> None:
    allocated, _ = _sums()
    given = await session.scalar(select(allocated).where(FundEntry.source_id == source.id))
    left = source.amount - (given or ZERO)
    if new.amount > left:
        raise refused(
            "/amount",
            Label(
                f"资金 {source.code!r} 尚可分配 {left}",
                f"{source.code!r} has {left} left to allocate",
            ),
        )


async def _demand_balance(
    session: AsyncSession, project: ProjectSeen, source: FundSource, new: NewEntry
) -> None:
    allocated, paid = _sums()
    query = select(allocated - paid).where(
        FundEntry.source_id == source.id, FundEntry.project_id == project.id
    )
    left = await session.scalar(query) or ZERO
    if new.amount > left:
        raise refused(
            "/amount",
            Label(
                f"项目在资金 {source.code!r} 中的余额为 {left}",
                f"the project's balance of {source.code!r} is {left}",
            ),
        )


def _demand_payable(project: ProjectSeen) -> None:
    if project.state not in PAYABLE:
        raise refused(
            "",
            Label(
                f"项目状态为 {project.state!r}，不得支付",
                f"the project is {project.state!r}: nothing is paid before approval",
            ),
        )
