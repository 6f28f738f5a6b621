"""Administrative units and other regions."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.guards import PERIOD, no_circle, refused
from shanhai.db.features.columns import POSITIVE, Columns
from shanhai.db.features.crs import NO_METRES, is_metric
from shanhai.db.features.entity import INTEGER, TEXT, TEXTS, Editing, Entity, PendingWrite
from shanhai.errors import Fault
from shanhai.vocabulary import REGION_LEVELS, Label, Role

_OWN = Columns("r")
_COOPERATIONS = text(
    "SELECT code FROM region WHERE code = ANY(CAST(:codes AS text[])) AND level = 'cooperation'"
    " AND deleted_at IS NULL ORDER BY code"
)


async def only_cooperations_have_members(
    session: AsyncSession, change: PendingWrite
) -> Sequence[Fault]:
    """Members are those of a cooperation region, each once, and none is one itself.

    Raises:
        InvalidInput: they are not.
    """
    after = change.after or {}
    members, pointer = after.get("members") or [], "/properties/members"
    if not members:
        return ()
    if after.get("level") != "cooperation":
        rule = Label("仅协同发展区有成员区域", "only cooperation regions have members")
        raise refused(pointer, rule)
    if len(set(members)) < len(members):
        raise refused(pointer, Label("成员区域不得重复", "must not name a region twice"))
    nested = {*await session.scalars(_COOPERATIONS, {"codes": members}), after.get("code")}
    return [
        Fault(
            pointer,
            f"{code!r} is a cooperation region itself",
            f"{code!r} 本身为协同发展区",
        )
        for code in members
        if code in nested
    ]


async def metres_of_a_known_system(session: AsyncSession, change: PendingWrite) -> Sequence[Fault]:
    """What a region is measured in is a projection that exists, in metres."""
    epsg = (change.after or {}).get("metric_epsg")
    if epsg is None or epsg == (change.before or {}).get("metric_epsg"):
        return ()
    if not is_metric(epsg):
        raise refused("/properties/metric_epsg", NO_METRES)
    return ()


REGIONS = Entity(
    name="regions",
    title=Label("区域", "Regions"),
    description=Label(
        "行政区、流域、海湾、岛屿和示范引领区，构成一棵树。",
        "Administrative units, basins, bays, islands and demonstration areas; a tree.",
    ),
    table="region",
    alias="r",
    joins=" LEFT JOIN region parent ON parent.id = r.parent_id",
    geometry_type="geometry-multipolygon",
    geometry_column="geom",
    published="true",
    # A third of the time of a range that is made for each row.
    current="(r.valid_from IS NULL OR r.valid_from <= current_date)"
    " AND (r.valid_to IS NULL OR r.valid_to > current_date)",
    region="r.id",
    properties=(
        _OWN.code,
        *_OWN.names(),
        _OWN.choice("level", REGION_LEVELS, Label("级别", "Level"), required=True),
        _OWN.reference("parent", "parent.code", Label("上级区域", "Parent region"), to="regions"),
        _OWN.references(
            "members",
            Label("成员区域", "Members"),
            to="regions",
            table="region",
            column="member_ids",
        ),
        _OWN.attribute(
            "adcode",
            TEXT,
            Label("行政区划代码", "Administrative division code"),
            queryable=True,
        ),
        _OWN.column(
            "metric_epsg",
            {**INTEGER, "minimum": 1024, "maximum": 32767},
            Label("量算坐标系", "Metric CRS (EPSG)"),
            column="metric_srid",
        ),
        _OWN.area,
        _OWN.attribute(
            "stated_area_km2",
            POSITIVE,
            Label("法定面积", "Statutory area, as printed"),
            unit="km2",
        ),
        _OWN.attribute("name_zh_variants", TEXTS, Label("别名", "Other names, zh")),
        _OWN.source,
        _OWN.attribute("licence", TEXT, Label("许可", "Licence")),
        _OWN.fields,
        *_OWN.period,
    ),
    editing=Editing(
        roles=frozenset({Role.PLANNER, Role.ADMIN}),
        guards=(
            PERIOD,
            metres_of_a_known_system,
            no_circle("region", "parent_id", "parent"),
            only_cooperations_have_members,
        ),
    ),
)
