"""Observations on their way in: one, with what is made beside them, or as data arrays."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from shanhai.db.observations.archive_restore import annul
from shanhai.db.observations.ingest import IncomingBatch, Sender, store_all
from shanhai.db.queries.audit import record
from shanhai.db.sensorthings.identifiers import observation_id, series_key
from shanhai.db.sensorthings.model import OBSERVATION
from shanhai.db.sensorthings.places import note_used
from shanhai.db.sensorthings.queries import Raw, columns_at, find_columns
from shanhai.errors import Conflict, Fault, InvalidInput, LimitExceeded
from shanhai.monitoring.observation import (
    MOST_TOLD,
    NO_FEATURE,
    OF_STATION,
    FeedObservation,
    Rejection,
    quality_number,
)
from shanhai.vocabulary import QUALITIES, Scope
from shanhai_api.kit.requests import Caller, demand
from shanhai_api.sta import schemas
from shanhai_api.sta.features import UNKNOWN, feature_of, features_of
from shanhai_api.sta.making import Making, Reading, Rule, fault_at, time_of

KIND = "sta"
FEATURE = "FeatureOfInterest/id"
COMPONENTS = frozenset(
    {"id", "phenomenonTime", "result", "resultTime", "resultQuality", "validTime", "parameters"}
) | {FEATURE}
MEMBERS: Mapping[str, str] = {
    "/station": "/Datastream/@iot.id",
    "/property": "/Datastream/@iot.id",
    "/time": "/phenomenonTime",
    "/value": "/result",
    "/quality": "/resultQuality",
    "/feature": "/FeatureOfInterest",
}
"""Where what the one way in says of a row stands in an Observation."""


def series_of(identifier: str, pointer: str) -> tuple[str, str]:
    """The station and property of a Datastream's id.

    Raises:
        InvalidInput: it is none.
    """
    key = series_key(identifier)
    if key is None:
        raise fault_at(
            pointer,
            "is not the id of a Datastream: `station:property`",
            "不是数据流的标识：`站点:要素`",
        )
    return str(key["station_code"]), str(key["property_code"])


async def reading_of(
    making: Making, body: schemas.ObservationBody, series: tuple[str, str], pointer: str
) -> Reading:
    """A value as the one way in takes it; a feature of interest that is described is made.

    Raises:
        InvalidInput: a member breaks a rule.
    """
    found = plain_observation(body, series, pointer)
    feature = await feature_of(making, body.FeatureOfInterest, series[0], pointer)
    return Reading(found._replace(feature=feature), pointer)


def plain_observation(
    body: schemas.ObservationBody, series: tuple[str, str], pointer: str = ""
) -> FeedObservation:
    """A value as the one way in takes it, whatever feature of interest the body tells.

    Raises:
        InvalidInput: a member breaks a rule.
    """
    given = {
        "phenomenonTime": body.phenomenonTime,
        "result": body.result,
        "resultTime": body.resultTime,
        "resultQuality": body.resultQuality,
    }
    found = _observation(series, given, {})
    if isinstance(found, Fault):
        raise fault_at(f"{pointer}{found.pointer}", found.detail, found.detail_zh or "")
    return found


def _observation(
    series: tuple[str, str], given: Mapping[str, Any], features: Mapping[str, int]
) -> FeedObservation | Fault:
    time = time_of(given.get("phenomenonTime"))
    if isinstance(time, Rule):
        return Fault("/phenomenonTime", time.en, time.zh)
    told = given.get("resultTime")
    result_time = None if told is None else time_of(told)
    if isinstance(result_time, Rule):
        return Fault("/resultTime", result_time.en, result_time.zh)
    value = given.get("result")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return Fault("/result", "must be a number", "必须是数值")
    of = given.get(FEATURE)
    is_known = isinstance(of, str) and of and (of == series[0] or of in features)
    if of is not None and not is_known:
        return Fault("/FeatureOfInterest", *UNKNOWN)
    quality = given.get("resultQuality")
    if quality is None:
        quality = QUALITIES[0].code
    try:
        quality_number(quality)
    except (KeyError, TypeError):
        known = ", ".join(item.code for item in QUALITIES)
        return Fault("/resultQuality", f"must be one of {known}", f"须为 {known} 之一")
    return FeedObservation(
        *series,
        time=time,
        value=float(value),
        quality=quality,
        result_time=result_time,
        feature=features.get(of, OF_STATION) if isinstance(of, str) else NO_FEATURE,
    )


def identifier_of(observation: FeedObservation) -> str:
    """The id an observation will have."""
    return observation_id(observation.station, observation.property, observation.time)


async def store_readings(making: Making) -> None:
    """Store the values that came with a request; all of them, or none.

    Raises:
        Unauthenticated, Forbidden: the caller may not send observations.
        InvalidInput: some break a rule.
    """
    if not making.readings:
        return
    refused = await _store(making, [item.observation for item in making.readings])
    if len(refused) > MOST_TOLD:
        first = refused[0]
        raise InvalidInput(
            f"{len(refused)} observations break a rule; the first: {first.detail}",
            message_zh=f"{len(refused)} 条观测值不符合规则；首条：{first.detail_zh}",
            faults=[Fault(MEMBERS.get(first.pointer, ""), first.detail, first.detail_zh)],
        )
    demand_stored(making.readings, refused)


def incoming(observations: Sequence[FeedObservation], caller: Caller) -> IncomingBatch:
    """Values as they are stored: each of a Datastream."""
    return IncomingBatch(observations, Sender(KIND, caller), by_series=True)


def demand_stored(readings: Sequence[Reading], refused: Sequence[Rejection]) -> None:
    """Refuse a request some of whose values could not be stored.

    Raises:
        InvalidInput: there are some.
    """
    if not refused:
        return
    faults = [
        Fault(
            readings[item.index].pointer + MEMBERS.get(item.pointer, item.pointer),
            item.detail,
            item.detail_zh,
        )
        for item in refused
    ]
    raise InvalidInput(
        "; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults[:10]),
        message_zh="；".join(f"{fault.pointer}：{fault.detail_zh}" for fault in faults[:10]),
        faults=faults,
    )


async def _store(making: Making, observations: Sequence[FeedObservation]) -> Sequence[Rejection]:
    """Store what can be; all the rest is told."""
    demand(making.caller, Scope.OBSERVE)
    # In parts, since of each no more than so many refused ones are told.
    starts = range(0, len(observations), MOST_TOLD)
    parts = [incoming(observations[at : at + MOST_TOLD], making.caller) for at in starts]
    outcomes = await store_all(making.session, parts, skew=making.skew, files=making.files)
    used = {item.feature for item in observations if item.feature > NO_FEATURE}
    if used:
        await note_used(making.session, used)
    return [
        replace(item, index=at + item.index)
        for at, outcome in zip(starts, outcomes, strict=True)
        for item in outcome.rejected.told
    ]


Row = FeedObservation | Fault


async def store_arrays(making: Making, arrays: Sequence[schemas.DataArray]) -> list[Row]:
    """Store the rows of data arrays, each by itself; what became of each, in their order.

    Raises:
        InvalidInput: an array as a whole breaks a rule.
        LimitExceeded: there are too many rows.
    """
    number = sum(len(array.dataArray) for array in arrays)
    if number > schemas.MOST_OBSERVATIONS:
        most = schemas.MOST_OBSERVATIONS
        raise LimitExceeded(
            f"{number} observations are more than {most}; send them in parts, or to /observations",
            message_zh=f"{number} 条观测值超过上限 {most}，请分批发送，或使用 /observations",
            pointer="",
        )
    features = await _features_in(making, arrays)
    rows = [
        row for place, array in enumerate(arrays) for row in _rows(array, f"/{place}", features)
    ]
    good = [number for number, row in enumerate(rows) if isinstance(row, FeedObservation)]
    observations = [row for row in rows if isinstance(row, FeedObservation)]
    if observations:
        for item in await _store(making, observations):
            pointer = MEMBERS.get(item.pointer, item.pointer)
            rows[good[item.index]] = Fault(pointer, item.detail, item.detail_zh)
    else:
        demand(making.caller, Scope.OBSERVE)
    return rows


async def _features_in(making: Making, arrays: Sequence[schemas.DataArray]) -> Mapping[str, int]:
    """The sampling features that rows of data arrays name."""
    named: set[str] = set()
    for array in arrays:
        if FEATURE in array.components:
            column = array.components.index(FEATURE)
            rows = (row for row in array.dataArray if isinstance(row, list) and len(row) > column)
            named.update(cell for row in rows if isinstance(cell := row[column], str))
    return await features_of(making, named, "") if named else {}


def _rows(array: schemas.DataArray, under: str, features: Mapping[str, int]) -> list[Row]:
    series = series_of(array.Datastream.id, f"{under}/Datastream/@iot.id")
    names = array.components
    unknown = set(names) - COMPONENTS
    if unknown or len(set(names)) < len(names) or "result" not in names:
        known = ", ".join(sorted(COMPONENTS))
        raise fault_at(
            f"{under}/components",
            f"must name `result`, and each of {known} once at most",
            f"须含 `result`，其余各至多一次：{known}",
        )
    return [_row(series, names, row, features) for row in array.dataArray]


def _row(
    series: tuple[str, str], names: Sequence[str], row: Any, features: Mapping[str, int]
) -> Row:
    if not isinstance(row, list) or len(row) != len(names):
        return Fault("", f"must be a list of {len(names)} values", f"须为 {len(names)} 个值的列表")
    return _observation(series, dict(zip(names, row, strict=True)), features)


async def revise(making: Making, before: Raw, body: schemas.ObservationBody) -> None:
    """Store another value, quality or time in the place of an observation there is.

    Raises:
        InvalidInput: the body gives it another series, or breaks a rule.
        Conflict: there is a value at the other time.
    """
    series, _, _ = before["id"].rpartition(":")
    if body.Datastream is not None and body.Datastream.id != series:
        raise fault_at("/Datastream/@iot.id", "cannot be changed", "不可更改")
    was, named = before["members"], body.model_fields_set
    given = {
        "phenomenonTime": was["phenomenonTime"],
        "result": body.result if "result" in named else was["result"],
        "resultTime": body.resultTime if "resultTime" in named else was["resultTime"],
        "resultQuality": body.resultQuality or was["resultQuality"],
    }
    found = _observation(series_of(series, ""), given, {})
    if isinstance(found, Fault):
        raise fault_at(found.pointer, found.detail, found.detail_zh or "")
    key = OBSERVATION.parse(before["id"]) or {}
    columns = await find_columns(making.session, making.asker, OBSERVATION, key)
    if columns is None:
        raise LookupError(f"{before['id']} was read and is not there")
    told = body.FeatureOfInterest
    feature = columns["feature_id"] or NO_FEATURE
    if told is not None:
        feature = await feature_of(making, told, found.station, "")
    if body.phenomenonTime is not None:
        found = await _moved(making, columns, found, body.phenomenonTime)
    if found.time == key["observed_at"] and found.result_time is None and was["resultTime"]:
        # Another value in its place would keep the time that is taken away.
        at = columns["station_id"], columns["property_id"], [found.time]
        await annul(making.session, making.files, *at)
    making.readings.append(Reading(found._replace(feature=feature), ""))
    await store_readings(making)


async def _moved(
    making: Making, columns: Mapping[str, Any], found: FeedObservation, told: str
) -> FeedObservation:
    """An observation at the time that is told; it is taken away from where it was."""
    time = time_of(told)
    if isinstance(time, Rule):
        raise fault_at("/phenomenonTime", time.en, time.zh)
    if time == found.time:
        return found
    there = {name: columns[name] for name in ("station_code", "property_code")}
    # What was moved away from there is not there any more.
    at = {**there, "observed_at": time}
    if await columns_at(making.session, making.asker, OBSERVATION, at):
        raise Conflict(
            "there is an Observation of this Datastream at that time",
            message_zh="该数据流在此时刻已有观测值",
            faults=[Fault("/phenomenonTime", "is taken", "该时刻已有观测值")],
        )
    station, observed = columns["station_id"], columns["property_id"]
    await annul(making.session, making.files, station, observed, [found.time], moved_to=time)
    moved = found._replace(time=time)
    before, after = ({"phenomenonTime": one.time.isoformat()} for one in (found, moved))
    record(
        making.session,
        making.act,
        "update",
        table="observation",
        object_id=identifier_of(found),
        before=before,
        after=after,
    )
    return moved
