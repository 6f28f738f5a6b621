"""Features of interest: what values are of, where that is not the place of their station."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from shanhai.db.collections.data_sources import STATIONS
from shanhai.db.features.geometry import StoredGeometry, read_shape
from shanhai.db.identity import demand_role
from shanhai.db.observations.archive_restore import annul, demand_few
from shanhai.db.observations.validation import moment
from shanhai.db.sensorthings import places
from shanhai.db.sensorthings.archive_filter import Need
from shanhai.db.sensorthings.archive_rows import Loading
from shanhai.db.sensorthings.queries import Raw
from shanhai.db.sensorthings.write import region_of
from shanhai.db.tables.station import SamplingFeature
from shanhai.errors import Conflict
from shanhai.monitoring.observation import NO_FEATURE, OF_STATION
from shanhai.vocabulary import Scope
from shanhai_api.kit.body import parse
from shanhai_api.kit.requests import demand
from shanhai_api.sta import schemas
from shanhai_api.sta.making import Making, fault_at
from shanhai_api.sta.places import GEOJSON_TYPES, given_columns

UNKNOWN = (
    "must be an id, or tell name, encodingType and feature",
    "须为标识，或给出名称、编码与几何",
)


async def feature_of(making: Making, told: Any, station: str, pointer: str) -> int:
    """The number of the sampling feature an Observation tells; one that is described is made.

    Raises:
        InvalidInput: it is none.
        Unauthenticated, Forbidden: the caller may send nothing for the station.
    """
    if told is None:
        return NO_FEATURE
    at = f"{pointer}/FeatureOfInterest"
    if not isinstance(told, dict):
        raise fault_at(at, *UNKNOWN)
    body = parse(schemas.FeatureBody, told, under=at)
    if body.id is not None:
        known = await features_of(making, [body.id], station)
        if body.id in known:
            return known[body.id]
    if body.name is None or body.feature is None or body.encodingType is None:
        raise fault_at(at, *UNKNOWN)
    row = await making.station(station)
    if row is None:
        raise fault_at(f"{pointer}/Datastream/@iot.id", "is not there", "不存在")
    demand(making.caller, Scope.OBSERVE)
    region = await region_of(making.session, row)
    code = await create_feature(making, body, at, region)
    return (await _row(making, code))[0]


async def features_of(making: Making, codes: Iterable[str], station: str) -> dict[str, int]:
    """The numbers of the features of interest with some ids, of those the caller may know of."""
    wanted = [code for code in codes if "\x00" not in code]
    seen = replace(making.asker, viewer=making.caller.sender).composition()
    return {**await places.find_features(making.session, wanted, seen), station: OF_STATION}


async def create_feature(
    making: Making, body: schemas.FeatureBody, under: str = "", region: int | None = None
) -> str:
    """Make a sampling feature; its id.

    Raises:
        InvalidInput: a member the standard demands is missing, or breaks a rule.
    """
    for name in ("name", "encodingType", "feature"):
        if getattr(body, name) is None:
            raise fault_at(f"{under}/{name}", "is required", "必填")
    shape = await _shape_of(body, under)
    values = {
        "name": body.name,
        "description": body.description or "",
        "properties": body.properties or {},
        "encoding_type": body.encodingType,
    }
    return await places.create_feature(
        making.session, making.act, body.id, values, shape.wkb, region
    )


async def _shape_of(body: schemas.FeatureBody, under: str) -> StoredGeometry:
    if body.encodingType is not None and body.encodingType not in GEOJSON_TYPES:
        raise fault_at(f"{under}/encodingType", "must be GeoJSON", "须为 GeoJSON")
    told: Mapping[str, Any] = body.feature or {}
    inner = told.get("geometry")
    is_feature = told.get("type") == "Feature" and isinstance(inner, dict)
    value = inner if is_feature else told
    return await read_shape(value, kind="geometry-any", pointer=f"{under}/feature")


async def change_feature(making: Making, before: Raw, body: schemas.FeatureBody) -> None:
    """Change a sampling feature.

    Raises:
        Conflict: it is the place of a station.
    """
    await _demand_own(making, before)
    shape = None if body.feature is None else await _shape_of(body, "")
    given = given_columns(body)
    wkb = None if shape is None else shape.wkb
    await places.update_place(making.session, making.act, SamplingFeature, before["id"], given, wkb)


async def _demand_own(making: Making, before: Raw) -> int:
    """The row of a sampling feature the caller may write about."""
    row, region = await _row(making, str(before["id"]))
    if STATIONS.editing is not None and region is not None:
        demand_role(making.caller, STATIONS.editing.roles, region)
    return row


async def _row(making: Making, code: str) -> tuple[int, int | None]:
    found = await places.feature_row(making.session, code)
    if found is None:
        raise Conflict(
            f"{code!r} is the place of a station; change its Location",
            message_zh=f"{code!r} 为站点所在地，请更改其位置",
        )
    return found


async def remove_feature(making: Making, before: Raw) -> None:
    """Delete what values are of with those values, which stay in the revisions."""
    code = str(before["id"])
    station = await making.station(code)
    if station is not None:
        await making.demand_station(station)
        need = Need("all", key={"station_id": station}, feature=NO_FEATURE)
        await _annul_all(making, need, await places.live_values(making.session, station=station))
        await places.leave_out(making.session, making.act, station, code)
        return
    feature = await _demand_own(making, before)
    live = await places.live_values(making.session, feature=feature)
    await _annul_all(making, Need("all", feature=feature), live)
    await places.remove_feature(making.session, making.act, code)


async def _annul_all(
    making: Making, need: Need, live: Mapping[tuple[int, int], Iterable[datetime]]
) -> None:
    """Take back the values of a feature, those of closed months too."""
    times = {series: set(at) for series, at in live.items()}
    loading = Loading(making.session, making.asker.composition(), making.files)
    rows = await loading.load([need])
    for station, observed, time in zip(
        rows.station.tolist(), rows.property.tolist(), rows.time.tolist(), strict=True
    ):
        times.setdefault((station, observed), set()).add(moment(time))
    demand_few(sum(map(len, times.values())))
    for (station, observed), at in sorted(times.items()):
        await making.demand_station(station)
        await annul(making.session, making.files, station, observed, sorted(at))
    if times:
        demand(making.caller, Scope.OBSERVE)
