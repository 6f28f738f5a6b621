"""What plans call by name: reserves, waters, islands, springs, species."""

from shanhai.db.features.columns import Columns, as_of, choice, current, square_kilometres
from shanhai.db.features.entity import NUMBER, TEXT, Editing, Entity, Property
from shanhai.db.features.guards import PERIOD
from shanhai.vocabulary import NAMED_FEATURE_KINDS, Label, Role

_OWN = Columns("nf")

NAMED_FEATURES = Entity(
    name="named_features",
    title=Label("命名地物", "Named features"),
    description=Label(
        "规划和政策点名的保护地、水体、岛屿、温泉与物种；尚未绘制的没有几何。",
        "Reserves, waters, islands, springs and species that plans and policies call by name;"
        " without geometry until somebody draws them.",
    ),
    table="named_feature",
    alias="nf",
    joins=" LEFT JOIN region r ON r.id = nf.region_id",
    code="nf.code",
    geometry="nf.geom",
    geometry_type="geometry-any",
    geometry_column="geom",
    live="nf.deleted_at IS NULL",
    published="true",
    current=current("nf"),
    as_of=as_of("nf"),
    region="nf.region_id",
    interval=_OWN.interval,
    properties=(
        _OWN.code,
        *_OWN.names(),
        _OWN.column(
            "kind",
            choice(NAMED_FEATURE_KINDS),
            Label("类型", "Kind"),
            queryable=True,
            required=True,
        ),
        _OWN.reference("region", "r.code", Label("区域", "Region"), to="regions", required=True),
        _OWN.column("article", TEXT, Label("条款", "Article"), queryable=True),
        _OWN.column("note_zh", TEXT, Label("说明", "Note, zh")),
        _OWN.column("note_en", TEXT, Label("说明(英)", "Note, en")),
        square_kilometres("area_km2", "nf.area_m2", Label("面积", "Area")),
        Property(
            "length_km",
            "round((nf.length_m / 1e3)::numeric, 4)",
            NUMBER,
            Label("长度", "Length"),
            unit="km",
        ),
        _OWN.source,
        *_OWN.period,
    ),
    editing=Editing(roles=frozenset({Role.PLANNER, Role.SUPERVISOR}), guards=(PERIOD,)),
)
