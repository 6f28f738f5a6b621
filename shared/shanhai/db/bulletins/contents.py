"""What bulletins state: events of a period in a region, and what their maps show."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db import balances
from shanhai.db.collections.compensation import COMPENSATION_AGREEMENTS
from shanhai.db.collections.mines import MINES, RECLAMATIONS
from shanhai.db.collections.patterns import CORRIDORS
from shanhai.db.features.columns import IN_FORCE, holds_on
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Viewer
from shanhai.db.mines import OURS, read_overdue
from shanhai.db.projects.queries import seen_projects, seen_values
from shanhai.monitoring.thresholds import measure_unit

WITHIN = """
within (id) AS (
  SELECT CAST(:region AS bigint)
  UNION
  SELECT region.id FROM region JOIN within ON region.parent_id = within.id
)"""
# An alert belongs to the time its values are of, however late these came.
BEGAN = "CASE WHEN a.station_id IS NULL THEN a.opened_at ELSE a.began_at END"
# Days begin in the zone of the session, which is that of the platform.
DURING = "{0} >= CAST(:first AS date)::timestamptz AND {0} < (CAST(:last AS date) + 1)::timestamptz"
MOST_ALERTS = 10_000
# Alerts of cases are left out: leads are counted by themselves, without saying which.
_ALERTS = text(f"""
  WITH RECURSIVE {WITHIN}
  SELECT a.level, a.status, r.kind, r.name_zh AS rule_zh, r.name_en AS rule_en, r.balance_kind,
         s.code AS station, a.target_year,
         coalesce(s.name_zh, i.name_zh, g.name_zh, du.name_zh, cg.name_zh, mi.name_zh, rc.name_zh)
           AS subject_zh,
         coalesce(s.name_en, i.name_en, g.name_en, du.name_en, cg.name_en, mi.name_en, rc.name_en)
           AS subject_en,
         p.code AS property, p.name_zh AS property_zh, p.name_en AS property_en, p.unit,
         a.measure, CAST({BEGAN} AS date) AS began_on, CAST(a.closed_at AS date) AS closed_on,
         coalesce((SELECT e.kind FROM alert_event e
                    WHERE e.alert_id = a.id AND a.status = 'closed'
                      AND e.kind NOT IN ('opened', 'raised', 'acknowledged', 'commented')
                    ORDER BY e.id DESC LIMIT 1), a.status) AS outcome
    FROM alert a
    JOIN alert_rule r ON r.id = a.rule_id
    LEFT JOIN station s ON s.id = a.station_id
    LEFT JOIN plan_indicator pi ON pi.id = a.plan_indicator_id
    LEFT JOIN indicator i ON i.id = pi.indicator_id
    LEFT JOIN region g ON g.id = a.target_region_id AND a.plan_indicator_id IS NULL
    LEFT JOIN duty du ON du.id = a.duty_id
    LEFT JOIN compensation_agreement cg ON cg.id = a.agreement_id
    LEFT JOIN mine mi ON mi.id = a.mine_id AND :known
    LEFT JOIN reclamation rc ON rc.id = a.reclamation_id AND (:known OR rc.visibility = 'public')
    LEFT JOIN observed_property p ON p.id = r.property_id
   WHERE (du.plan_id = :plan OR a.station_id = ANY(CAST(:stations AS bigint[]))
          OR (pi.plan_id = :plan OR g.id IS NOT NULL)
             AND a.target_region_id IN (SELECT id FROM within)
          OR coalesce(cg.region_id, mi.region_id, rc.region_id) IN (SELECT id FROM within))
     AND {DURING.format(f"({BEGAN})")}
   ORDER BY {BEGAN}, a.id
   LIMIT {MOST_ALERTS}
""")  # noqa: S608 - constants of this file
_LEADS = text(f"""
  WITH RECURSIVE {WITHIN}
  SELECT lc.state, lc.kind, lc.result, count(*), sum(lc.area_m2), sum(lc.inside_m2),
         count(*) FILTER (WHERE lc.due_on < current_date)
    FROM lead_case lc
   WHERE lc.region_id IN (SELECT id FROM within) AND {DURING.format("lc.created_at")}
   GROUP BY lc.state, lc.kind, lc.result
   ORDER BY lc.state, lc.kind, lc.result
""")  # noqa: S608 - constants of this file
_PROJECTS = f"""
SELECT s.code, s.name_zh, s.name_en, s.state, st.name_zh AS state_zh, st.name_en AS state_en,
       st.order_no, s.start_year, s.end_year, s.cost, coalesce(f.allocated, 0) AS allocated,
       coalesce(f.paid, 0) AS paid, m.progress_percent, coalesce(e.steps, 0) AS steps
  FROM seen s
  JOIN project_state st ON st.state = s.state
  LEFT JOIN LATERAL (
    SELECT sum(CASE x.kind WHEN 'allocation' THEN x.amount WHEN 'return' THEN -x.amount END)
             AS allocated,
           sum(x.amount) FILTER (WHERE x.kind = 'payment') AS paid
      FROM fund_entry x WHERE x.project_id = s.id) f ON true
  LEFT JOIN LATERAL (
    SELECT avg(100 * least(coalesce(x.done, 0) / x.planned, 1)) AS progress_percent
      FROM project_measure x WHERE x.project_id = s.id AND x.planned > 0) m ON true
  LEFT JOIN LATERAL (
    SELECT count(*) AS steps FROM project_event x
     WHERE x.project_id = s.id AND {DURING.format("x.at")}) e ON true
 ORDER BY st.order_no, s.code
"""  # noqa: S608 - constants of this file
IN_REGION = "pj.region_id IN (SELECT id FROM within)"
OF_PLAN = (
    "(CAST(:plan AS bigint) IS NULL OR EXISTS (SELECT FROM plan_membership member"
    " WHERE member.plan_id = :plan AND member.project_id = pj.id))"
)


_SETTLEMENTS = f"""
WITH RECURSIVE {WITHIN}, year (year) AS (
  SELECT generate_series(2000, CAST(extract(year FROM CAST(:last AS date) + 1) AS int) - 1)
)
SELECT cg.code, cg.name_zh, cg.name_en, year.year, ru.name_zh AS upstream_zh,
       ru.name_en AS upstream_en, rd.name_zh AS downstream_zh, rd.name_en AS downstream_en,
       coalesce(x.state, 'unproposed') AS state, CAST(abs(x.amount) AS text) AS amount,
       CASE sign(x.amount) WHEN 1 THEN 'downstream' WHEN -1 THEN 'upstream' END AS payer, x.paid_on
  FROM compensation_agreement cg
  JOIN region ru ON ru.id = cg.upstream_id JOIN region rd ON rd.id = cg.downstream_id
  JOIN year ON year.year BETWEEN cg.first_year AND coalesce(cg.last_year, year.year)
  LEFT JOIN compensation_settlement x
    ON x.agreement_id = cg.id AND x.year = year.year AND x.state <> 'withdrawn'
 WHERE cg.deleted_at IS NULL AND {{seen}} AND cg.state <> 'draft'
   AND (cg.region_id IN (SELECT id FROM within) OR cg.upstream_id IN (SELECT id FROM within)
        OR cg.downstream_id IN (SELECT id FROM within))
   AND (x.id IS NULL AND cg.state = 'in_force' OR EXISTS (
     SELECT FROM compensation_event e
      WHERE e.settlement_id = x.id AND {DURING.format("e.at")}))
 ORDER BY cg.code, year.year
"""  # noqa: S608 - constants of this file
_ACCEPTED_MINES = f"""
WITH RECURSIVE {WITHIN}
SELECT mi.code, mi.name_zh, mi.name_en, CAST(mi.accepted_area_ha AS text) AS area_ha, mi.accepted_on
  FROM {{source}}
 WHERE {{seen}} AND mi.region_id IN (SELECT id FROM within) AND {OURS}
   AND mi.state IN ('accepted', 'watched') AND mi.accepted_area_ha IS NOT NULL
   AND mi.accepted_on BETWEEN :first AND :last
 ORDER BY mi.accepted_on, mi.code
"""  # noqa: S608 - constants of this file
_LANDS = f"""
WITH RECURSIVE {WITHIN}
SELECT rc.code, rc.name_zh, rc.name_en, rc.state, rc.end_on, rc.accepted_on
  FROM {{source}}
 WHERE {{seen}} AND rc.region_id IN (SELECT id FROM within)
   AND (rc.state IN ('in_use', 'reclaimed') AND rc.end_on <= :last
        OR rc.state = 'accepted' AND rc.accepted_on BETWEEN :first AND :last)
 ORDER BY rc.end_on, rc.code
"""  # noqa: S608 - constants of this file
_PRODUCING = text(f"""
WITH RECURSIVE {WITHIN}
SELECT mi.id, mi.code, mi.name_zh, mi.name_en FROM mine mi
 WHERE mi.kind = 'producing' AND mi.deleted_at IS NULL AND mi.region_id IN (SELECT id FROM within)
 ORDER BY mi.code
""")  # noqa: S608 - constants of this file


@dataclass(slots=True)
class Leads:
    """Figures over leads, each by what it is counted by."""

    opened: int = 0
    open: int = 0
    overdue: int = 0
    area_m2: float = 0.0
    inside_m2: float = 0.0
    by_state: Counter[str] = field(default_factory=Counter)
    by_kind: Counter[str] = field(default_factory=Counter)
    by_result: Counter[str] = field(default_factory=Counter)


async def read_alerts(
    session: AsyncSession,
    region_id: int,
    plan_id: int | None,
    stations: Sequence[int],
    viewer: Viewer,
    first: date,
    last: date,
) -> list[dict[str, Any]]:
    """The alerts that began at some stations, of a plan and of a region's ledgers, in their order.

    What mines owe is for readers with an identity.
    """
    values = {
        "region": region_id,
        "plan": plan_id,
        "stations": list(stations),
        "known": knows_arrears(viewer),
        "first": first,
        "last": last,
    }
    rows = (await session.execute(_ALERTS, values)).mappings()
    return [_alert(dict(row)) for row in rows]


def _alert(row: dict[str, Any]) -> dict[str, Any]:
    """An alert with the unit of its measure, and what a subject that has no name is called."""
    kind, year = row.pop("balance_kind"), row.pop("target_year")
    if row["kind"] == "settlement_waiting" or row["kind"] == "mine_report_due":
        row |= {name: f"{row[name]} {year}" for name in ("subject_zh", "subject_en")}
    if kind is not None:
        term = balances.KIND_OF[kind]
        row["subject_zh"] += f" · {term.label.zh}"
        row["subject_en"] += f" · {term.label.en}"
        row["unit"] = term.unit
    return row | {"unit": measure_unit(row["kind"], row["unit"])}


def knows_arrears(viewer: Viewer) -> bool:
    """Whether a reader may know what mines report and owe: whoever has an identity may."""
    return viewer.sees_all or viewer.known


async def count_leads(session: AsyncSession, region_id: int, first: date, last: date) -> Leads:
    """Figures over the leads that were opened, without any place."""
    found = Leads()
    rows = await session.execute(_LEADS, {"region": region_id, "first": first, "last": last})
    for state, kind, result, number, area, inside, overdue in rows:
        found.opened += number
        found.open += number if state != "closed" else 0
        found.overdue += overdue
        found.area_m2 += area or 0.0
        found.inside_m2 += inside or 0.0
        found.by_state[state] += number
        found.by_kind[kind] += number
        if result is not None:
            found.by_result[result] += number
    return found


async def read_projects(
    session: AsyncSession,
    region_id: int,
    plan_id: int | None,
    viewer: Viewer,
    first: date,
    last: date,
) -> list[dict[str, Any]]:
    """The projects a viewer may know of, of a plan where one is given, by state and code."""
    query = f"WITH RECURSIVE {WITHIN}, {seen_projects(viewer, IN_REGION, OF_PLAN)}{_PROJECTS}"
    values = seen_values(viewer, region=region_id, plan=plan_id, first=first, last=last)
    return [dict(row) for row in (await session.execute(text(query), values)).mappings()]


async def read_settlements(
    session: AsyncSession, region_id: int, viewer: Viewer, first: date, last: date
) -> list[dict[str, Any]]:
    """The settlements a viewer may know of that had a step in a period, and years that lack one.

    Of agreements that a region, or one below it, keeps or is a side of.
    """
    seen = visibility(COMPENSATION_AGREEMENTS, viewer)
    query = text(_SETTLEMENTS.format(seen=" AND ".join(["true", *seen])))
    values = {"region": region_id, "first": first, "last": last, **viewer_values(viewer)}
    return [dict(row) for row in (await session.execute(query, values)).mappings()]


async def read_mines(
    session: AsyncSession, region_id: int, viewer: Viewer, first: date, last: date
) -> dict[str, Any]:
    """Mines accepted in a period, land to be given back, and what mines owe, as one may know it."""
    values = {"region": region_id, "first": first, "last": last, **viewer_values(viewer)}
    found: dict[str, Any] = {"arrears": None}
    for name, query, entity in (
        ("accepted", _ACCEPTED_MINES, MINES),
        ("lands", _LANDS, RECLAMATIONS),
    ):
        seen = [entity.live, *visibility(entity, viewer)]
        given = text(query.format(source=entity.source, seen=" AND ".join(seen)))
        found[name] = [dict(row) for row in (await session.execute(given, values)).mappings()]
    if knows_arrears(viewer):
        found["arrears"] = await _arrears(session, region_id, last)
    return found


async def _arrears(session: AsyncSession, region_id: int, last: date) -> list[dict[str, Any]]:
    """What mines lack: reports of years that were over on a day, and money that is due."""
    mines = (await session.execute(_PRODUCING, {"region": region_id})).all()
    years: dict[int, list[int]] = {}
    missing: dict[int, str] = {}
    for one in await read_overdue(session, [mine.id for mine in mines]):
        if one.kind == "mine_fund_short" and one.measure:
            missing[one.entry] = one.facts["missing"]
        elif one.year is not None and one.year < (last + timedelta(days=1)).year:
            years.setdefault(one.entry, []).append(one.year)
    return [
        {
            **{name: getattr(mine, name) for name in ("code", "name_zh", "name_en")},
            "years": years.get(mine.id, []),
            "missing": missing.get(mine.id, "0.00"),
        }
        for mine in mines
        if mine.id in years or mine.id in missing
    ]


DIGITS = 5
"""Decimals of degrees: a metre, much less than a map of a region shows."""
GRAIN_DEGREES = 0.0005
"""Shapes are drawn a few hundred pixels wide; what is smaller than this cannot be seen."""
_SCHEME = text("""
  SELECT id, code, name_zh, name_en,
         (SELECT f FROM zone v, jsonb_array_elements(v.attrs->'flags') f
           WHERE v.scheme_id = zone_scheme.id AND v.deleted_at IS NULL
             AND f->>'code' = 'robustness' ORDER BY v.id LIMIT 1) AS robustness
    FROM zone_scheme
   WHERE region_id = :region AND status IN ('published', 'superseded') AND deleted_at IS NULL
     AND valid_from <= :day AND (valid_to IS NULL OR valid_to > :day)
     AND EXISTS (SELECT FROM zone z WHERE z.scheme_id = zone_scheme.id
                    AND z.geom IS NOT NULL AND z.deleted_at IS NULL)
   ORDER BY valid_from DESC, id DESC LIMIT 1
""")
_ZONES = text("""
  SELECT c.class_code, c.name_zh, c.name_en, c.color, sum(z.area_m2) AS area_m2,
         CAST(ST_AsGeoJSON(ST_CollectionExtract(ST_Collect(
           ST_SimplifyPreserveTopology(z.geom, :grain)), 3), :digits, 0) AS jsonb) AS geometry
    FROM zone z JOIN zone_class c ON c.id = z.class_id
   WHERE z.scheme_id = :scheme AND z.geom IS NOT NULL AND z.deleted_at IS NULL
   GROUP BY c.class_code, c.name_zh, c.name_en, c.color, c.order_no
   ORDER BY c.order_no, c.class_code
""")


@dataclass(frozen=True, slots=True)
class ZoningInForce:
    """A zoning in force; `robustness` is the flag of that code, where its zones have one."""

    id: int
    code: str
    name_zh: str
    name_en: str
    robustness: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class ZoneShape:
    """All zones of one class of a scheme; the geometry is GeoJSON, generalised."""

    code: str
    name_zh: str
    name_en: str
    color: str | None
    area_m2: float
    geometry: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class CorridorShape:
    """A corridor; its geometry is GeoJSON, generalised."""

    type: str
    length_m: float
    geometry: dict[str, Any] | None


async def find_scheme(session: AsyncSession, region_id: int, day: date) -> ZoningInForce | None:
    """The published zoning of a region that was in force on a day and is drawn."""
    row = (await session.execute(_SCHEME, {"region": region_id, "day": day})).first()
    return None if row is None else ZoningInForce(*row)


async def read_zones(session: AsyncSession, scheme_id: int) -> list[ZoneShape]:
    """The classes of a zoning with their areas and shapes."""
    values = {"scheme": scheme_id, "grain": GRAIN_DEGREES, "digits": DIGITS}
    return [ZoneShape(*row) for row in await session.execute(_ZONES, values)]


async def read_corridors(
    session: AsyncSession, region_id: int, viewer: Viewer
) -> list[CorridorShape]:
    """The corridors of a region a viewer may know of that are drawn, the longest first."""
    met = (
        *(CORRIDORS.live, CORRIDORS.published, CORRIDORS.current),
        holds_on(IN_FORCE, "current_date"),
        *("co.region_id = :region", "co.geom IS NOT NULL"),
        *visibility(CORRIDORS, viewer),
    )
    query = text(
        "SELECT co.type, co.length_m, CAST(ST_AsGeoJSON("  # noqa: S608 - constants
        "ST_SimplifyPreserveTopology(co.geom, :grain), :digits, 0) AS jsonb)"
        f" FROM {CORRIDORS.source} WHERE {' AND '.join(f'({one})' for one in met)}"
        " ORDER BY co.length_m DESC, co.code LIMIT 2000"
    )
    values = {"region": region_id, "grain": GRAIN_DEGREES, "digits": DIGITS}
    rows = await session.execute(query, {**values, **viewer_values(viewer)})
    return [CorridorShape(*row) for row in rows]
