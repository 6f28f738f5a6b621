"""Read cases: the list and what it can be filtered by, one case with its events, statistics."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.columns import Columns, choice
from shanhai.db.features.entity import (
    BOOLEAN,
    DATE,
    MOMENT,
    NUMBER,
    OBJECT,
    OBJECTS,
    TEXT,
    Entity,
    Property,
)
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.features.write import state_tag
from shanhai.db.identity import Viewer
from shanhai.db.tables.control import CaseEvent
from shanhai.db.tables.zone import Region
from shanhai.errors import InvalidInput, NotFound
from shanhai.vocabulary import CASE_RESULTS, CASE_STATES, LEAD_KINDS, Label

_OWN = Columns("lc")

CASES = Entity(
    name="cases",
    title=Label("红线线索", "Red-line leads"),
    description=Label(
        "管控区域内遥感发现的变化及其核查、整改与销号。",
        "Changes seen from above inside control areas, with their check, rectification and end.",
    ),
    table="lead_case",
    alias="lc",
    joins=" LEFT JOIN region r ON r.id = lc.region_id",
    live="true",
    # Only those see a case who work in its region.
    published="false",
    public="false",
    current="true",
    as_of="lc.created_at < CAST(:as_of AS date) + 1",
    interval=None,
    historic=False,
    path="/cases",
    properties=(
        Property("code", "lc.code", TEXT, Label("代码", "Code"), queryable=True, role="id"),
        _OWN.shown("state", choice(CASE_STATES), Label("状态", "State"), queryable=True),
        _OWN.shown("kind", choice(LEAD_KINDS), Label("变化类型", "Kind of change"), queryable=True),
        Property(
            "region", "r.code", TEXT, Label("区县", "District"), queryable=True, role="reference"
        ),
        _OWN.shown("due", DATE, Label("办理期限", "Due"), column="due_on", queryable=True),
        Property(
            "overdue",
            "coalesce(lc.due_on < current_date, false)",
            BOOLEAN,
            Label("逾期", "Overdue"),
            queryable=True,
        ),
        _OWN.shown("result", choice(CASE_RESULTS), Label("核查结果", "Result"), queryable=True),
        _OWN.shown("assignee", TEXT, Label("承办人", "Assignee"), queryable=True),
        _OWN.shown("source", TEXT, Label("线索来源", "Source of the lead"), queryable=True),
        _OWN.shown("external_id", TEXT, Label("来源编号", "Id at the source"), queryable=True),
        _OWN.shown("sensed_before", DATE, Label("前时相", "Sensed before"), queryable=True),
        _OWN.shown("sensed_after", DATE, Label("后时相", "Sensed after"), queryable=True),
        _OWN.shown("confidence", NUMBER, Label("置信度", "Confidence"), queryable=True),
        Property(
            "area_ha",
            "round((lc.area_m2 / 1e4)::numeric, 4)",
            NUMBER,
            Label("变化面积", "Changed area"),
            queryable=True,
            unit="ha",
        ),
        Property(
            "inside_ha",
            "round((lc.inside_m2 / 1e4)::numeric, 4)",
            NUMBER,
            Label("管控区域内面积", "Changed area inside the line"),
            queryable=True,
            unit="ha",
        ),
        _OWN.shown("lines", OBJECTS, Label("涉及管控区域", "Control areas met")),
        Property(
            "lead_geometry",
            "ST_AsGeoJSON(lc.geom, 7)::jsonb",
            OBJECT,
            Label("变化图斑", "Changed polygon"),
        ),
        _OWN.shown(
            "opened_at", MOMENT, Label("立案时间", "Opened at"), column="created_at", queryable=True
        ),
        _OWN.shown("closed_at", MOMENT, Label("销号时间", "Closed at"), queryable=True),
    ),
)


@dataclass(frozen=True, slots=True)
class CaseSeen:
    """A case a reader may know of."""

    id: int
    code: str
    state: str
    result: str | None
    region_id: int | None
    row_version: int

    @property
    def tag(self) -> str:
        """What tells this state of the row from others."""
        return state_tag(self.id, self.row_version)


async def find_case(
    session: AsyncSession, code: str, viewer: Viewer, *, lock: bool = False
) -> CaseSeen:
    """The case of a code, locked until the transaction ends where that is asked.

    Raises:
        NotFound: there is none the viewer may know of.
    """
    met = " AND ".join(("lc.code = :code", *visibility(CASES, viewer)))
    locking = " FOR NO KEY UPDATE OF lc" if lock else ""
    # Constants of the declaration; callers' values are bound.
    query = text(
        "SELECT lc.id, lc.code, lc.state, lc.result, lc.region_id, lc.row_version"  # noqa: S608
        f" FROM {CASES.source} WHERE {met}{locking}"
    )
    values = {"code": code, **viewer_values(viewer)}
    row = None if "\x00" in code else (await session.execute(query, values)).first()
    if row is None:
        raise NotFound(f"there is no case {code!r}", message_zh=f"没有案件 {code!r}")
    return CaseSeen(*row)


async def find_region(session: AsyncSession, code: str) -> int:
    """The id of the region a case is assigned to.

    Raises:
        InvalidInput: there is none.
    """
    query = select(Region.id).where(Region.code == code, Region.deleted_at.is_(None))
    found = None if "\x00" in code else await session.scalar(query)
    if found is None:
        raise InvalidInput(
            f"there is no region {code!r}", message_zh=f"没有区域 {code!r}", pointer="/region"
        )
    return found


async def read_events(session: AsyncSession, case_id: int) -> Sequence[CaseEvent]:
    """All that happened to a case, in its order."""
    query = select(CaseEvent).where(CaseEvent.case_id == case_id).order_by(CaseEvent.seq)
    return (await session.scalars(query)).all()


GROUPS = ("region", "state", "kind", "month")
"""What cases are counted by; months are those of their opening."""
COUNTS = """
SELECT {names}, GROUPING({names}) AS held,
       count(*) AS cases, sum(area_m2) AS area_m2, sum(inside_m2) AS inside_m2,
       count(*) FILTER (WHERE state <> 'closed') AS open,
       count(*) FILTER (WHERE due_on < current_date) AS overdue,
       min(name_zh) AS name_zh, min(name_en) AS name_en
  FROM (SELECT r.code AS region, r.name_zh, r.name_en, lc.state, lc.kind,
               to_char(lc.created_at, 'YYYY-MM') AS month, lc.area_m2, lc.inside_m2, lc.due_on
          FROM {source}
         WHERE {conditions}
           AND (CAST(:since AS date) IS NULL OR lc.created_at >= CAST(:since AS date))
           AND (CAST(:until AS date) IS NULL OR lc.created_at < CAST(:until AS date) + 1)) found
 GROUP BY GROUPING SETS ((), {sets})
 ORDER BY held, {names}
"""


@dataclass(frozen=True, slots=True)
class Count:
    """How many cases share something, and how much they changed.

    Attributes:
        value: What they share; None for all, and for cases in no district.
        inside_m2: What of the area lies inside watched lines.
        overdue: Those of which the next step is late.
        name: What the region is called that they share.
    """

    value: str | None
    cases: int
    area_m2: float
    inside_m2: float
    open: int
    overdue: int
    name: Label | None = None


async def read_statistics(
    session: AsyncSession, viewer: Viewer, *, since: date | None, until: date | None
) -> tuple[Count, dict[str, list[Count]]]:
    """The cases opened in a period that a viewer may see, together and by each of `GROUPS`."""
    # Constants of the declaration; callers' values are bound.
    statement = COUNTS.format(
        names=", ".join(GROUPS),
        sets=", ".join(f"({name})" for name in GROUPS),
        source=CASES.source,
        conditions=" AND ".join(("true", *visibility(CASES, viewer))),
    )
    values = {"since": since, "until": until, **viewer_values(viewer)}
    total = Count(None, 0, 0.0, 0.0, 0, 0)
    groups: dict[str, list[Count]] = {name: [] for name in GROUPS}
    for row in await session.execute(text(statement), values):
        figures = (row.cases, row.area_m2 or 0.0, row.inside_m2 or 0.0, row.open, row.overdue)
        # GROUPING has a bit for each column, the last one lowest, set where it was summed over.
        name = next((g for n, g in enumerate(reversed(GROUPS)) if not row.held >> n & 1), None)
        if name is None:
            total = Count(None, *figures)
        else:
            of_region = name == "region" and row.region is not None
            called = Label(row.name_zh, row.name_en) if of_region else None
            groups[name].append(Count(getattr(row, name), *figures, called))
    return total, groups
