"""A plan as its indicators need it, the indicators in its list, and the regions in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.indicators import PLAN_INDICATORS
from shanhai.db.collections.plans import PLANS
from shanhai.db.features.columns import rows_of, source_of
from shanhai.db.features.selection import Selection, bound_values, conditions, visibility
from shanhai.db.identity import Viewer
from shanhai.db.tables.provision import Party
from shanhai.errors import Fault, InvalidInput, NotFound
from shanhai.science.indicators import Direction
from shanhai.vocabulary import Label

LISTED = """
SELECT pi.code, pi.order_no, coalesce(pi.property, i.property), pi.category, pi.category_zh,
       pi.category_en, i.id, i.code, i.name_zh, i.name_en, i.unit, i.direction,
       o.code, o.name_zh, o.name_en, i.attrs->'least', i.attrs->'most'
  FROM {rows} pi
  JOIN indicator i ON i.id = pi.indicator_id
  LEFT JOIN party o ON o.id = pi.party_id
 WHERE pi.plan_id = :plan AND {state}
   AND (CAST(:code AS text) IS NULL OR pi.code = :code)
   AND (CAST(:department AS text) IS NULL OR o.code = :department)
 ORDER BY pi.order_no, pi.code
"""
LISTED_NOW = text(
    LISTED.format(
        rows=rows_of(PLAN_INDICATORS, former=False),
        state=f"pi.deleted_at IS NULL AND i.deleted_at IS NULL AND {PLAN_INDICATORS.current}",
    )
)
LISTED_THEN = text(
    LISTED.format(rows=rows_of(PLAN_INDICATORS, former=True), state=PLAN_INDICATORS.as_of)
)
IN_FORCE_ON = (
    "p.status IN ('approved', 'superseded') AND p.in_force @> CAST(:as_of AS date)"
    " AND coalesce(p.lineage_id, p.id) IN (SELECT coalesce(own.lineage_id, own.id) FROM plan own"
    " WHERE own.code = :code)"
)
WITHIN = """
WITH RECURSIVE within (id) AS (
  SELECT unnest(CAST(:tops AS bigint[]))
  UNION
  SELECT region.id FROM region JOIN within ON region.parent_id = within.id
)
SELECT id, code, name_zh, name_en FROM region
 WHERE code = :code AND deleted_at IS NULL
   AND (CAST(:tops AS bigint[]) = '{}' OR id IN (SELECT id FROM within))
"""


@dataclass(frozen=True, slots=True)
class PlanRegion:
    """A region by id, code and name."""

    id: int
    code: str
    name: Label


@dataclass(frozen=True, slots=True)
class CodedName:
    """What has a code and a name."""

    code: str
    name: Label

    def document(self) -> dict[str, Any]:
        """As documents show it."""
        return {"code": self.code, "name_zh": self.name.zh, "name_en": self.name.en}


@dataclass(frozen=True, slots=True)
class PlanSeen:
    """A plan a reader may know of; without a region it holds everywhere.

    `regions` are the ids of those that make a joint plan together. `as_of` is the day whose state
    is read, today's without one; `in_force` the edition that is in force on that day, if the reader
    may know of it.
    """

    id: int
    code: str
    name: Label
    status: str
    region: PlanRegion | None
    regions: tuple[int, ...] = ()
    as_of: date | None = None
    in_force: str | None = None

    @property
    def region_ids(self) -> frozenset[int]:
        """Its own region and those that make it together."""
        return frozenset([*self.regions, *([] if self.region is None else [self.region.id])])

    @property
    def day(self) -> dict[str, str]:
        """The parameter of links that lead to what is told of the same day."""
        return {} if self.as_of is None else {"as_of": self.as_of.isoformat()}


@dataclass(frozen=True, slots=True)
class Listed:
    """An indicator as a plan lists it; `indicator` is its code in the dictionary."""

    id: int
    code: str
    indicator: str
    name: Label
    unit: str
    direction: Direction
    binding: bool
    order: int
    category: CodedName | None
    department: CodedName | None
    least: float | None
    most: float | None

    def faults(self, value: Decimal | None, pointer: str) -> Sequence[Fault]:
        """What is said of a value, in its unit, that there cannot be: None bounds nothing."""
        low, high, unit = self.least, self.most, self.unit
        if value is not None and low is not None and value < low:
            return [Fault(pointer, f"must not be below {low} {unit}", f"不得小于 {low} {unit}")]
        if value is not None and high is not None and value > high:
            return [Fault(pointer, f"must not be above {high} {unit}", f"不得大于 {high} {unit}")]
        return []


async def find_plan(
    session: AsyncSession, code: str, viewer: Viewer, as_of: date | None = None
) -> PlanSeen:
    """The plan, of whatever day: its figures are judged after it ended, too.

    With `as_of` it is the plan as it was on that day.

    Raises:
        NotFound: there is none the viewer may know of.
        InvalidInput: there was none on that day, or none the viewer may know of.
    """
    row = await _find_row(session, code, viewer, as_of)
    if row is None:
        if as_of is not None and await _find_row(session, code, viewer, None) is not None:
            raise await _not_on_that_day(session, code, viewer, as_of)
        raise NotFound(f"there is no plan {code!r}", message_zh=f"没有规划 {code!r}")
    plan_id, plan_code, name_zh, name_en, status, regions, region_id, *region = row
    place = None if region_id is None else PlanRegion(region_id, region[0], Label(*region[1:]))
    in_force = None if as_of is None else await find_in_force(session, code, viewer, as_of)
    return PlanSeen(
        plan_id,
        plan_code,
        Label(name_zh, name_en),
        status,
        place,
        tuple(regions),
        as_of,
        in_force,
    )


async def _find_row(session: AsyncSession, code: str, viewer: Viewer, as_of: date | None) -> Any:
    if "\x00" in code:
        return None
    selection = Selection(viewer, code=code, as_of=as_of)
    former = as_of is not None
    met = (
        conditions(PLANS, selection)
        if former
        else (PLANS.live, "p.code = :code", *visibility(PLANS, viewer))
    )
    query = text(
        "SELECT p.id, p.code, p.name_zh, p.name_en, p.status, p.region_ids,"  # noqa: S608
        " r.id, r.code, r.name_zh, r.name_en"
        f" FROM {source_of(PLANS, former=former)} WHERE {' AND '.join(met)}"
        " ORDER BY p.id DESC LIMIT 1"
    )
    return (await session.execute(query, bound_values(selection))).first()


async def find_in_force(
    session: AsyncSession, code: str, viewer: Viewer, as_of: date
) -> str | None:
    """The edition of a plan that was in force on a day, if the viewer may know of it."""
    met = (*conditions(PLANS, Selection(viewer, as_of=as_of)), IN_FORCE_ON)
    query = text(
        f"SELECT p.code FROM {source_of(PLANS, former=True)}"  # noqa: S608
        f" WHERE {' AND '.join(met)} ORDER BY p.edition DESC LIMIT 1"
    )
    values = {**bound_values(Selection(viewer, as_of=as_of)), "code": code}
    found: str | None = await session.scalar(query, values)
    return found


async def _not_on_that_day(
    session: AsyncSession, code: str, viewer: Viewer, as_of: date
) -> InvalidInput:
    """What is said of an edition that is there now, and was not on the day asked for."""
    other = await find_in_force(session, code, viewer, as_of)
    en = f"there is nothing to read of the plan {code!r} on {as_of}"
    zh = f"规划 {code!r} 在 {as_of} 没有可读的内容"
    if other is not None:
        en, zh = f"{en}: {other!r} was in force", f"{zh}：当日施行的是 {other!r}"
    return InvalidInput(en, message_zh=zh, pointer="as_of")


async def list_indicators(
    session: AsyncSession, plan: PlanSeen, *, code: str | None = None, department: str | None = None
) -> Sequence[Listed]:
    """The indicators of the plan, in its order; or those a department answers for."""
    values = {"plan": plan.id, "code": code, "department": department}
    if plan.as_of is None:
        rows = await session.execute(LISTED_NOW, values)
    else:
        rows = await session.execute(LISTED_THEN, {**values, "as_of": plan.as_of})
    return [_listed(*row) for row in rows]


async def find_indicator(session: AsyncSession, plan: PlanSeen, code: str) -> Listed:
    """One indicator of the plan.

    Raises:
        NotFound: the plan has no such indicator.
    """
    found = await list_indicators(session, plan, code=code)
    if not found:
        raise NotFound(
            f"plan {plan.code!r} has no indicator {code!r}",
            message_zh=f"规划 {plan.code!r} 没有指标 {code!r}",
        )
    return found[0]


async def find_place(
    session: AsyncSession, plan: PlanSeen, code: str | None, *, pointer: str
) -> PlanRegion:
    """The region of the code, which lies in one of the plan; the one that leads without a code.

    Raises:
        InvalidInput: it does not, or there is none.
    """
    top = plan.region
    if code is None and top is None:
        raise InvalidInput(
            "the plan has no region of its own; name one",
            message_zh="该规划没有所属区域，请指定区域",
            pointer=pointer,
        )
    if top is not None and code in {None, top.code}:
        return top
    tops = [*plan.regions, *([] if top is None else [top.id])]
    values = {"code": code, "tops": tops}
    row = (await session.execute(text(WITHIN), values)).first()
    if row is None:
        raise InvalidInput(
            f"there is no region {code!r} in this plan",
            message_zh=f"该规划范围内没有区域 {code!r}",
            pointer=pointer,
        )
    return PlanRegion(row[0], row[1], Label(row[2], row[3]))


async def find_party(session: AsyncSession, code: str, *, pointer: str) -> int:
    """The id of a department or other party.

    Raises:
        InvalidInput: there is none of the code.
    """
    query = select(Party.id).where(Party.code == code, Party.deleted_at.is_(None))
    found = await session.scalar(query)
    if found is None:
        raise InvalidInput(
            f"there is no party {code!r}", message_zh=f"没有单位 {code!r}", pointer=pointer
        )
    return found


def ids(rows: Iterable[Listed] | Iterable[PlanRegion]) -> list[int]:
    """The ids of rows."""
    return [row.id for row in rows]


def _listed(code: str, order: int, kind: str, category: str | None, *rest: Any) -> Listed:
    category_zh, category_en, row_id, indicator, name_zh, name_en, unit, direction, *party = rest
    group = Label(category_zh or category or "", category_en or category or "")
    return Listed(
        row_id,
        code,
        indicator,
        Label(name_zh, name_en),
        unit,
        direction,
        kind == "binding",
        order,
        None if category is None else CodedName(category, group),
        None if party[0] is None else CodedName(party[0], Label(party[1], party[2])),
        *party[3:],
    )
