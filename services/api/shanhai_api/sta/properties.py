"""Observed properties and units as SensorThings writes them: administrators change properties."""

import secrets
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from shanhai.db.features.input_validation import CODE, CODE_RULE, CODE_RULE_ZH
from shanhai.db.features.write import CODE_LENGTH, CODE_LETTERS
from shanhai.db.observations.properties import change_property, check_range, create_property
from shanhai.db.sensorthings.model import MEASUREMENT
from shanhai.db.sensorthings.queries import Raw
from shanhai.db.sensorthings.series_units import kept_under, make_variant
from shanhai.db.tables.observation import ObservedProperty
from shanhai.monitoring.units import unit_code, units_like
from shanhai.vocabulary import MEDIA, Scope, codes
from shanhai_api.kit.body import Body, parse
from shanhai_api.kit.requests import demand
from shanhai_api.sta import schemas
from shanhai_api.sta.making import Making, fault_at
from shanhai_api.sta.schemas import Name, ObservedPropertyBody


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


Short = Annotated[str, StringConstraints(min_length=1, max_length=80)]
USUAL_DECIMALS = 2
USUAL_MEDIUM = "other"
PLAIN = "1"


class Members(Body):
    """What `properties` of an ObservedProperty can hold."""

    code: Short | None = Field(None, description="Its code, where the id does not tell it")
    name_zh: Name | None = Field(None, description="Name in Chinese; default `name`")
    name_en: Name | None = Field(None, description="Name in English; default `name`")
    unit: Short | None = Field(None, description="Unit values are kept in")
    medium: Short | None = Field(None, description="What it is a property of")
    low: float | None = Field(None, description="Lowest value that is possible")
    high: float | None = Field(None, description="Highest value that is possible")
    decimals: int | None = Field(None, ge=0, le=12, description="Decimals values are shown with")
    moves: bool | None = Field(None, description="Whether equal values for long are suspect")
    hj525: Short | None = Field(None, description="Its code in HJ 212 telegrams")
    aliases: list[Short] | None = Field(None, max_length=20, description="Other codes of feeds")
    standard: Name | None = Field(None, description="The standard that defines it")


async def make_property(
    making: Making, body: ObservedPropertyBody, unit: str | None, under: str = ""
) -> ObservedProperty:
    """Make an observed property.

    One that tells no unit known here has plain numbers until a Datastream tells one.

    Args:
        unit: The unit of the Datastream it comes with, where it tells none itself.

    Raises:
        Unauthenticated, Forbidden: the caller is no administrator.
        InvalidInput: a member is missing or breaks a rule.
        Conflict: a code of its means another.
    """
    demand(making.caller, Scope.ADMIN)
    members = _members(body, under)
    letters = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    code = body.id or members.code or f"property-{letters}"
    if CODE.fullmatch(code) is None:
        raise fault_at(f"{under}/@iot.id", CODE_RULE, CODE_RULE_ZH)
    given = _columns(making, body, members, under)
    if "name_zh" not in given:
        raise fault_at(f"{under}/name", "is required", "必填")
    own = unit_code(members.unit or unit or "")
    if own is None and members.unit is not None:
        raise fault_at(f"{under}/properties/unit", "must be a unit, such as mg/L", "须为单位")
    usual = {"decimals": USUAL_DECIMALS, "moves": False, "aliases": [], "medium": USUAL_MEDIUM}
    told = {"code": code, "unit": own or PLAIN, "unit_open": own is None}
    contents = {**usual, **given, **told}
    return await create_property(making.session, contents, act=making.act)


async def alter_property(making: Making, before: Raw, body: ObservedPropertyBody) -> None:
    """Change what is given of an observed property.

    Raises:
        Unauthenticated, Forbidden: the caller is no administrator.
        InvalidInput: a member breaks a rule.
        Conflict: a code of its means another, or its values are kept in another unit.
    """
    demand(making.caller, Scope.ADMIN)
    members, code = _members(body, ""), before["id"]
    if members.code not in {None, code}:
        raise fault_at("/properties/code", "cannot be changed", "不可更改")
    given = _columns(making, body, members, "")
    if members.unit is not None:
        known = unit_code(members.unit)
        if known is None:
            raise fault_at("/properties/unit", "must be a unit, such as mg/L", "须为单位")
        given["unit"] = known
    await change_property(making.session, code, given, act=making.act)


def _members(body: ObservedPropertyBody, under: str) -> Members:
    return parse(Members, body.properties or {}, under=f"{under}/properties")


def _columns(
    making: Making, body: ObservedPropertyBody, members: Members, under: str
) -> dict[str, Any]:
    """The columns a body gives, but for code and unit."""
    found = members.model_dump(exclude_none=True, exclude={"code", "unit"})
    if "medium" in found and found["medium"] not in codes(MEDIA):
        known = ", ".join(codes(MEDIA))
        raise fault_at(
            f"{under}/properties/medium", f"must be one of {known}", f"须为 {known} 之一"
        )
    check_range(found.get("low"), found.get("high"))
    names = {} if body.name is None else {"name_zh": body.name, "name_en": body.name}
    told = {name: text for name in ("definition", "description") if (text := getattr(body, name))}
    if told.get("definition", "").startswith(f"{making.asker.base}/properties/"):
        # What this service says itself of properties that nobody defined elsewhere.
        del told["definition"]
    return {**names, **told, **found}
