"""What a body says about an object, checked against the entity's declaration."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from shanhai.db.features.crs import CRS84, Crs
from shanhai.db.features.entity import Editing, Entity, Property
from shanhai.db.features.geometry import StoredGeometry, read_shape
from shanhai.db.features.property_values import broken_rules, python_value, told_amount
from shanhai.errors import Fault, InvalidInput
from shanhai.vocabulary import Label

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", re.ASCII)
CODE_RULE = (
    "must begin with a letter or digit and hold only letters, digits, `.`, `_` and `-`, 80 at most"
)
CODE_RULE_ZH = "须以字母或数字开头，仅含字母、数字、`.`、`_`、`-`，至多 80 个字符"
CRS84_MEMBER = ("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84", CRS84.uri)


@dataclass(frozen=True, slots=True)
class Draft:
    """The checked members of a body.

    Attributes:
        code: The code given, if any.
        values: What is to be written, by property name: dates and UUIDs as such, references as
            codes, None for what is to be emptied.
        shape: The geometry.
        has_geometry: A geometry, or null, was given.
    """

    code: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    shape: StoredGeometry | None = None
    has_geometry: bool = False


@dataclass(frozen=True, slots=True)
class BodyMembers:
    """The parts of a body, before they are checked; `under` is where the properties are."""

    properties: Mapping[str, Any]
    under: str
    identifier: Any = None
    geometry: Any = None
    has_geometry: bool = False


async def read_draft(
    entity: Entity,
    body: object,
    *,
    whole: bool,
    crs: Crs = CRS84,
    repair: bool | None = None,
    told: Collection[str] = (),
) -> Draft:
    """A feature or record as it is to be written.

    Args:
        whole: The body is all of the object (create, replace), and not a patch of it.
        crs: What the geometry's positions are written in.
        repair: Mend an invalid geometry; False refuses and offers that, None offers nothing.
        told: Properties that are known without the body, from the path.

    Raises:
        InvalidInput: with one fault for each broken rule.
    """
    members = _members(entity, body, whole=whole)
    faults = list(_strangers(entity, members))
    values = _values(entity, members, whole=whole, told=told, faults=faults)
    code = _code(entity, members, faults)
    shape = await _shape(entity, members, crs=crs, repair=repair, faults=faults)
    if faults:
        raise broken_body(faults)
    has_geometry = members.has_geometry and entity.geometry_column is not None
    return Draft(code, values, shape, has_geometry)


def broken_body(faults: list[Fault]) -> InvalidInput:
    """The refusal of a body for all its faults."""
    return InvalidInput.placed(faults, Label("请求体无效：", "the body breaks the rules: "))


def code_property(entity: Entity) -> Property:
    """The property that is the entity's code."""
    return next(item for item in entity.properties if item.role == "id")


def _members(entity: Entity, body: object, *, whole: bool) -> BodyMembers:
    if not isinstance(body, dict):
        raise broken_body([Fault("", "must be a JSON object", "必须是 JSON 对象")])
    if entity.path is not None:
        flat = {name: value for name, value in body.items() if name != "links"}
        return BodyMembers(flat, under="")
    faults = list(_unlike_feature(entity, body, whole=whole))
    if faults:
        raise broken_body(faults)
    return BodyMembers(
        body.get("properties") or {},
        under="/properties",
        identifier=body.get("id"),
        geometry=body.get("geometry"),
        has_geometry="geometry" in body,
    )


def _unlike_feature(entity: Entity, body: Mapping[str, Any], *, whole: bool) -> Iterator[Fault]:
    kind = body.get("type", None if whole else "Feature")
    if kind == "FeatureCollection":
        yield Fault(
            "/type",
            "must be one Feature; the process `import-features` takes many",
            "须为单个 Feature；批量数据请用 `import-features`",
        )
        return
    if kind != "Feature":
        yield Fault("/type", "must be `Feature`", "必须是 `Feature`")
    if not isinstance(body.get("properties"), dict | None):
        yield Fault("/properties", "must be an object", "必须是对象")
    if whole and entity.geometry_column is not None and "geometry" not in body:
        yield Fault("/geometry", "is required; null where there is none", "必填；无几何时为 null")
    old_crs = body.get("crs")
    named = old_crs.get("properties") if isinstance(old_crs, dict) else None
    if old_crs is not None and (
        not isinstance(named, dict) or named.get("name") not in CRS84_MEMBER
    ):
        yield Fault(
            "/crs",
            "GeoJSON has no `crs` member any more; the header Content-Crs says what it is in",
            "GeoJSON 已无 `crs` 成员；坐标系请用请求头 Content-Crs 说明",
        )


def _strangers(entity: Entity, members: BodyMembers) -> Iterator[Fault]:
    for name in members.properties:
        if entity.declared(name) is None:
            yield Fault(
                f"{members.under}/{escaped(name)}",
                f"is not a property of {entity.name}",
                f"不是 {entity.name} 的属性",
            )


def escaped(name: str) -> str:
    """A member's name inside a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _values(
    entity: Entity,
    members: BodyMembers,
    *,
    whole: bool,
    told: Collection[str],
    faults: list[Fault],
) -> dict[str, Any]:
    """The receivable members that were given; the code is not among them."""
    found: dict[str, Any] = {}
    own_code = code_property(entity).name
    for item in entity.receivables:
        if item.name == own_code:
            continue
        pointer = f"{members.under}/{item.name}"
        value = members.properties.get(item.name)
        if value is None:
            if item.required and (whole or item.name in members.properties):
                if item.name not in told:
                    faults.append(Fault(pointer, "is required", "必填"))
            elif item.name in members.properties:
                found[item.name] = None
            continue
        broken = [rule.under(pointer, value) for rule in broken_rules(item.schema, value)]
        faults.extend(broken)
        if not broken:
            # What goes into `attrs` stays JSON.
            found[item.name] = python_value(item.schema, value) if item.column else value
    return found


def _code(entity: Entity, members: BodyMembers, faults: list[Fault]) -> str | None:
    """The code by the property or by the feature's `id`, which must be the same."""
    own = code_property(entity).name
    places = {f"{members.under}/{own}": members.properties.get(own), "/id": members.identifier}
    found = {where: _as_text(value) for where, value in places.items() if value not in (None, "")}
    for pointer, code in found.items():
        if code is None or CODE.fullmatch(code) is None:
            faults.append(Fault(pointer, CODE_RULE, CODE_RULE_ZH))
    if len(set(found.values())) > 1:
        faults.append(Fault("/id", f"differs from the property {own!r}", f"与属性 {own!r} 不一致"))
    return next(iter(found.values()), None)


def _as_text(value: object) -> str | None:
    """A code as clients write it; some write those of digits as numbers."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None


async def _shape(
    entity: Entity, members: BodyMembers, *, crs: Crs, repair: bool | None, faults: list[Fault]
) -> StoredGeometry | None:
    if entity.geometry_column is None or members.geometry is None:
        return None
    kind = entity.whole.geometry_type or "geometry-any"
    try:
        return await read_shape(members.geometry, kind=kind, crs=crs, repair=repair)
    except InvalidInput as error:
        faults.extend(error.faults)
        return None


def replaced_members(
    entity: Entity,
    editing: Editing,
    before: Mapping[str, Any],
    given: Mapping[str, Any],
    *,
    kept: Collection[str],
) -> dict[str, Any]:
    """The members after a replacement: what is not given is emptied.

    The code, the state, what the path says, and the day the state began are no part of that.
    """
    state = editing.lifecycle.property if editing.lifecycle is not None else None
    stay = {code_property(entity).name, state, "valid_from", *kept}
    emptied = {item.name: None for item in entity.receivables if item.name not in stay}
    return {**before, **emptied, **_without_nothing(given, stay)}


def merged_members(
    entity: Entity,
    editing: Editing,
    before: Mapping[str, Any],
    given: Mapping[str, Any],
    *,
    kept: Collection[str],
) -> dict[str, Any]:
    """The members after a merge patch: null empties one, objects are merged (RFC 7396)."""
    state = editing.lifecycle.property if editing.lifecycle is not None else None
    patch = _without_nothing(given, {state, "valid_from", *kept})
    return {**before, **{name: merged(before.get(name), value) for name, value in patch.items()}}


def merged(before: Any, patch: Any) -> Any:
    """A value changed by a merge patch."""
    if not isinstance(patch, dict):
        return patch
    found = dict(before) if isinstance(before, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found


def changed_members(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Those members that are to differ."""
    return {
        name: value
        for name, value in ((name, as_json(value)) for name, value in wanted.items())
        if value != before.get(name)
    }


def as_json(value: Any) -> Any:
    """A value as the database's JSON has it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date | UUID):
        return str(value)
    if isinstance(value, Decimal):
        return told_amount(value)
    return value


def _without_nothing(given: Mapping[str, Any], names: Collection[str | None]) -> dict[str, Any]:
    """The members given, without nulls for those that cannot be emptied."""
    return {name: v for name, v in given.items() if v is not None or name not in names}
