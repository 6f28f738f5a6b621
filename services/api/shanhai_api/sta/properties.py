"""Observed properties as SensorThings writes them: administrators make and change them."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shanhai.db.features.drafts import CODE, CODE_RULE, CODE_RULE_ZH
from shanhai.db.observations.properties import change_property, check_range, create_property
from shanhai.db.tables import ObservedProperty
from shanhai.monitoring.units import unit_code
from shanhai.vocabulary import MEDIA, Scope, codes
from shanhai_api.body import parse
from shanhai_api.identity import demand
from shanhai_api.sta.making import Making, fault_at
from shanhai_api.sta.schemas import Name, ObservedPropertyBody

Short = Annotated[str, StringConstraints(min_length=1, max_length=80)]
USUAL_DECIMALS = 2


class Members(BaseModel):
    """What `properties` of an ObservedProperty can hold."""

    model_config = ConfigDict(extra="forbid")

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

    Args:
        unit: The unit of the Datastream it comes with, where it tells none itself.

    Raises:
        Unauthenticated, Forbidden: the caller is no administrator.
        InvalidInput: a member is missing or breaks a rule.
        Conflict: a code of its means another.
    """
    demand(making.caller, Scope.ADMIN)
    members = _members(body, under)
    code = body.id or members.code
    if code is None or CODE.fullmatch(code) is None:
        raise fault_at(f"{under}/@iot.id", CODE_RULE, CODE_RULE_ZH)
    given = _columns(body, members, under)
    known_unit = unit_code(members.unit or unit or "")
    if known_unit is None:
        raise fault_at(f"{under}/properties/unit", "must be a unit, such as mg/L", "须为单位")
    for name in ("name_zh", "medium"):
        if name not in given:
            where = "/name" if name == "name_zh" else f"/properties/{name}"
            raise fault_at(f"{under}{where}", "is required", "必填")
    usual = {"decimals": USUAL_DECIMALS, "moves": False, "aliases": []}
    contents = {**usual, **given, "code": code, "unit": known_unit}
    return await create_property(making.session, contents, act=making.act)


async def alter_property(making: Making, code: str, body: ObservedPropertyBody) -> None:
    """Change what is given of an observed property.

    Raises:
        Unauthenticated, Forbidden: the caller is no administrator.
        InvalidInput: a member breaks a rule.
        Conflict: a code of its means another, or its values are kept in another unit.
    """
    demand(making.caller, Scope.ADMIN)
    members = _members(body, "")
    if members.code not in {None, code}:
        raise fault_at("/properties/code", "cannot be changed", "不可更改")
    given = _columns(body, members, "")
    if members.unit is not None:
        known = unit_code(members.unit)
        if known is None:
            raise fault_at("/properties/unit", "must be a unit, such as mg/L", "须为单位")
        given["unit"] = known
    await change_property(making.session, code, given, act=making.act)


def _members(body: ObservedPropertyBody, under: str) -> Members:
    return parse(Members, body.properties or {}, under=f"{under}/properties")


def _columns(body: ObservedPropertyBody, members: Members, under: str) -> dict[str, Any]:
    """The columns a body gives, but for code and unit."""
    found = members.model_dump(exclude_none=True, exclude={"code", "unit"})
    if "medium" in found and found["medium"] not in codes(MEDIA):
        known = ", ".join(codes(MEDIA))
        raise fault_at(
            f"{under}/properties/medium", f"must be one of {known}", f"须为 {known} 之一"
        )
    check_range(found.get("low"), found.get("high"))
    names = {} if body.name is None else {"name_zh": body.name, "name_en": body.name}
    return {**names, **found}
