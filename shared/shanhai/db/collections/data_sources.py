"""Sources of data: registered rasters, and monitoring stations with their feeds."""

from shanhai.db.collections.guards import PERIOD, in_order
from shanhai.db.features.columns import POSITIVE, Columns, as_of, choice, current
from shanhai.db.features.entity import (
    BOOLEAN,
    DATE,
    INTEGER,
    MOMENT,
    OBJECT,
    TEXT,
    Editing,
    Entity,
    Property,
)
from shanhai.storage.artifacts import COG_TYPE
from shanhai.vocabulary import ORIGINS, STATION_KINDS, Label, Role

_DATASET = Columns("d")

# What is not public takes the place of nothing that is, as not everybody sees it.
_NEWEST = (
    "NOT EXISTS (SELECT FROM dataset newer WHERE newer.region_id = d.region_id"
    " AND newer.theme = d.theme AND newer.kind = d.kind AND newer.origin = d.origin"
    " AND newer.deleted_at IS NULL AND (newer.public OR NOT d.public) AND newer.id > d.id)"
)

DATASETS = Entity(
    name="datasets",
    title=Label("数据集", "Datasets"),
    description=Label(
        "登记的栅格：范围、专题、单位、分辨率、许可与校验和；替代数据有标注。",
        "Registered rasters: footprint, theme, unit, resolution, licence, checksum; stand-ins are"
        " marked.",
    ),
    table="dataset",
    alias="d",
    joins=" LEFT JOIN region r ON r.id = d.region_id",
    code="d.code",
    geometry="d.footprint",
    geometry_type="geometry-multipolygon",
    live="d.deleted_at IS NULL",
    published="true",
    public="d.public",
    current=current("d"),
    as_of=as_of("d"),
    region="d.region_id",
    interval=("d.observed_from", "d.observed_to"),
    newest=_NEWEST,
    file=COG_TYPE,
    properties=(
        _DATASET.code,
        *_DATASET.names(),
        Property(
            "region", "r.code", TEXT, Label("区域", "Region"), queryable=True, role="reference"
        ),
        _DATASET.shown("theme", TEXT, Label("专题", "Theme"), queryable=True),
        _DATASET.shown("kind", TEXT, Label("类型", "Kind"), queryable=True),
        _DATASET.column("unit", TEXT, Label("单位", "Unit")),
        _DATASET.shown("crs", TEXT, Label("坐标系", "CRS")),
        _DATASET.column(
            "native_resolution_m",
            POSITIVE,
            Label("真实分辨率", "Native resolution"),
            unit="m",
        ),
        _DATASET.column("stand_in", BOOLEAN, Label("替代数据", "Stand-in"), queryable=True),
        _DATASET.column("stand_in_note_zh", TEXT, Label("替代说明", "Stand-in note, zh")),
        _DATASET.column("stand_in_note_en", TEXT, Label("替代说明(英)", "Stand-in note, en")),
        _DATASET.column("source", TEXT, Label("来源", "Source")),
        _DATASET.column("licence", TEXT, Label("许可", "Licence")),
        _DATASET.column(
            "observed_from",
            DATE,
            Label("观测起始日", "Observed from"),
            role="primary-interval-start",
        ),
        _DATASET.column(
            "observed_to", DATE, Label("观测截止日", "Observed to"), role="primary-interval-end"
        ),
        _DATASET.shown("origin", choice(ORIGINS), Label("来源方式", "Origin"), queryable=True),
        _DATASET.job,
        _DATASET.column("public", BOOLEAN, Label("公开", "Public"), queryable=True),
        _DATASET.shown("checksum", TEXT, Label("校验和", "SHA-256"), queryable=True),
        Property(
            "source_sha256",
            "d.attrs->>'source_sha256'",
            TEXT,
            Label("原文件校验和", "SHA-256 of the file it was imported from"),
            queryable=True,
        ),
        _DATASET.shown("bytes", INTEGER, Label("字节数", "Bytes"), unit="By"),
        _DATASET.shown("grid", OBJECT, Label("格网", "Grid")),
        _DATASET.shown(
            "registered_at", MOMENT, Label("登记时间", "Registered at"), column="created_at"
        ),
    ),
    editing=Editing(
        roles=frozenset({Role.PLANNER, Role.ANALYST, Role.ADMIN}),
        verbs=frozenset({"replace", "update", "delete"}),
        shown_by="public",
        guards=(
            in_order(
                "observed_from",
                "observed_to",
                Label("观测截止日不得早于起始日", "observed_to must not be before observed_from"),
            ),
        ),
    ),
)


_STATION = Columns("sn")
DESCRIPTION = {**TEXT, "maxLength": 4000}

STATIONS = Entity(
    name="stations",
    title=Label("监测站点", "Stations"),
    description=Label("监测站点、断面与数据源。", "Monitoring stations, sections and feeds."),
    table="station",
    alias="sn",
    joins=" LEFT JOIN region r ON r.id = sn.region_id LEFT JOIN party o ON o.id = sn.owner_id",
    code="sn.code",
    geometry="sn.geom",
    geometry_type="geometry-point",
    geometry_column="geom",
    live="sn.deleted_at IS NULL",
    published="true",
    current=current("sn"),
    as_of=as_of("sn"),
    region="sn.region_id",
    interval=_STATION.interval,
    properties=(
        _STATION.code,
        *_STATION.names(),
        _STATION.column(
            "kind", choice(STATION_KINDS), Label("类型", "Kind"), queryable=True, required=True
        ),
        _STATION.reference("region", "r.code", Label("区域", "Region"), to="regions"),
        _STATION.reference("owner", "o.code", Label("管理单位", "Owner"), to="parties"),
        _STATION.column(
            "interval_s",
            {**INTEGER, "minimum": 1},
            Label("观测间隔", "Interval"),
            queryable=True,
            unit="s",
        ),
        _STATION.attribute("description", DESCRIPTION, Label("说明", "Description")),
        _STATION.attribute("annotations", OBJECT, Label("附注", "Annotations")),
        _STATION.source,
        _STATION.fields,
        *_STATION.period,
    ),
    editing=Editing(roles=frozenset({Role.PLANNER, Role.SUPERVISOR}), guards=(PERIOD,)),
)
