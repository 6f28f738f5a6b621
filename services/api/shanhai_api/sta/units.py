"""Units that Datastreams tell: kept with the property, or apart from it."""

from typing import Any

from shanhai.db.sensorthings.model import MEASUREMENT
from shanhai.db.sensorthings.series_units import kept_under, make_variant
from shanhai.db.tables.observation import ObservedProperty
from shanhai.monitoring.units import units_like
from shanhai.vocabulary import Scope
from shanhai_api.identity import demand
from shanhai_api.sta import schemas
from shanhai_api.sta.making import Making, fault_at


def told_unit(body: schemas.DatastreamBody) -> dict[str, Any] | None:
    """The unit of a body as it was told."""
    unit = body.unitOfMeasurement
    return None if unit is None else unit.model_dump()


def demand_measurement(body: schemas.DatastreamBody, under: str) -> None:
    """Refuse observations that are no measurements.

    Raises:
        InvalidInput: the body tells another type.
    """
    if body.observationType not in {None, MEASUREMENT}:
        raise fault_at(f"{under}/observationType", f"must be {MEASUREMENT}", f"须为 {MEASUREMENT}")


async def series_property(
    making: Making, observed: ObservedProperty, symbol: str, station_id: int, under: str
) -> ObservedProperty:
    """The property a new series of a station is stored under, whose values are of a unit.

    Raises:
        InvalidInput: the unit does not go with a property of the catalogue.
        Unauthenticated, Forbidden: a variant is not there, and the caller may not make it.
        Conflict: the station has a series in that unit.
    """
    kept = await kept_under(making.session, making.act, observed, symbol, station_id)
    return kept or await variant_of(making, observed, symbol, under)


async def variant_of(
    making: Making, observed: ObservedProperty, symbol: str, under: str
) -> ObservedProperty:
    """A new variant of a property, for series in a unit that cannot be kept with it.

    Raises:
        InvalidInput: the property is of the catalogue: limits and rules are written in its unit.
        Unauthenticated, Forbidden: the caller may not make it.
    """
    if observed.definition is None:
        usable = ", ".join(units_like(observed.unit))
        raise fault_at(
            f"{under}/unitOfMeasurement/symbol",
            f"must convert to {observed.unit!r}, the unit of {observed.code}: one of {usable}",
            f"须可换算为 {observed.code} 的单位 {observed.unit!r}：{usable} 之一",
        )
    demand(making.caller, Scope.ADMIN)
    return await make_variant(making.session, making.act, observed, symbol)
