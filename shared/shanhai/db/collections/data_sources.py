"""Where data come from: registered rasters, and stations with feeds."""

from shanhai import vocabulary
from shanhai.cartography import theme_titles
from shanhai.db.collections import guards
from shanhai.db.features import columns, entity
from shanhai.storage.artifacts import COG_TYPE
from shanhai.vocabulary import Label, Role

_DATASET = columns.Columns("d")

# What is not public takes the place of nothing that is, as not everybody sees it.
_NEWEST = (
    "NOT EXISTS (SELECT FROM dataset newer WHERE newer.region_id = d.region_id"
    " AND newer.theme = d.theme AND newer.kind = d.kind AND newer.origin = d.origin"
    " AND newer.deleted_at IS NULL AND newer.id > d.id"
    " AND (newer.visibility = 'public' OR d.visibility <> 'public'))"
)

DATASETS = entity.Entity(
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
    geometry="d.footprint",
    geometry_type="geometry-multipolygon",
    # What a job computed is a draft until it is public.
    published=f"(d.origin <> 'computed' OR {_DATASET.public})",
    public=_DATASET.public,
    signed_in=_DATASET.signed_in,
    interval=("d.observed_from", "d.observed_to"),
    newest=_NEWEST,
    file=COG_TYPE,
    properties=(
        _DATASET.code,
        *_DATASET.names(),
        _DATASET.shown_region,
        _DATASET.shown(
            "theme",
            entity.OpenList(theme_titles()),
            Label("专题", "Theme"),
            queryable=True,
        ),
        _DATASET.shown("kind", entity.TEXT, Label("类型", "Kind"), queryable=True),
        _DATASET.column("unit", entity.TEXT, Label("单位", "Unit")),
        _DATASET.shown("crs", entity.TEXT, Label("坐标系", "CRS")),
        _DATASET.column(
            "native_resolution_m",
            columns.POSITIVE,
            Label("真实分辨率", "Native resolution"),
            unit="m",
        ),
        _DATASET.queryable("stand_in", entity.BOOLEAN, Label("替代数据", "Stand-in")),
        *_DATASET.both("stand_in_note", Label("替代说明", "Stand-in note")),
        _DATASET.column("source", entity.TEXT, Label("来源", "Source")),
        _DATASET.column("licence", entity.TEXT, Label("许可", "Licence")),
        _DATASET.column(
            "observed_from",
            entity.DATE,
            Label("观测起始日", "Observed from"),
            role="primary-interval-start",
        ),
        _DATASET.column(
            "observed_to",
            entity.DATE,
            Label("观测截止日", "Observed to"),
            role="primary-interval-end",
        ),
        _DATASET.shown(
            "origin",
            columns.choice(vocabulary.ORIGINS),
            Label("来源方式", "Origin"),
            queryable=True,
        ),
        _DATASET.job,
        *_DATASET.access,
        _DATASET.shown("checksum", entity.TEXT, Label("校验和", "SHA-256"), queryable=True),
        entity.Property(
            "source_sha256",
            "d.attrs->>'source_sha256'",
            entity.TEXT,
            Label("原文件校验和", "SHA-256 of the file it was imported from"),
            queryable=True,
        ),
        _DATASET.shown("bytes", entity.INTEGER, Label("字节数", "Bytes"), unit="By"),
        _DATASET.shown("grid", entity.OBJECT, Label("格网", "Grid")),
        _DATASET.shown(
            "registered_at", entity.MOMENT, Label("登记时间", "Registered at"), column="created_at"
        ),
    ),
    editing=entity.Editing(
        roles=frozenset({Role.PLANNER, Role.ANALYST, Role.ADMIN}),
        verbs=frozenset({"replace", "update", "delete"}),
        shown_by="visibility",
        guards=(
            guards.AS_CLASSIFIED,
            guards.in_order("observed_from", "observed_to", "观测截止日不得早于起始日"),
        ),
    ),
)


_STATION = columns.Columns("sn")
DESCRIPTION = {**entity.TEXT, "maxLength": 4000}

STATIONS = entity.Entity(
    name="stations",
    title=Label("监测站点", "Stations"),
    description=Label("监测站点、断面与数据源。", "Monitoring stations, sections and feeds."),
    table="station",
    alias="sn",
    joins=" LEFT JOIN region r ON r.id = sn.region_id LEFT JOIN party o ON o.id = sn.owner_id",
    geometry_type="geometry-point",
    geometry_column="geom",
    published="true",
    public=_STATION.public,
    signed_in=_STATION.signed_in,
    properties=(
        _STATION.code,
        *_STATION.names(),
        _STATION.choice("kind", vocabulary.STATION_KINDS, Label("类型", "Kind"), required=True),
        _STATION.reference("region", "r.code", Label("区域", "Region"), to="regions"),
        _STATION.reference("owner", "o.code", Label("管理单位", "Owner"), to="parties"),
        _STATION.queryable(
            "interval_s", {**entity.INTEGER, "minimum": 1}, Label("观测间隔", "Interval"), unit="s"
        ),
        _STATION.attribute("description", DESCRIPTION, Label("说明", "Description")),
        _STATION.attribute("annotations", entity.OBJECT, Label("附注", "Annotations")),
        *_STATION.access,
        _STATION.source,
        _STATION.fields,
        *_STATION.period,
    ),
    editing=entity.Editing(
        roles=frozenset({Role.PLANNER, Role.SUPERVISOR}),
        shown_by="visibility",
        guards=(guards.PERIOD, guards.AS_CLASSIFIED),
    ),
)
