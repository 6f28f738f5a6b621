"""Run all checks of a plan on its figures, and store the findings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import Date, Select, Table, cast, column, func, or_, select, table, text, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import ColumnElement

from shanhai.db.balances import RegionNamed, read_year_balances
from shanhai.db.base import Base
from shanhai.db.identity import PUBLIC
from shanhai.db.quality.figure_checks import check_shares, check_targets, check_zoning
from shanhai.db.quality.ledger_checks import check_ledgers
from shanhai.db.quality.list_checks import check_coverage
from shanhai.db.quality.plan_figures import PlanFigures, PlanFinding
from shanhai.db.tables.control import DataFinding, PlanCheck
from shanhai.vocabulary import Label

FOUND = ("kind", "severity", "text_zh", "text_en", "figures", "resolved_at")
"""Columns by which a finding is changed."""
SEVERITY_ORDER = ("high", "medium", "low", "info")


def check_plan(figures: PlanFigures) -> list[PlanFinding]:
    """What the checks find in a plan's figures."""
    checks = (check_zoning, check_shares, check_targets, check_coverage, check_ledgers)
    found = [finding for check in checks for finding in check(figures)]
    return sorted(found, key=lambda item: (SEVERITY_ORDER.index(item.severity), item.code))


TABLES = Base.metadata.tables
OF_PLAN = (
    *("control_area", "duty", "pattern", "plan_figure", "plan_indicator", "plan_provision"),
    *("problem", "programme"),
)
"""Tables whose rows name the plan they belong to."""
OF_LINEAGE = ("mine", "title")
"""Tables whose rows name the edition they were first in; those that follow have them, too."""
OF_REGION = ("demonstration_criterion", "demonstration_member", "demonstration_score", "outfall")
"""Tables whose rows name a region and no plan, and which everybody may read."""
_BELOW = text("""
  WITH RECURSIVE below (id) AS (
    SELECT region_id FROM plan WHERE id = :plan AND region_id IS NOT NULL
    UNION SELECT r.id FROM region r JOIN below ON r.parent_id = below.id
     WHERE r.deleted_at IS NULL)
  SELECT id FROM below
""")
# Of other species the region of a record says more than everybody may know.
_STRAYED = text("""
  SELECT o.code, count(*) OVER () AS matched FROM occurrence o JOIN region r ON r.id = o.region_id
   WHERE r.id = ANY (:regions) AND o.sensitivity = 'open' AND o.state = 'verified'
     AND o.deleted_at IS NULL AND o.geom IS NOT NULL AND r.geom IS NOT NULL
     AND NOT ST_Intersects(r.geom, o.geom)
   ORDER BY o.code LIMIT 20
""")
MEMBERS = table("plan_membership", *map(column, ("plan_id", "project_id", "programme_id")))


@dataclass(frozen=True, slots=True)
class FindingCounts:
    """How many findings there are, and how many of them are new, changed or gone."""

    found: int
    changed: int


async def check_and_keep(session: AsyncSession, plan_id: int) -> FindingCounts:
    """Check a plan and keep what is found; findings that no longer hold are marked as resolved."""
    findings = check_plan(await read_figures(session, plan_id))
    changed = await _keep(session, plan_id, findings)
    # Compared here: PostgreSQL would compare each with each where its work memory is small.
    held = {finding.code for finding in findings}
    of_plan = DataFinding.plan_id == plan_id, DataFinding.resolved_at.is_(None)
    told = await session.execute(select(DataFinding.id, DataFinding.code).where(*of_plan))
    gone = [row.id for row in told if row.code not in held]
    known = TABLES["data_finding"]
    past = known.c.id == func.any(cast(gone, ARRAY(known.c.id.type)))
    await session.execute(update(known).where(past, *of_plan).values(resolved_at=func.now()))
    noted = insert(PlanCheck).values(plan_id=plan_id)
    again = {"last_at": noted.excluded.last_at}
    await session.execute(
        noted.on_conflict_do_update(index_elements=[PlanCheck.plan_id], set_=again)
    )
    return FindingCounts(len(findings), changed + len(gone))


async def was_checked(session: AsyncSession, plan_id: int, as_of: date | None = None) -> bool:
    """Whether the checks ran over a plan, by the end of a day where one is asked for."""
    query = select(PlanCheck.plan_id).where(PlanCheck.plan_id == plan_id)
    if as_of is not None:
        query = query.where(cast(PlanCheck.first_at, Date) <= as_of)
    return await session.scalar(query) is not None


async def read_figures(session: AsyncSession, plan_id: int) -> PlanFigures:
    """What the database knows of a plan."""
    plan = (await _rows(session, "plan", TABLES["plan"].c.id == plan_id))[0]
    region_id = select(TABLES["plan"].c.region_id).where(TABLES["plan"].c.id == plan_id)
    wanted = {name: TABLES[name].c.plan_id == plan_id for name in OF_PLAN}
    wanted |= _further(plan_id, region_id.scalar_subquery())
    rows = {name: await _rows(session, name, condition) for name, condition in wanted.items()}
    for name in OF_LINEAGE:
        named = TABLES[name].c.plan_id
        found = await _rows(session, name, or_(named == plan_id, named.in_(_others(plan_id))))
        rows[name] = [{**row, "plan": plan["code"]} for row in found]
    rows["project"] = await _projects(session, plan["code"], plan_id)
    rows["project_problem"] = await _links(session, plan_id)
    rows |= await _of_region(session, plan_id, plan)
    return PlanFigures(plan, rows)


async def _of_region(
    session: AsyncSession, plan_id: int, plan: Mapping[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    """The ledgers of the plan's region and of those below it, as everybody may read them."""
    below = list(await session.scalars(_BELOW, {"plan": plan_id}))
    if not below:
        return {}
    found = {
        name: await _rows(session, name, TABLES[name].c.region_id.in_(below)) for name in OF_REGION
    }
    strayed = await session.execute(_STRAYED, {"regions": below})
    found["occurrence"] = [dict(row) for row in strayed.mappings()]
    region = RegionNamed(below[0], plan["region"], Label("", ""))
    found["balance"] = [
        {"region": one.region, "kind": one.kind}
        | {"taken": one.tally.taken.amount, "given": one.tally.given.amount}
        for one in await read_year_balances(session, PUBLIC, region)
    ]
    return found


async def _projects(session: AsyncSession, code: str, plan_id: int) -> list[dict[str, Any]]:
    """The projects in the plan, with the programmes they are in there."""
    programme = TABLES["programme"]
    query = (
        select(MEMBERS.c.project_id, programme.c.code)
        .outerjoin(programme, programme.c.id == MEMBERS.c.programme_id)
        .where(MEMBERS.c.plan_id == plan_id)
    )
    programmes = {row.project_id: row.code for row in await session.execute(query)}
    rows = await _rows(session, "project", TABLES["project"].c.id.in_(programmes))
    return [{**row, "plan": code, "programme": programmes[row["id"]]} for row in rows]


async def _links(session: AsyncSession, plan_id: int) -> list[dict[str, Any]]:
    """Which problems of the plan its projects act on; what acts on one acts on its copy, too."""
    link, project, problem = (TABLES[name] for name in ("project_problem", "project", "problem"))
    acted_on = link.c.problem_id.in_((problem.c.id, problem.c.copied_from_id))
    query = (
        select(project.c.code.label("project"), problem.c.code.label("problem"))
        .select_from(link)
        .join(project, project.c.id == link.c.project_id)
        .join(problem, acted_on)
        .where(problem.c.plan_id == plan_id, problem.c.deleted_at.is_(None))
        .where(project.c.id.in_(_members(plan_id)))
        .distinct()
    )
    return [dict(row) for row in (await session.execute(query)).mappings()]


def _members(plan_id: int) -> Select[Any]:
    return select(MEMBERS.c.project_id).where(MEMBERS.c.plan_id == plan_id)


def _further(plan_id: int, region_id: Any) -> dict[str, ColumnElement[bool]]:
    """Which rows are read of tables that reach the plan through others, or through its region."""
    region, target, corridor = (TABLES[n] for n in ("region", "indicator_target", "corridor"))
    scheme = TABLES["zone_scheme"]
    own = scheme.c.id.in_(_schemes(plan_id))
    schemes = select(scheme.c.id).where(own)
    zones = select(TABLES["zone"].c.id).where(TABLES["zone"].c.scheme_id.in_(schemes))
    return {
        "named_feature": TABLES["named_feature"].c.region_id == region_id,
        "region": or_(region.c.id == region_id, region.c.parent_id == region_id),
        "indicator": TABLES["indicator"].c.id.in_(_ids("plan_indicator", "indicator_id", plan_id)),
        "indicator_target": or_(
            target.c.plan_id == plan_id,
            (target.c.region_id == region_id) & target.c.plan_id.not_in(_others(plan_id)),
        ),
        "corridor": (corridor.c.region_id == region_id)
        & func.coalesce(corridor.c.plan_id.not_in(_others(plan_id)), True),
        "pattern_component": TABLES["pattern_component"].c.pattern_id.in_(
            _ids("pattern", "id", plan_id)
        ),
        "zone_scheme": own,
        "zone": TABLES["zone"].c.scheme_id.in_(schemes),
        "zone_town": TABLES["zone_town"].c.zone_id.in_(zones),
        "project_region": TABLES["project_region"].c.project_id.in_(_members(plan_id)),
    }


def _schemes(plan_id: int) -> Select[Any]:
    """The version of each zoning that the plan holds: the published, or else the newest."""
    scheme = TABLES["zone_scheme"]
    first = (scheme.c.status == "published").desc(), scheme.c.version.desc()
    return (
        select(scheme.c.id)
        .ext(distinct_on(scheme.c.code))
        .where(scheme.c.plan_id == plan_id, scheme.c.deleted_at.is_(None))
        .order_by(scheme.c.code, *first)
    )


def _others(plan_id: int) -> Select[Any]:
    """The other editions of the plan."""
    plan, own = TABLES["plan"], TABLES["plan"].alias()
    first = func.coalesce(own.c.lineage_id, own.c.id)
    lineage = select(first).where(own.c.id == plan_id).scalar_subquery()
    of_lineage = func.coalesce(plan.c.lineage_id, plan.c.id) == lineage
    return select(plan.c.id).where(of_lineage, plan.c.id != plan_id)


def _ids(name: str, member: str, plan_id: int) -> Select[Any]:
    """The ids that rows of the plan hold in a column."""
    known = TABLES[name]
    return select(known.c[member]).where(known.c.plan_id == plan_id, known.c.deleted_at.is_(None))


async def _rows(
    session: AsyncSession, name: str, condition: ColumnElement[bool]
) -> list[dict[str, Any]]:
    """Rows of a table without shapes, what they refer to given by code."""
    query = _with_codes(TABLES[name]).where(condition)
    return [dict(row) for row in (await session.execute(query)).mappings()]


@cache
def _with_codes(known: Table) -> Select[Any]:
    """All rows in their order; to build the query takes longer than PostgreSQL to answer it."""
    columns: list[Any] = []
    source: Any = known
    for own in known.columns:
        targets = [key.column.table for key in own.foreign_keys]
        if targets and "code" in targets[0].columns:
            other = targets[0].alias()
            source = source.outerjoin(other, other.c.id == own)
            columns.append(other.c.code.label(own.name.removesuffix("_id")))
        elif own.name.endswith("_ids"):
            # As the files of seeds call lists of codes; here they are ids, enough to count.
            columns.append(own.label(f"{own.name.removesuffix('_ids')}s"))
        elif not isinstance(own.type, Geometry):
            columns.append(own)
    query = select(*columns).select_from(source).order_by(*known.primary_key.columns)
    return query.where(known.c.deleted_at.is_(None)) if "deleted_at" in known.columns else query


async def _keep(session: AsyncSession, plan_id: int, findings: Sequence[PlanFinding]) -> int:
    """Keep all findings together; how many of them are new or changed."""
    rows = [
        {
            "plan_id": plan_id,
            "code": finding.code,
            "kind": finding.kind,
            "severity": finding.severity,
            "text_zh": finding.text.zh,
            "text_en": finding.text.en,
            "figures": dict(finding.figures),
            "resolved_at": None,
        }
        for finding in findings
    ]
    put, known = insert(TABLES["data_finding"]), TABLES["data_finding"].c
    given = {name: put.excluded[name] for name in FOUND}
    put = put.on_conflict_do_update(
        index_elements=[known.plan_id, known.code],
        set_={**given, "found_at": func.now()},
        where=or_(*(known[name].is_distinct_from(value) for name, value in given.items())),
    )
    return len((await session.execute(put.returning(known.id), rows)).all()) if rows else 0


async def list_findings(
    session: AsyncSession, plan_id: int, as_of: date | None = None
) -> Sequence[DataFinding]:
    """The findings of a plan that hold, the most severe first.

    With `as_of` those that held on that day, as the checks had told them by then.
    """
    if as_of is not None:
        return await _former_findings(session, plan_id, as_of)
    order = func.array_position(["high", "medium", "low", "info"], DataFinding.severity)
    query = select(DataFinding).where(
        DataFinding.plan_id == plan_id, DataFinding.resolved_at.is_(None)
    )
    return (await session.scalars(query.order_by(order, DataFinding.code))).all()


_FINDING = ", ".join(item.name for item in DataFinding.__table__.columns)
_FORMER = text(
    f"SELECT {_FINDING} FROM ("  # noqa: S608 - constants
    f"SELECT {_FINDING}, resolved_at AS ended_at FROM data_finding"
    f" UNION ALL SELECT {_FINDING}, ended_at FROM data_finding_history) told"
    " WHERE plan_id = :plan AND found_at::date <= CAST(:day AS date)"
    " AND (ended_at IS NULL OR ended_at::date > CAST(:day AS date))"
    " ORDER BY array_position(ARRAY['high', 'medium', 'low', 'info'], severity), code"
).columns(figures=JSONB(), attrs=JSONB())


async def _former_findings(
    session: AsyncSession, plan_id: int, as_of: date
) -> Sequence[DataFinding]:
    rows = await session.execute(_FORMER, {"plan": plan_id, "day": as_of})
    return [DataFinding(**row) for row in rows.mappings()]
