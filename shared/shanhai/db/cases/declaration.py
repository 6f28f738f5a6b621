"""What a list of cases shows and can be asked for; read by the engine of collections."""

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
    code="lc.code",
    live="true",
    # Only those see a case who work in its region.
    published="false",
    public="false",
    current="true",
    as_of="lc.created_at < CAST(:as_of AS date) + 1",
    region="lc.region_id",
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
