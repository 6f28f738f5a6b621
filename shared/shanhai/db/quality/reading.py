"""Read a plan's figures from the database, and keep what the checks find."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import Select, Table, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql import ColumnElement

from shanhai.db.base import Base
from shanhai.db.quality.checks import check_plan
from shanhai.db.quality.figures import Figures, Finding
from shanhai.db.tables import DataFinding

TABLES = Base.metadata.tables
OF_PLAN = ("control_area", "pattern", "plan_indicator", "problem", "programme", "project")
"""Tables whose rows name the plan they belong to."""
OF_PROJECT = ("project_problem", "project_region")


@dataclass(frozen=True, slots=True)
class Checked:
    """How many findings there are, and how many of them are new, changed or gone."""

    found: int
    changed: int


async def check_and_keep(session: AsyncSession, plan_id: int) -> Checked:
    """Check a plan and keep what is found; findings that no longer hold are marked as resolved."""
    findings = check_plan(await read_figures(session, plan_id))
    changed = [await _keep(session, plan_id, finding) for finding in findings]
    gone = await session.execute(
        update(DataFinding)
        .where(
            DataFinding.plan_id == plan_id,
            DataFinding.resolved_at.is_(None),
            DataFinding.code.not_in([finding.code for finding in findings]),
        )
        .values(resolved_at=func.now())
        .returning(DataFinding.id)
    )
    return Checked(len(findings), sum(changed) + len(gone.all()))


async def read_figures(session: AsyncSession, plan_id: int) -> Figures:
    """What the database knows of a plan."""
    plan = (await _rows(session, "plan", TABLES["plan"].c.id == plan_id))[0]
    region_id = select(TABLES["plan"].c.region_id).where(TABLES["plan"].c.id == plan_id)
    wanted = {name: TABLES[name].c.plan_id == plan_id for name in OF_PLAN}
    wanted |= _further(plan_id, region_id.scalar_subquery())
    return Figures(
        plan, {name: await _rows(session, name, condition) for name, condition in wanted.items()}
    )


def _further(plan_id: int, region_id: Any) -> dict[str, ColumnElement[bool]]:
    """Which rows are read of tables that reach the plan through others, or through its region."""
    scheme, region, target = TABLES["zone_scheme"], TABLES["region"], TABLES["indicator_target"]
    own = (scheme.c.plan_id == plan_id) & (scheme.c.status == "published")
    schemes = select(scheme.c.id).where(own)
    zones = select(TABLES["zone"].c.id).where(TABLES["zone"].c.scheme_id.in_(schemes))
    return {
        "region": or_(region.c.id == region_id, region.c.parent_id == region_id),
        "indicator": TABLES["indicator"].c.id.in_(_ids("plan_indicator", "indicator_id", plan_id)),
        "indicator_target": or_(target.c.plan_id == plan_id, target.c.region_id == region_id),
        "corridor": TABLES["corridor"].c.region_id == region_id,
        "pattern_component": TABLES["pattern_component"].c.pattern_id.in_(
            _ids("pattern", "id", plan_id)
        ),
        "zone_scheme": own,
        "zone": TABLES["zone"].c.scheme_id.in_(schemes),
        "zone_town": TABLES["zone_town"].c.zone_id.in_(zones),
        **{
            name: TABLES[name].c.project_id.in_(_ids("project", "id", plan_id))
            for name in OF_PROJECT
        },
    }


def _ids(table: str, column: str, plan_id: int) -> Select[Any]:
    """The ids that rows of the plan hold in a column."""
    known = TABLES[table]
    return select(known.c[column]).where(known.c.plan_id == plan_id, known.c.deleted_at.is_(None))


async def _rows(
    session: AsyncSession, name: str, condition: ColumnElement[bool]
) -> list[dict[str, Any]]:
    """Rows of a table without shapes, what they refer to given by code."""
    query = _with_codes(TABLES[name]).where(condition)
    if "deleted_at" in TABLES[name].columns:
        query = query.where(TABLES[name].c.deleted_at.is_(None))
    query = query.order_by(*TABLES[name].primary_key.columns)
    return [dict(row) for row in (await session.execute(query)).mappings()]


def _with_codes(table: Table) -> Select[Any]:
    columns: list[Any] = []
    source: Any = table
    for column in table.columns:
        targets = [key.column.table for key in column.foreign_keys]
        if targets and "code" in targets[0].columns:
            other = targets[0].alias()
            source = source.outerjoin(other, other.c.id == column)
            columns.append(other.c.code.label(column.name.removesuffix("_id")))
        elif not isinstance(column.type, Geometry):
            columns.append(column)
    return select(*columns).select_from(source)


async def _keep(session: AsyncSession, plan_id: int, finding: Finding) -> bool:
    values = {
        "kind": finding.kind,
        "severity": finding.severity,
        "text_zh": finding.text.zh,
        "text_en": finding.text.en,
        "figures": dict(finding.figures),
        "resolved_at": None,
    }
    put = insert(DataFinding).values(plan_id=plan_id, code=finding.code, **values)
    present = [getattr(DataFinding, name).is_distinct_from(put.excluded[name]) for name in values]
    put = put.on_conflict_do_update(
        index_elements=[DataFinding.plan_id, DataFinding.code],
        set_={**{name: put.excluded[name] for name in values}, "found_at": func.now()},
        where=or_(*present),
    )
    return await session.scalar(put.returning(DataFinding.id)) is not None


async def list_findings(session: AsyncSession, plan_id: int) -> Sequence[DataFinding]:
    """The findings of a plan that hold, the most severe first."""
    order = func.array_position(["high", "medium", "low", "info"], DataFinding.severity)
    query = select(DataFinding).where(
        DataFinding.plan_id == plan_id, DataFinding.resolved_at.is_(None)
    )
    return (await session.scalars(query.order_by(order, DataFinding.code))).all()
