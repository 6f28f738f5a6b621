"""Where data come from: registered rasters, stations with feeds, and occurrences of species."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai import vocabulary
from shanhai.db.collections import guards
from shanhai.db.engine import read_today
from shanhai.db.features import columns, entity
from shanhai.db.queries.audit import Act
from shanhai.errors import Fault, InvalidInput
from shanhai.storage.artifacts import COG_TYPE
from shanhai.vocabulary import Label, Role, Scope

_DATASET = columns.Columns("d")

# What is not public takes the place of nothing that is, as not everybody sees it.
_NEWEST = (
    "NOT EXISTS (SELECT FROM dataset newer WHERE newer.region_id = d.region_id"
    " AND newer.theme = d.theme AND newer.kind = d.kind AND newer.origin = d.origin"
    " AND newer.deleted_at IS NULL AND (newer.public OR NOT d.public) AND newer.id > d.id)"
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
    code="d.code",
    geometry="d.footprint",
    geometry_type="geometry-multipolygon",
    live="d.deleted_at IS NULL",
    published="true",
    public="d.public",
    current=columns.current("d"),
    as_of=columns.as_of("d"),
    region="d.region_id",
    interval=("d.observed_from", "d.observed_to"),
    newest=_NEWEST,
    file=COG_TYPE,
    properties=(
        _DATASET.code,
        *_DATASET.names(),
        entity.Property(
            "region",
            "r.code",
            entity.TEXT,
            Label("区域", "Region"),
            queryable=True,
            role="reference",
        ),
        _DATASET.shown("theme", entity.TEXT, Label("专题", "Theme"), queryable=True),
        _DATASET.shown("kind", entity.TEXT, Label("类型", "Kind"), queryable=True),
        _DATASET.column("unit", entity.TEXT, Label("单位", "Unit")),
        _DATASET.shown("crs", entity.TEXT, Label("坐标系", "CRS")),
        _DATASET.column(
            "native_resolution_m",
            columns.POSITIVE,
            Label("真实分辨率", "Native resolution"),
            unit="m",
        ),
        _DATASET.column("stand_in", entity.BOOLEAN, Label("替代数据", "Stand-in"), queryable=True),
        _DATASET.column("stand_in_note_zh", entity.TEXT, Label("替代说明", "Stand-in note, zh")),
        _DATASET.column(
            "stand_in_note_en", entity.TEXT, Label("替代说明(英)", "Stand-in note, en")
        ),
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
        _DATASET.column("public", entity.BOOLEAN, Label("公开", "Public"), queryable=True),
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
        shown_by="public",
        guards=(
            guards.in_order(
                "observed_from",
                "observed_to",
                Label("观测截止日不得早于起始日", "observed_to must not be before observed_from"),
            ),
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
    code="sn.code",
    geometry="sn.geom",
    geometry_type="geometry-point",
    geometry_column="geom",
    live="sn.deleted_at IS NULL",
    published="true",
    current=columns.current("sn"),
    as_of=columns.as_of("sn"),
    region="sn.region_id",
    interval=_STATION.interval,
    properties=(
        _STATION.code,
        *_STATION.names(),
        _STATION.column(
            "kind",
            columns.choice(vocabulary.STATION_KINDS),
            Label("类型", "Kind"),
            queryable=True,
            required=True,
        ),
        _STATION.reference("region", "r.code", Label("区域", "Region"), to="regions"),
        _STATION.reference("owner", "o.code", Label("管理单位", "Owner"), to="parties"),
        _STATION.column(
            "interval_s",
            {**entity.INTEGER, "minimum": 1},
            Label("观测间隔", "Interval"),
            queryable=True,
            unit="s",
        ),
        _STATION.attribute("description", DESCRIPTION, Label("说明", "Description")),
        _STATION.attribute("annotations", entity.OBJECT, Label("附注", "Annotations")),
        _STATION.source,
        _STATION.fields,
        *_STATION.period,
    ),
    editing=entity.Editing(
        roles=frozenset({Role.PLANNER, Role.SUPERVISOR}), guards=(guards.PERIOD,)
    ),
)

_SPECIES, _FOUND = columns.Columns("sp"), columns.Columns("oc")
_JUDGES = frozenset({Role.SUPERVISOR, Role.APPROVER, Role.ANALYST})
RANKS = {
    "kingdom": Label("界", "Kingdom"),
    "phylum": Label("门", "Phylum"),
    "class": Label("纲", "Class"),
    "order": Label("目", "Order"),
    "family": Label("科", "Family"),
}
"""What a species belongs to, from the widest; a column of each is `taxon_{rank}`."""
CELL_DEGREES = 0.1
"""Sides of the cells of the grid: tenths of a degree of CGCS2000, from whole degrees on. Between 24
and 30 degrees north a cell is 11.1 km high and 9.6 to 10.2 km wide, 107 to 113 km²."""
MOST_NEAREST = 3
_NAMED = text(
    "SELECT code FROM species WHERE deleted_at IS NULL"
    " AND (code = :name OR lower(scientific_name) = lower(:name) OR name_zh = :name)"
    " ORDER BY code <> :name, lower(scientific_name) <> lower(:name), accepted_id NULLS FIRST, id"
    " LIMIT 1"
)
_NEAREST = text(
    "SELECT scientific_name FROM species WHERE deleted_at IS NULL"
    " ORDER BY greatest(similarity(scientific_name, :name),"
    " similarity(coalesce(name_zh, ''), :name)) DESC, scientific_name LIMIT :most"
)
_ACCEPTED = text(
    "SELECT accepted_id IS NOT NULL FROM species WHERE code = :code AND deleted_at IS NULL"
)
_NAMED_SO = text("SELECT min(code) FROM species WHERE accepted_id = :row_id AND deleted_at IS NULL")


async def accepted_once(session: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
    """The name used instead of another is itself accepted, so that one step leads to it."""
    accepted = (change.after or {}).get("accepted")
    if accepted is None:
        return ()
    if await session.scalar(_ACCEPTED, {"code": accepted}):
        told = (f"{accepted!r} is a synonym itself", f"{accepted!r} 本身是异名")
        return [Fault("/accepted", *told)]
    other = change.row_id and await session.scalar(_NAMED_SO, {"row_id": change.row_id})
    if other:
        told = (f"{other!r} is a synonym of this name", f"{other!r} 是此名称的异名")
        return [Fault("/accepted", *told)]
    return ()


async def nearest_names(session: AsyncSession, name: str) -> list[str]:
    """The scientific names of the list that are most like a name."""
    found = await session.scalars(_NEAREST, {"name": name, "most": MOST_NEAREST})
    return [str(one) for one in found]


async def species_named(session: AsyncSession, name: str, pointer: str) -> str:
    """The code of the species a text names: by code, scientific or Chinese name.

    Raises:
        InvalidInput: the list has none of that name.
    """
    code = await session.scalar(_NAMED, {"name": name})
    if code is not None:
        return str(code)
    near = await nearest_names(session, name)
    en = f"{name[:200]!r} is no name of the list of species"
    zh = f"物种名录中没有 {name[:200]!r}"
    if near:
        en, zh = f"{en}; the nearest are {', '.join(near)}", f"{zh}；相近的有：{'、'.join(near)}"
    raise InvalidInput(en, message_zh=zh, faults=[Fault(pointer, en, zh)])


async def named_in_the_list(
    session: AsyncSession, act: Act, change: entity.PendingWrite
) -> Mapping[str, Any]:
    """The code of the species where its name was given."""
    name = (change.after or {}).get("species")
    if name is None or name == (change.before or {}).get("species"):
        return {}
    return {"species": await species_named(session, str(name), "/properties/species")}


async def judged_by_whom(
    session: AsyncSession, act: Act, change: entity.PendingWrite
) -> Mapping[str, Any]:
    """Who changed the state, and when; nobody else can say so."""
    before, after = change.before or {}, change.after
    if after is None:
        return {}
    if after.get("state") in {before.get("state"), None} or change.before is None:
        return {name: before.get(name) for name in ("judged_by", "judged_on")}
    if after["state"] == "recorded":
        return {"judged_by": None, "judged_on": None}
    return {"judged_by": act.actor, "judged_on": (await read_today(session)).isoformat()}


async def not_yet(session: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
    """What is recorded has been observed."""
    after = change.after or {}
    last = after.get("observed_to") or after.get("observed_from")
    if last is None or str(last) <= (await read_today(session)).isoformat():
        return ()
    name = "observed_to" if after.get("observed_to") else "observed_from"
    return [Fault(f"/properties/{name}", "must not lie after today", "不得晚于今天")]


SPECIES = entity.Entity(
    name="species",
    title=Label("物种名录", "Species"),
    description=Label(
        "物种名录：学名、保护级别、红色名录等级、是否外来入侵，以及分布点的公开程度。",
        "The list of species: names, protection class, red list category, whether invasive, and"
        " what of the places of their occurrences everybody may know.",
    ),
    table="species",
    alias="sp",
    joins=" LEFT JOIN species ac ON ac.id = sp.accepted_id",
    code="sp.code",
    live="sp.deleted_at IS NULL",
    published="true",
    current=columns.current("sp"),
    as_of=columns.as_of("sp"),
    interval=_SPECIES.interval,
    path="/species",
    aliases=("sp.scientific_name",),
    properties=(
        _SPECIES.code,
        _SPECIES.column(
            "scientific_name",
            columns.NAME,
            Label("学名", "Scientific name"),
            queryable=True,
            required=True,
        ),
        *_SPECIES.names(required=False),
        _SPECIES.column(
            "protection",
            columns.choice(vocabulary.PROTECTION_CLASSES),
            Label("保护级别", "Protection class"),
            queryable=True,
        ),
        _SPECIES.column(
            "red_list",
            columns.choice(vocabulary.RED_LIST_CATEGORIES),
            Label("红色名录等级", "Red list category"),
            queryable=True,
        ),
        _SPECIES.column("invasive", entity.BOOLEAN, Label("外来入侵", "Invasive"), queryable=True),
        _SPECIES.column(
            "sensitivity",
            columns.choice(vocabulary.SENSITIVITIES),
            Label("位置公开程度", "Sensitivity"),
            queryable=True,
        ),
        _SPECIES.reference("accepted", "ac.code", Label("接受名", "Accepted name"), to="species"),
        *(
            _SPECIES.column(rank, columns.NAME, title, column=f"taxon_{rank}", queryable=True)
            for rank, title in RANKS.items()
        ),
        _SPECIES.source,
        _SPECIES.fields,
        *_SPECIES.period,
    ),
    editing=entity.Editing(
        roles=frozenset({Role.PLANNER, Role.SUPERVISOR, Role.ANALYST}),
        scopes=frozenset({Scope.PROJECTS, Scope.WRITE}),
        guards=(guards.RECORD_PERIOD, accepted_once),
    ),
)

_MASKING = entity.Masking(
    sensitive="oc.sensitivity <> 'open'",
    hidden="oc.sensitivity = 'hidden'",
    geometry="oc.shown",
    geometry_type="geometry-any",
    instead={
        "place": "'cell'",
        "uncertainty_m": (
            "ceil(ST_Length(ST_BoundingDiagonal(oc.shown)::geography)::numeric / 2)"
            "::double precision"
        ),
        **dict.fromkeys(
            ("region", "locality", "occurrence_id", "evidence", "source", "fields"), "NULL"
        ),
    },
    personal=frozenset({"observer", "judged_by"}),
)
OCCURRENCES = entity.masked(
    entity.Entity(
        name="occurrences",
        title=Label("物种分布点", "Occurrences of species"),
        description=Label(
            "物种在何时何地被发现；敏感物种的位置仅对有权者精确，其他人只见 0.1° 网格或不可见。",
            "Where and when species were met with; of sensitive species others than those who may"
            " know the place read the cell of a grid of 0.1 degrees, or nothing.",
        ),
        table="occurrence",
        alias="oc",
        joins=(
            " JOIN species sp ON sp.id = oc.species_id"
            " LEFT JOIN region r ON r.id = oc.region_id"
            " LEFT JOIN document ev ON ev.id = oc.evidence_id"
        ),
        code="oc.code",
        geometry="oc.geom",
        geometry_type="geometry-point",
        geometry_column="geom",
        live="oc.deleted_at IS NULL",
        published="true",
        public="oc.state = 'verified'",
        current=columns.current("oc"),
        as_of=columns.as_of("oc"),
        region="oc.region_id",
        interval=_FOUND.interval,
        properties=(
            _FOUND.code,
            _FOUND.reference(
                "species", "sp.code", Label("物种", "Species"), to="species", required=True
            ),
            entity.Property(
                "scientific_name",
                "sp.scientific_name",
                entity.TEXT,
                Label("学名", "Scientific name"),
                queryable=True,
            ),
            entity.Property(
                "name_zh", "sp.name_zh", columns.NAME, Label("中文名称", "Chinese name"), True
            ),
            entity.Property(
                "name_en", "sp.name_en", columns.NAME, Label("英文名称", "English name"), True
            ),
            entity.Property(
                "protection",
                "sp.protection",
                columns.choice(vocabulary.PROTECTION_CLASSES),
                Label("保护级别", "Protection class"),
                queryable=True,
            ),
            _FOUND.reference(
                "region", "r.code", Label("区域", "Region"), to="regions", required=True
            ),
            entity.Property(
                "place",
                "'exact'",
                columns.choice(vocabulary.PLACES_SHOWN),
                Label("所示位置", "Place shown"),
            ),
            entity.Property(
                "cell",
                "(floor(ST_X(oc.geom) * 10) / 10)::text || ','"
                " || (floor(ST_Y(oc.geom) * 10) / 10)::text",
                entity.TEXT,
                Label("网格（西南角）", "Grid cell, its south-western corner"),
                queryable=True,
            ),
            _FOUND.column(
                "uncertainty_m",
                columns.POSITIVE,
                Label("位置不确定度", "Uncertainty of the place"),
                queryable=True,
                unit="m",
            ),
            _FOUND.column("locality", entity.TEXT, Label("地点描述", "Locality"), queryable=True),
            _FOUND.column(
                "observed_from",
                entity.DATE,
                Label("发现日期", "Observed on, or from"),
                queryable=True,
                required=True,
            ),
            _FOUND.column(
                "observed_to", entity.DATE, Label("发现截止日期", "Observed until"), queryable=True
            ),
            _FOUND.column(
                "individuals", columns.ORDER, Label("数量", "Individuals"), queryable=True
            ),
            _FOUND.column(
                "method",
                columns.choice(vocabulary.OCCURRENCE_METHODS),
                Label("方法", "Method"),
                queryable=True,
            ),
            _FOUND.column("observer", columns.NAME, Label("观测人", "Observer"), queryable=True),
            _FOUND.column(
                "occurrence_id", columns.NAME, Label("记录编号", "occurrenceID"), queryable=True
            ),
            _FOUND.reference("evidence", "ev.code", Label("依据文件", "Evidence"), to="documents"),
            _FOUND.column(
                "state",
                columns.choice(vocabulary.OCCURRENCE_STATES),
                Label("状态", "State"),
                queryable=True,
            ),
            _FOUND.column("judged_by", entity.TEXT, Label("核实人", "Judged by")),
            _FOUND.column("judged_on", entity.DATE, Label("核实日期", "Judged on"), queryable=True),
            _FOUND.source,
            _FOUND.fields,
            *_FOUND.period,
        ),
        editing=entity.Editing(
            roles=frozenset({Role.PLANNER, Role.SUPERVISOR, Role.ANALYST, Role.APPROVER}),
            scopes=frozenset({Scope.PROJECTS, Scope.WRITE}),
            lifecycle=entity.Lifecycle(
                property="state",
                initial="recorded",
                steps=(
                    entity.Step("recorded", "verified", _JUDGES),
                    entity.Step("recorded", "doubtful", _JUDGES),
                    entity.Step("doubtful", "verified", _JUDGES),
                    entity.Step("verified", "doubtful", _JUDGES),
                    entity.Step("doubtful", "recorded", _JUDGES),
                ),
            ),
            effects=(named_in_the_list, judged_by_whom),
            sameness=(
                entity.Sameness(("occurrence_id",)),
                entity.Sameness(("species_id", "observed_from"), within_m=100.0),
            ),
            guards=(
                guards.PERIOD,
                guards.in_order(
                    "observed_from",
                    "observed_to",
                    Label(
                        "截止日期不得早于起始日期", "observed_to must not be before observed_from"
                    ),
                ),
                not_yet,
            ),
        ),
    ),
    _MASKING,
)
