"""In which unit the values of a series are kept, whatever unit its Datastream tells.

Values of one property are kept in one unit, by which they are compared, taken together and judged.
A unit that converts to it is converted on entry, and back for who asks the Datastream. One that
does not is kept apart: the series is stored under a variant of the property, which nothing takes
together with the property itself.
"""

import secrets
from collections.abc import Sequence

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.write import CODE_LENGTH, CODE_LETTERS
from shanhai.db.observations.properties import change_property, create_property
from shanhai.db.queries.audit import Act
from shanhai.db.sensorthings.write import NEVER
from shanhai.db.tables.observation import ObservationLatest, ObservedProperty
from shanhai.db.tables.station import Datastream
from shanhai.errors import Conflict
from shanhai.monitoring.units import conversion, steps_to, symbol_of, unit_code

PLAIN = "1"
"""The unit of plain numbers, whose unit is not known here."""


def conversion_to(symbol: str, observed: ObservedProperty) -> list[float] | None:
    """How values of a unit become those of a property's; None where they are of the same unit."""
    return None if not symbol or observed.unit_open else steps_to(symbol, observed.unit)


async def kept_under(
    session: AsyncSession,
    act: Act,
    observed: ObservedProperty,
    symbol: str,
    station_id: int,
    *,
    own: int | None = None,
) -> ObservedProperty | None:
    """The property under which a series of a property is stored whose values are of a unit.

    Args:
        own: The property it is stored under now, if it is there.

    Returns:
        The property, or the variant of it that fits and of which the station has no other series;
        None where there is none.

    Raises:
        Conflict: the station has a series of it in that unit.
    """
    family = await _family(session, observed)
    taken = await _taken(session, station_id, family, own)
    fitting = [one for one in family if await _fits(session, one, symbol, station_id, own)]
    for one in fitting:
        if one.id not in taken:
            return await _settled(session, act, one, symbol)
    if any(conversion_to(symbol, one) is None for one in fitting):
        raise Conflict(
            f"there is a Datastream of {observed.code!r} in that unit at this station",
            message_zh=f"该站点已有 {observed.code!r} 以此单位表示的数据流",
        )
    return None


async def make_variant(
    session: AsyncSession, act: Act, observed: ObservedProperty, symbol: str
) -> ObservedProperty:
    """Make a variant of a property, for values of a unit that do not go with it."""
    letters = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    code = unit_code(symbol)
    same = ("name_zh", "name_en", "medium", "decimals", "moves", "definition", "description")
    contents = {
        **{name: getattr(observed, name) for name in same},
        "code": f"property-{letters}",
        "unit": code or PLAIN,
        "unit_open": code is None,
        "aliases": [],
        "variant_of": observed.variant_of or observed.code,
    }
    return await create_property(session, contents, act=act)


async def _family(session: AsyncSession, observed: ObservedProperty) -> Sequence[ObservedProperty]:
    """A property and its variants, the property first."""
    code = observed.variant_of or observed.code
    query = (
        select(ObservedProperty)
        .where(or_(ObservedProperty.code == code, ObservedProperty.variant_of == code))
        .order_by(ObservedProperty.variant_of.is_not(None), ObservedProperty.id)
        .with_for_update(key_share=True)
    )
    return (await session.scalars(query)).all()


async def _taken(
    session: AsyncSession, station_id: int, family: Sequence[ObservedProperty], own: int | None
) -> frozenset[int]:
    """The properties of which somebody described another series of a station, or once did."""
    keys = [one.id for one in family if one.id != own]
    told = select(Datastream.property_id).where(Datastream.station_id == station_id)
    former = select(Datastream.former_property_id).where(
        Datastream.station_id == station_id,
        Datastream.property_id.is_distinct_from(own),
        Datastream.former_property_id.is_not(None),
    )
    found = await session.scalars(told.union(former))
    return frozenset(found).intersection(keys)


async def _fits(
    session: AsyncSession, one: ObservedProperty, symbol: str, station_id: int, own: int | None
) -> bool:
    """Whether values of a unit can be kept under a property.

    Plain numbers are of the unit its Datastreams tell, whatever that is.
    """
    if not one.unit_open:
        return not symbol or conversion(symbol, one.unit) is not None
    if not symbol:
        return True
    others = [Datastream.property_id == one.id]
    valued = [ObservationLatest.property_id == one.id, ObservationLatest.observed_at > NEVER]
    if one.id == own:
        others.append(Datastream.station_id != station_id)
    if unit_code(symbol) is None:
        # Its own numbers are what it says they are.
        valued.append(ObservationLatest.station_id != station_id)
    query = select(Datastream.unit).where(*others, Datastream.unit.is_not(None))
    told = await session.scalar(query.limit(1))
    if told is not None:
        return symbol_of(told) == symbol
    return not await session.scalar(select(exists().where(*valued)))


async def _settled(
    session: AsyncSession, act: Act, one: ObservedProperty, symbol: str
) -> ObservedProperty:
    """A property whose unit is told by its first Datastream, if nobody told it before."""
    code = unit_code(symbol)
    if not one.unit_open or code is None:
        return one
    return await change_property(session, one.code, {"unit": code}, act=act)
