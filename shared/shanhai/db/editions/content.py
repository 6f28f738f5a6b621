"""What an edition of a plan holds: the tables whose rows belong to it, each declared once.

A new edition gets a copy of each row, a plan's package holds each row, and a comparison reads each
row, in this order: what others refer to comes first. References from one of these tables to another
are found by their foreign keys. Projects are not among them: they live on from edition to edition
as they are (`shanhai.db.editions.lineage`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Table

import shanhai.db.tables  # noqa: F401 - fills the metadata
from shanhai.db.base import Base
from shanhai.vocabulary import Label

PLAN = "plan"
COPIED_FROM = "copied_from_id"


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """A table whose rows belong to an edition of a plan.

    Attributes:
        title: What its rows are called.
        of: The table of what a row belongs to: the plan, or another of these tables.
        by: The column with the number of what a row belongs to.
        taken: SQL of which of the rows `o` a new edition takes; all that hold today, otherwise.
        anew: Columns that a copy does not have from the row `o`, as SQL.
        lists: Columns that hold numbers of rows of another of these tables, and that table.
        told: Properties of its rows that a comparison tells besides what can be written.
        compared: Whether a comparison of editions tells of its rows.
    """

    table: str
    title: Label
    of: str = PLAN
    by: str = "plan_id"
    taken: str = "true"
    anew: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, str] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    compared: bool = True

    @property
    def columns(self) -> Table:
        """Its table as it is declared."""
        return Base.metadata.tables[self.table]


NOT_SUPERSEDED = "o.status <> 'superseded'"
# The version in force; of a zoning that was never published, the newest.
SCHEME_TAKEN = (
    "o.status = 'published' OR o.status <> 'superseded' AND NOT EXISTS ("
    "SELECT FROM zone_scheme other WHERE other.code = o.code AND other.deleted_at IS NULL"
    " AND (other.status = 'published'"
    " OR other.status <> 'superseded' AND other.version > o.version))"
)
# As with a version that somebody begins from a computed one.
SCHEME_ANEW = {
    "status": "'draft'",
    "origin": "CASE o.origin WHEN 'computed' THEN 'drawn' ELSE o.origin END",
    "job_id": "NULL",
    "version": "(SELECT max(v.version) + 1 FROM zone_scheme v WHERE v.code = o.code)",
    "supersedes_id": "o.id",
    "valid_from": "NULL",
    "attrs": (
        "o.attrs || jsonb_strip_nulls(jsonb_build_object('began_from', o.version, 'computed_by',"
        " coalesce(o.job_id::text, o.attrs->>'computed_by')))"
    ),
}
IN_LIST = (
    "EXISTS (SELECT FROM plan_indicator own WHERE own.plan_id = o.plan_id"
    " AND own.indicator_id = o.indicator_id AND own.deleted_at IS NULL"
    " AND (own.valid_to IS NULL OR own.valid_to > current_date))"
)

CONTENT: tuple[Content, ...] = (
    Content("pattern", Label("格局", "Patterns"), taken=NOT_SUPERSEDED),
    Content("pattern_component", Label("格局要素", "Pattern components"), "pattern", "pattern_id"),
    Content("corridor", Label("生态廊道", "Corridors"), taken=NOT_SUPERSEDED),
    Content(
        "corridor_node",
        Label("廊道节点", "Corridor nodes"),
        taken=NOT_SUPERSEDED,
        lists={"corridor_ids": "corridor"},
    ),
    Content("zone_scheme", Label("分区方案", "Zone schemes"), taken=SCHEME_TAKEN, anew=SCHEME_ANEW),
    Content("zone", Label("分区", "Zones"), "zone_scheme", "scheme_id"),
    Content("zone_town", Label("涉及镇街", "Towns of zones"), "zone", "zone_id", compared=False),
    Content("control_area", Label("管控线", "Control areas")),
    Content("control_rule", Label("管控规则", "Control rules")),
    Content("problem", Label("生态问题", "Problems")),
    Content("plan_part", Label("联合规划分部", "Parts of a joint plan")),
    Content("programme", Label("重点工程", "Programmes")),
    Content("plan_provision", Label("条文与任务", "Provisions")),
    Content("plan_figure", Label("规划数据", "Figures")),
    Content("plan_indicator", Label("规划指标", "Indicators of the plan"), told=("targets",)),
    Content(
        "indicator_target",
        Label("基期与目标", "Base and targets"),
        taken=IN_LIST,
        # What was revised stays told where it was revised.
        anew={"attrs": "o.attrs - CAST('{revisions,reason,proposal}' AS text[])"},
        compared=False,
    ),
)
CONTENT_BY_TABLE: Mapping[str, Content] = {content.table: content for content in CONTENT}


def held(content: Content, alias: str, plan: str) -> str:
    """SQL that holds for the rows `alias` of a table that belong to a plan.

    Args:
        plan: SQL of the plan's number.
    """
    column = f"{alias}.{content.by}"
    if content.of == PLAN:
        return f"{column} = {plan}"
    upper = f"{alias}_up"
    inside = held(CONTENT_BY_TABLE[content.of], upper, plan)
    return f"{column} IN (SELECT {upper}.id FROM {content.of} {upper} WHERE {inside})"  # noqa: S608


def live(content: Content, alias: str) -> str:
    """SQL that holds for the rows `alias` of a table that were not deleted, and hold today."""
    columns = content.columns.columns
    met = [
        *([f"{alias}.deleted_at IS NULL"] if "deleted_at" in columns else []),
        *(
            [f"({alias}.valid_to IS NULL OR {alias}.valid_to > current_date)"]
            if "valid_to" in columns
            else []
        ),
    ]
    return " AND ".join(met) or "true"
