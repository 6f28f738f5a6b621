"""Write what SensorThings says beside values: sensors, and what is said of series.

Each function works in the caller's transaction, which is rolled back whatever it raises.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, exists, func, or_, select, text, union, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.guards import refused
from shanhai.db.features.input_validation import CODE, CODE_RULE, CODE_RULE_ZH, merged
from shanhai.db.features.write import CODE_LENGTH, CODE_LETTERS
from shanhai.db.queries.audit import Act, record
from shanhai.db.sensorthings.identifiers import Key, series_id
from shanhai.db.sensorthings.rows import UNSPECIFIED
from shanhai.db.tables.observation import ObservationLatest, ObservedProperty
from shanhai.db.tables.station import Datastream, Location, Sensor, Station
from shanhai.errors import Conflict, NotFound
from shanhai.vocabulary import Label

Values = Mapping[str, Any]
NEVER = text("'-infinity'")
"""The time of the newest value of a series whose values were all taken back."""
SENSOR_COLUMNS = ("name_zh", "name_en", "description", "encoding_type", "document", "properties")
SERIES_COLUMNS = ("name", "description", "properties", "unit")


@dataclass(frozen=True, slots=True)
class StationSeries:
    """The series of one property at one station, by codes and by rows."""

    station_code: str
    property_code: str
    station_id: int
    property_id: int

    @property
    def identifier(self) -> str:
        """The id of its Datastream."""
        return series_id(self.station_code, self.property_code)


async def sensor_id(session: AsyncSession, code: str) -> int | None:
    """The row of a sensor."""
    found: int | None = await session.scalar(select(Sensor.id).where(Sensor.code == code))
    return found


async def create_sensor(session: AsyncSession, act: Act, code: str | None, values: Values) -> str:
    """Make a sensor of the values of its columns; without a code it is given one.

    Raises:
        InvalidInput: the code breaks the rule of codes.
        Conflict: it is taken.
    """
    if code is not None and CODE.fullmatch(code) is None:
        raise refused("/@iot.id", Label(CODE_RULE_ZH, CODE_RULE))
    letters = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    own = code or f"sensor-{letters}"
    query = insert(Sensor).values(code=own, **values).on_conflict_do_nothing()
    made = await session.scalar(query.returning(Sensor.id))
    if made is None:
        raise Conflict(f"there is a sensor {own!r}", message_zh=f"传感器 {own!r} 已存在")
    record(session, act, "create", table="sensor", object_id=own, after=values)
    return own


async def update_sensor(session: AsyncSession, act: Act, code: str, values: Values) -> None:
    """Change columns of a sensor.

    Raises:
        NotFound: there is none.
        Conflict: it is the one of series nobody described one for.
    """
    before = await _locked_sensor(session, code)
    after = _changed(before, values)
    changed = update(Sensor).where(Sensor.code == code)
    await session.execute(changed.values(**after, updated_at=func.now()))
    record(session, act, "update", table="sensor", object_id=code, before=before, after=after)


async def remove_sensor(session: AsyncSession, act: Act, code: str) -> None:
    """Delete a sensor that no series has.

    Raises:
        NotFound: there is none.
        Conflict: a series has it.
    """
    before = await _locked_sensor(session, code)
    own = select(Sensor.id).where(Sensor.code == code).scalar_subquery()
    if await session.scalar(select(exists().where(Datastream.sensor_id == own))):
        raise Conflict(
            f"Datastreams refer to the sensor {code!r}", message_zh=f"传感器 {code!r} 仍被引用"
        )
    await session.execute(delete(Sensor).where(Sensor.code == code))
    record(session, act, "delete", table="sensor", object_id=code, before=before)


def _changed(before: Values, values: Values) -> dict[str, Any]:
    """Columns after a change; of free properties those given, null takes one away."""
    free = merged(before["properties"], values.get("properties", {}))
    return {**before, **values, "properties": free}


async def _locked_sensor(session: AsyncSession, code: str) -> dict[str, Any]:
    row = await session.scalar(select(Sensor).where(Sensor.code == code).with_for_update())
    if row is None:
        raise NotFound(f"there is no sensor {code!r}", message_zh=f"没有传感器 {code!r}")
    if code == UNSPECIFIED:
        raise Conflict(
            "the sensor of series nobody described one for stays as it is",
            message_zh="未说明的传感器不可更改",
        )
    return {name: getattr(row, name) for name in SENSOR_COLUMNS}


async def create_series(
    session: AsyncSession, act: Act, series: StationSeries, sensor: int, values: Values
) -> None:
    """Say something of a series.

    Raises:
        Conflict: that was done before.
    """
    query = insert(Datastream).values(
        station_id=series.station_id,
        property_id=series.property_id,
        sensor_id=sensor,
        **values,
    )
    made = await session.scalar(query.on_conflict_do_nothing().returning(Datastream.station_id))
    if made is None:
        raise Conflict(
            f"there is a Datastream {series.identifier!r}",
            message_zh=f"数据流 {series.identifier!r} 已存在",
        )
    _record_series(session, act, "create", series, after={**values, "sensor_id": sensor})


async def update_series(
    session: AsyncSession, act: Act, series: StationSeries, sensor: int | None, values: Values
) -> None:
    """Change what is said of a series, `values` over what was; `sensor` of None stays as it is."""
    before = await _locked_series(session, series)
    usual = await sensor_id(session, UNSPECIFIED)
    empty: dict[str, Any] = {"name": "", "description": "", "properties": {}, "unit": None}
    known = before or {**empty, "sensor_id": usual}
    after = _changed(known, {**values, **({} if sensor is None else {"sensor_id": sensor})})
    query = insert(Datastream).values(
        station_id=series.station_id, property_id=series.property_id, **after
    )
    target = [Datastream.station_id, Datastream.property_id]
    await session.execute(
        query.on_conflict_do_update(index_elements=target, set_={**after, "updated_at": func.now()})
    )
    _record_series(session, act, "update", series, before=before, after=after)


async def remove_series(session: AsyncSession, act: Act, series: StationSeries) -> None:
    """Delete what is said of a series that has no values.

    Raises:
        Conflict: it has, and they are kept.
    """
    values = exists().where(
        ObservationLatest.station_id == series.station_id,
        ObservationLatest.property_id == series.property_id,
        ObservationLatest.observed_at > NEVER,
    )
    before = await _locked_series(session, series)
    if await session.scalar(select(values)):
        raise Conflict(
            f"{series.identifier!r} has observations, which are kept",
            message_zh=f"{series.identifier!r} 已有观测值，须予保留",
        )
    await session.execute(delete(Datastream).where(*_of(series)))
    _record_series(session, act, "delete", series, before=before)


async def _locked_series(session: AsyncSession, series: StationSeries) -> dict[str, Any] | None:
    row = await session.scalar(select(Datastream).where(*_of(series)).with_for_update())
    if row is None:
        return None
    return {name: getattr(row, name) for name in (*SERIES_COLUMNS, "sensor_id")}


def _of(series: StationSeries) -> tuple[Any, ...]:
    return (
        Datastream.station_id == series.station_id,
        Datastream.property_id == series.property_id,
    )


def _record_series(
    session: AsyncSession,
    act: Act,
    action: str,
    series: StationSeries,
    *,
    before: Values | None = None,
    after: Values | None = None,
) -> None:
    record(
        session,
        act,
        action,
        table="datastream",
        object_id=series.identifier,
        before=before,
        after=after,
    )


async def series_with(
    session: AsyncSession, *, sensor: str | None = None, observed: str | None = None
) -> list[StationSeries]:
    """The series somebody described that have a sensor, or all series of a property."""
    told = select(Datastream.station_id, Datastream.property_id)
    valued = select(ObservationLatest.station_id, ObservationLatest.property_id)
    of_sensor = told.join(Sensor, Sensor.id == Datastream.sensor_id).where(Sensor.code == sensor)
    own = select(ObservedProperty.id).where(
        or_(ObservedProperty.code == observed, ObservedProperty.variant_of == observed)
    )
    of_property = union(
        told.where(Datastream.property_id.in_(own)),
        valued.where(ObservationLatest.property_id.in_(own)),
    )
    keys = (of_sensor if observed is None else of_property).subquery()
    query = (
        select(Station.code, ObservedProperty.code, Station.id, ObservedProperty.id)
        .join(keys, keys.c.station_id == Station.id)
        .join(ObservedProperty, ObservedProperty.id == keys.c.property_id)
        .order_by(Station.id, ObservedProperty.id)
    )
    return [StationSeries(*row) for row in await session.execute(query)]


async def region_of(session: AsyncSession, station_id: int) -> int | None:
    """The region by which rights on a station are judged."""
    found: int | None = await session.scalar(
        select(Station.region_id).where(Station.id == station_id)
    )
    return found


async def find_property(session: AsyncSession, names: set[str]) -> ObservedProperty | None:
    """The observed property that has one of the codes, or is called so by feeds."""
    found: ObservedProperty | None = await session.scalar(
        select(ObservedProperty)
        .where(
            ObservedProperty.code.in_(names)
            | ObservedProperty.hj525.in_(names)
            | ObservedProperty.aliases.overlap(sorted(names))
        )
        .order_by(ObservedProperty.code.in_(names).desc(), ObservedProperty.id)
        .limit(1)
    )
    return found


async def find_defined(
    session: AsyncSession, name: str, definition: str, unit: str | None, station_id: int | None
) -> ObservedProperty | None:
    """The observed property somebody described so before, of which a station has no series.

    Args:
        unit: The unit it must be in; None for one whose unit nobody has told.
    """
    said = exists().where(
        Datastream.station_id == station_id, Datastream.property_id == ObservedProperty.id
    )
    own = ObservedProperty.unit_open.is_(unit is None)
    query = select(ObservedProperty).where(
        ObservedProperty.definition == definition,
        ObservedProperty.name_en == name,
        ObservedProperty.variant_of.is_(None),
        own,
        ~said,
    )
    if unit is not None:
        query = query.where(ObservedProperty.unit == unit)
    query = query.order_by(ObservedProperty.id.desc()).limit(1)
    found: ObservedProperty | None = await session.scalar(query)
    return found


async def hold(session: AsyncSession, key: Key) -> None:
    """Keep the rows an id names as they are until the transaction ends."""
    for column, code in (
        ("station_code", Station.code),
        ("sensor_code", Sensor.code),
        ("property_code", ObservedProperty.code),
        ("observed_code", ObservedProperty.code),
        ("place_code", Location.code),
    ):
        if column in key:
            query = select(code).where(code == key[column])
            await session.execute(query.with_for_update(key_share=True))
