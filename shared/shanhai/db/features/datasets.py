"""Registered rasters, given by users or computed by jobs."""

from shanhai.db.features.entity import (
    BOOLEAN,
    DATE,
    INTEGER,
    MOMENT,
    NUMBER,
    OBJECT,
    TEXT,
    Entity,
    Property,
)
from shanhai.vocabulary import Label

DATASETS = Entity(
    name="datasets",
    title=Label("数据集", "Datasets"),
    description=Label(
        "登记的栅格：范围、专题、单位、分辨率、许可与校验和；替代数据有标注。",
        "Registered rasters: footprint, theme, unit, resolution, licence, checksum; stand-ins are"
        " marked.",
    ),
    source="dataset d LEFT JOIN region r ON r.id = d.region_id",
    key="d.id",
    code="d.code",
    geometry="d.footprint",
    geometry_type="geometry-multipolygon",
    live="true",
    published="d.public",
    current="d.deleted_at IS NULL",
    as_of=(
        "d.created_at::date <= CAST(:as_of AS date)"
        " AND (d.deleted_at IS NULL OR d.deleted_at::date > CAST(:as_of AS date))"
    ),
    interval=("d.observed_from", "d.observed_to"),
    properties=(
        Property("code", "d.code", TEXT, Label("代码", "Code"), queryable=True, role="id"),
        Property("name_zh", "d.name_zh", TEXT, Label("中文名称", "Chinese name"), queryable=True),
        Property("name_en", "d.name_en", TEXT, Label("英文名称", "English name"), queryable=True),
        Property(
            "region", "r.code", TEXT, Label("区域", "Region"), queryable=True, role="reference"
        ),
        Property("theme", "d.theme", TEXT, Label("专题", "Theme"), queryable=True),
        Property("kind", "d.kind", TEXT, Label("类型", "Kind"), queryable=True),
        Property("unit", "d.unit", TEXT, Label("单位", "Unit")),
        Property("crs", "d.crs", TEXT, Label("坐标系", "CRS"), queryable=True),
        Property(
            "native_resolution_m",
            "d.native_resolution_m",
            NUMBER,
            Label("真实分辨率", "Native resolution"),
            unit="m",
        ),
        Property("stand_in", "d.stand_in", BOOLEAN, Label("替代数据", "Stand-in"), queryable=True),
        Property(
            "stand_in_note_zh", "d.stand_in_note_zh", TEXT, Label("替代说明", "Stand-in note, zh")
        ),
        Property(
            "stand_in_note_en",
            "d.stand_in_note_en",
            TEXT,
            Label("替代说明(英)", "Stand-in note, en"),
        ),
        Property("source", "d.source", TEXT, Label("来源", "Source")),
        Property("licence", "d.licence", TEXT, Label("许可", "Licence")),
        Property(
            "observed_from",
            "d.observed_from",
            DATE,
            Label("观测起始日", "Observed from"),
            role="primary-interval-start",
        ),
        Property(
            "observed_to",
            "d.observed_to",
            DATE,
            Label("观测截止日", "Observed to"),
            role="primary-interval-end",
        ),
        Property("origin", "d.origin", TEXT, Label("来源方式", "Origin"), queryable=True),
        Property(
            "job",
            "d.job_id::text",
            {"type": "string", "format": "uuid"},
            Label("作业", "Job"),
            queryable=True,
        ),
        Property("public", "d.public", BOOLEAN, Label("公开", "Public"), queryable=True),
        Property("checksum", "d.checksum", TEXT, Label("校验和", "SHA-256"), queryable=True),
        Property(
            "source_sha256",
            "d.attrs->>'source_sha256'",
            TEXT,
            Label("原文件校验和", "SHA-256 of the file it was imported from"),
            queryable=True,
        ),
        Property("bytes", "d.bytes", INTEGER, Label("字节数", "Bytes"), unit="By"),
        Property("grid", "d.grid", OBJECT, Label("格网", "Grid")),
        Property("registered_at", "d.created_at", MOMENT, Label("登记时间", "Registered at")),
    ),
)
