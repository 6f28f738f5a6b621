"""What can be observed, as administrators keep it; and what is possible at one station."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, exists, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import touch
from shanhai.db.collections.data_sources import STATIONS
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Viewer
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.observation import ObservationLatest, ObservedProperty, StationRange
from shanhai.db.tables.station import Datastream, Station
from shanhai.errors import Conflict, InvalidInput, NotFound, demand_state
from shanhai.monitoring.units import conversion, steps_to, symbol_of

CHANGED = (
    *("code", "name_zh", "name_en", "medium", "unit", "low", "high", "decimals", "moves"),
    *("hj525", "aliases", "standard", "raw_years", "definition", "description", "unit_open"),
    "variant_of",
)
"""The columns somebody gives."""


async def list_properties(session: AsyncSession) -> Sequence[ObservedProperty]:
    """All properties, in the order they were made."""
    return (await session.scalars(select(ObservedProperty).order_by(ObservedProperty.id))).all()


async def find_property(
    session: AsyncSession, code: str, *, lock: bool = False
) -> ObservedProperty:
    """The property of a code.

    Raises:
        NotFound: there is none.
    """
    query = select(ObservedProperty).where(ObservedProperty.code == code)
    found = await session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFound(
            f"there is no property {code[:80]!r}", message_zh=f"没有观测项目 {code[:80]!r}"
        )
    return found


async def create_property(
    session: AsyncSession, contents: Mapping[str, Any], *, act: Act
) -> ObservedProperty:
    """Make a property.

    Raises:
        Conflict: one of its codes means another property.
    """
    row = ObservedProperty(**contents)
    await _demand_own_names(session, row)
    session.add(row)
    await session.flush()
    await session.refresh(row)
    record(session, act, "create", table="observed_property", object_id=row.code, after=_image(row))
    return row


async def change_property(
    session: AsyncSession,
    code: str,
    changes: Mapping[str, Any],
    *,
    act: Act,
    expected: frozenset[str] | None = None,
) -> ObservedProperty:
    """Change what is given of a property.

    Args:
        expected: The states, one of which it must be in; None for any.

    Raises:
        NotFound: there is none.
        Stale: it is in none of the states expected.
        Conflict: one of its codes means another property, or its unit is to change though values
            are kept in it.
        InvalidInput: its range would be empty.
    """
    row = await find_property(session, code, lock=True)
    demand_state(state_of_property(row), expected, f"property {code}", f"观测项目 {code}")
    if changes.get("unit", row.unit) != row.unit:
        await _demand_unobserved(session, row)
        await _convert_told(session, row, changes["unit"])
    if "unit" in changes:
        changes = {"unit_open": False, **changes}
    before = _image(row)
    for name, value in changes.items():
        setattr(row, name, value)
    check_range(row.low, row.high)
    with session.no_autoflush:
        await _demand_own_names(session, row)
    await touch(session, row)
    record(
        session,
        act,
        "update",
        table="observed_property",
        object_id=row.code,
        before=before,
        after=_image(row),
    )
    return row


def state_of_property(row: ObservedProperty) -> str:
    """What tells a property from what it was before a change."""
    return str(row.row_version)


def check_range(low: float | None, high: float | None) -> None:
    """Refuse a range in which no value can lie.

    Raises:
        InvalidInput: `low` is not below `high`.
    """
    if low is not None and high is not None and not low < high:
        raise InvalidInput(
            f"low {low} must be below high {high}",
            message_zh=f"下限 {low} 须小于上限 {high}",
            pointer="/low",
        )


async def set_range(
    session: AsyncSession,
    station: str,
    code: str,
    low: float | None,
    high: float | None,
    *,
    act: Act,
    expected: frozenset[str] | None = None,
) -> None:
    """Say which values are possible at a station, instead of the property's own range.

    Raises:
        NotFound: there is no such station or property.
        InvalidInput: no value can lie in the range.
        Stale: the property, whose ranges these are, is in none of the states expected.
    """
    check_range(low, high)
    station_id, row = await _begin_range(session, station, code, expected)
    limits = {"low": low, "high": high}
    await session.execute(
        insert(StationRange)
        .values(station_id=station_id, property_id=row.id, **limits)
        .on_conflict_do_update(index_elements=["station_id", "property_id"], set_=limits)
    )
    named = f"{station}/{code}"
    record(session, act, "update", table="station_range", object_id=named, after=limits)


async def _begin_range(
    session: AsyncSession, station: str, code: str, expected: frozenset[str] | None
) -> tuple[int, ObservedProperty]:
    station_id = await _station_id(session, station)
    row = await find_property(session, code, lock=True)
    demand_state(state_of_property(row), expected, f"property {code}", f"观测项目 {code}")
    row.row_version += 1
    return station_id, row


async def drop_range(
    session: AsyncSession,
    station: str,
    code: str,
    *,
    act: Act,
    expected: frozenset[str] | None = None,
) -> None:
    """Let the property's own range hold at a station again.

    Raises:
        NotFound: there is no such station or property.
        Stale: the property, whose ranges these are, is in none of the states expected.
    """
    station_id, row = await _begin_range(session, station, code, expected)
    await session.execute(
        delete(StationRange).where(
            StationRange.station_id == station_id, StationRange.property_id == row.id
        )
    )
    record(session, act, "delete", table="station_range", object_id=f"{station}/{code}")


async def list_ranges(
    session: AsyncSession, code: str, viewer: Viewer
) -> list[tuple[str, float | None, float | None]]:
    """The stations a reader may see with a range of their own for a property, and these ranges."""
    met = " AND ".join(("true", *visibility(STATIONS, viewer)))
    seen = text(f"station.id IN (SELECT sn.id FROM {STATIONS.source} WHERE {met})")  # noqa: S608
    query = (
        select(Station.code, StationRange.low, StationRange.high)
        .join(StationRange, StationRange.station_id == Station.id)
        .join(ObservedProperty, ObservedProperty.id == StationRange.property_id)
        .where(ObservedProperty.code == code, Station.deleted_at.is_(None), seen)
        .order_by(Station.code)
    )
    rows = await session.execute(query, viewer_values(viewer))
    return [(row.code, row.low, row.high) for row in rows]


async def _station_id(session: AsyncSession, code: str) -> int:
    query = select(Station.id).where(Station.code == code, Station.deleted_at.is_(None))
    found = await session.scalar(query)
    if found is None:
        raise NotFound(f"there is no station {code[:80]!r}", message_zh=f"没有站点 {code[:80]!r}")
    return found


async def _demand_own_names(session: AsyncSession, row: ObservedProperty) -> None:
    """A code, an alias or a code of HJ 525 that meant two properties would mix their values."""
    names = [name for name in (row.code, row.hj525, *(row.aliases or ())) if name is not None]
    other = select(ObservedProperty.code).where(
        or_(
            ObservedProperty.code.in_(names),
            ObservedProperty.hj525.in_(names),
            ObservedProperty.aliases.overlap(names),
        )
    )
    if row.id is not None:
        other = other.where(ObservedProperty.id != row.id)
    found = await session.scalar(other.limit(1))
    if found is not None:
        raise Conflict(
            f"one of the codes {', '.join(names)} means the property {found} already",
            message_zh=f"代码 {'、'.join(names)} 之一已属于观测项目 {found}",
        )


async def remove_property(session: AsyncSession, code: str, *, act: Act) -> None:
    """Delete a property that somebody described and nothing refers to.

    Raises:
        NotFound: there is none.
        Conflict: it is one of the catalogue, or something refers to it.
    """
    row = await find_property(session, code, lock=True)
    if row.definition is None:
        raise Conflict(
            f"{code} is a property of the catalogue, which stays",
            message_zh=f"{code} 为目录中的观测项目，不可删除",
        )
    for variant in await _variants(session, row):
        await remove_property(session, variant, act=act)
    before = _image(row)
    try:
        async with session.begin_nested():
            await session.execute(
                delete(ObservationLatest).where(
                    ObservationLatest.property_id == row.id,
                    ObservationLatest.observed_at == text("'-infinity'"),
                )
            )
            await session.execute(delete(ObservedProperty).where(ObservedProperty.id == row.id))
    except IntegrityError as error:
        raise Conflict(
            f"something refers to the property {code}", message_zh=f"观测项目 {code} 仍被引用"
        ) from error
    record(session, act, "delete", table="observed_property", object_id=code, before=before)


async def _variants(session: AsyncSession, row: ObservedProperty) -> Sequence[str]:
    """The codes of the same property in units that do not convert."""
    query = select(ObservedProperty.code).where(ObservedProperty.variant_of == row.code)
    return (await session.scalars(query.order_by(ObservedProperty.id))).all()


async def _convert_told(session: AsyncSession, row: ObservedProperty, unit: str) -> None:
    """Let the Datastreams of a property convert to another unit of its values.

    Raises:
        Conflict: one tells a unit that does not.
    """
    query = select(Datastream).where(Datastream.property_id == row.id, Datastream.unit.is_not(None))
    for told in await session.scalars(query.with_for_update()):
        symbol = symbol_of(told.unit)
        if symbol and conversion(symbol, unit) is None:
            raise Conflict(
                f"a Datastream of {row.code} tells {symbol!r}, which does not convert to {unit}",
                message_zh=f"{row.code} 的数据流注明单位 {symbol!r}，不能换算为 {unit}",
            )
        told.conversion = steps_to(symbol, unit) if symbol else None


async def _demand_unobserved(session: AsyncSession, row: ObservedProperty) -> None:
    kept = exists().where(
        ObservationLatest.property_id == row.id, ObservationLatest.observed_at > text("'-infinity'")
    )
    if await session.scalar(select(kept)):
        raise Conflict(
            f"values of {row.code} are kept in {row.unit}: its unit cannot change",
            message_zh=f"{row.code} 的观测值以 {row.unit} 保存，单位不能更改",
        )


def _image(row: ObservedProperty) -> dict[str, Any]:
    return {name: getattr(row, name) for name in CHANGED}
