"""The rules in force at places, and the exceptions from them."""

from collections.abc import Collection
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import TextClause, text

from shanhai.db.compliance.activities import activities
from shanhai.db.compliance.result import Leave, Rule
from shanhai.db.features.history import source_of
from shanhai.db.features.rules import CONTROL_RULES
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.identity import Viewer
from shanhai.db.quick import Asked
from shanhai.vocabulary import Label

# A rule of a region holds in all that lies below it.
RULES = """
WITH RECURSIVE above AS (
  SELECT id, parent_id FROM region WHERE id = ANY(CAST(:regions AS bigint[]))
  UNION SELECT r.id, r.parent_id FROM region r JOIN above ON r.id = above.parent_id
)
SELECT cr.code, cr.scope, cr.subject, cr.activity, cr.activity_zh, cr.activity_en, cr.decision,
       cr.conditions, cr.legal_basis, cr.text_zh, cr.text_en,
       CASE jsonb_typeof(cr.attrs->'covers') WHEN 'array'
            THEN ARRAY(SELECT jsonb_array_elements_text(cr.attrs->'covers')) END AS covers,
       CASE jsonb_typeof(cr.attrs->'classes') WHEN 'array'
            THEN ARRAY(SELECT jsonb_array_elements_text(cr.attrs->'classes')) END AS classes,
       cr.attrs->'confirm' = 'true'::jsonb AS confirm, cr.region_id,
       CASE cr.scope WHEN 'zone_class' THEN
         (SELECT zc.scheme_kind FROM zone_class zc
           WHERE zc.code = cr.subject AND zc.deleted_at IS NULL) END AS scheme_kind
  FROM {source}
 WHERE {conditions}
   AND (cr.activity = ANY(CAST(:spoken AS text[]))
        OR jsonb_exists_any(coalesce(cr.attrs->'covers', '[]'), CAST(:spoken AS text[]))
        OR cr.scope = 'everywhere'
        OR cr.scope = 'control_area'
           AND (cr.subject IS NULL AND :lines OR cr.subject = ANY(CAST(:kinds AS text[])))
        OR cr.scope = 'zone_class'
           AND (cr.subject IS NULL AND :zones OR cr.subject = ANY(CAST(:classes AS text[]))))
   AND (cr.scope <> 'outside_control_area' OR CAST(:looked_at AS text[]) IS NULL
        OR cr.subject = ANY(CAST(:looked_at AS text[])))
   AND (cr.region_id IS NULL OR cr.region_id IN (SELECT id FROM above))
 ORDER BY cr.code
"""
LEAVES = text(
    """SELECT e.code, e.rule, e.gap, e.reason, e.approver, e.approved_at, e.valid_from, e.valid_to,
              ca.code AS control_area, e.attrs->>'document' AS document,
              e.attrs->>'project_geometry_sha256' AS seen
         FROM compliance_exception e LEFT JOIN control_area ca ON ca.id = e.control_area_id
        WHERE e.deleted_at IS NULL
          AND daterange(e.valid_from, e.valid_to) @> CAST(:day AS date)
          AND (e.geometry_sha256 = :sha256 OR e.project_id = CAST(:project_id AS bigint))
        ORDER BY e.code"""
)
NAMED = text(
    """SELECT DISTINCT named FROM unnest(CAST(:codes AS text[])) named
        WHERE EXISTS (SELECT FROM control_rule r WHERE r.deleted_at IS NULL
                       AND (r.activity = named
                            OR jsonb_exists(coalesce(r.attrs->'covers', '[]'), named)))"""
)


async def read_rules(
    session: Asked,
    viewer: Viewer,
    kinds: Collection[str],
    classes: Collection[str],
    regions: Collection[int],
    *,
    spoken: Collection[str],
    as_of: date | None,
    looked_at: frozenset[str] | None = None,
) -> tuple[Rule, ...]:
    """The rules in force that may speak of a place, or of what is asked wherever it is.

    Args:
        kinds: The kinds of the control areas that are touched.
        classes: The classes of the zones that are touched.
        regions: The ids of the regions the place lies in.
        spoken: The activities that are asked about, and all they count as.
        looked_at: The kinds of control areas that are looked at; None is all.
    """
    selection = Selection(viewer, as_of=as_of)
    statement = _rules_statement(conditions(CONTROL_RULES, selection), as_of is not None)
    values = {
        "kinds": sorted(kinds),
        "classes": sorted(classes),
        "looked_at": None if looked_at is None else sorted(looked_at),
        "lines": bool(kinds),
        "zones": bool(classes),
        "regions": sorted(regions),
        "spoken": sorted(spoken),
    }
    rows = (await session.execute(statement, {**bound_values(selection), **values})).all()
    return tuple(_rule(row) for row in rows)


@lru_cache(maxsize=64)
def _rules_statement(met: tuple[str, ...], former: bool) -> TextClause:
    begun = () if former else ("cr.valid_from IS NULL OR cr.valid_from <= current_date",)
    # Constants of the declarations; callers' values are bound.
    return text(
        RULES.format(
            source=source_of(CONTROL_RULES, former=former),
            conditions=" AND ".join(f"({condition})" for condition in (*met, *begun)),
        )
    )


async def read_leaves(
    session: Asked, *, sha256: str, project_id: int | None, day: date
) -> tuple[Leave, ...]:
    """The exceptions in force for a geometry or a project."""
    values = {"sha256": sha256, "project_id": project_id, "day": day}
    rows = (await session.execute(LEAVES, values)).all()
    return tuple(_leave(row, sha256) for row in rows)


async def find_named(session: Asked, codes: Collection[str]) -> frozenset[str]:
    """Those of some activities that a rule speaks of."""
    if not codes:
        return frozenset()
    rows = (await session.execute(NAMED, {"codes": sorted(codes)})).all()
    return frozenset(row.named for row in rows)


def _rule(row: Any) -> Rule:
    spoken = row.text_zh or row.text_en
    return Rule(
        code=row.code,
        scope=row.scope,
        subject=row.subject,
        activity=row.activity,
        name=_activity_of(row),
        decision=row.decision,
        conditions=tuple(row.conditions),
        legal_basis=row.legal_basis,
        text=Label(row.text_zh or spoken, row.text_en or spoken) if spoken else None,
        covers=tuple(row.covers or ()),
        confirm=bool(row.confirm),
        classes=tuple(row.classes or ()),
        region_id=row.region_id,
        scheme_kind=row.scheme_kind,
    )


def _activity_of(row: Any) -> Label:
    """What a rule calls its activity; the usual name where it says nothing."""
    known = activities().known.get(row.activity)
    other = row.activity_zh or row.activity_en or row.activity
    usual = Label(other, other) if known is None else known.name
    return Label(row.activity_zh or usual.zh, row.activity_en or usual.en)


def _leave(row: Any, sha256: str) -> Leave:
    return Leave(
        code=row.code,
        rule=row.rule,
        reason=row.reason,
        approver=row.approver,
        approved_at=row.approved_at,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        control_area=row.control_area,
        document=row.document,
        outdated=row.seen is not None and row.seen != sha256,
        gap=row.gap,
    )
