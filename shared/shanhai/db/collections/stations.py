"""Monitoring stations and feeds."""

from shanhai.db.collections.guards import PERIOD
from shanhai.db.features.columns import Columns, as_of, choice, current
from shanhai.db.features.entity import INTEGER, OBJECT, TEXT, Editing, Entity
from shanhai.vocabulary import STATION_KINDS, Label, Role

_OWN = Columns("sn")
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
    interval=_OWN.interval,
    properties=(
        _OWN.code,
        *_OWN.names(),
        _OWN.column(
            "kind", choice(STATION_KINDS), Label("类型", "Kind"), queryable=True, required=True
        ),
        _OWN.reference("region", "r.code", Label("区域", "Region"), to="regions"),
        _OWN.reference("owner", "o.code", Label("管理单位", "Owner"), to="parties"),
        _OWN.column(
            "interval_s",
            {**INTEGER, "minimum": 1},
            Label("观测间隔", "Interval"),
            queryable=True,
            unit="s",
        ),
        _OWN.attribute("description", DESCRIPTION, Label("说明", "Description")),
        _OWN.attribute("annotations", OBJECT, Label("附注", "Annotations")),
        _OWN.source,
        _OWN.fields,
        *_OWN.period,
    ),
    editing=Editing(roles=frozenset({Role.PLANNER, Role.SUPERVISOR}), guards=(PERIOD,)),
)
