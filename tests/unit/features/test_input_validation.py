"""Bodies against declarations: every fault with its pointer, in two languages."""

from datetime import date
from typing import Any

import pytest

from shanhai.db.collections.catalogue import ENTITIES, entity_named
from shanhai.db.features.entity import Entity
from shanhai.db.features.input_validation import read_draft
from shanhai.db.features.property_values import broken_rules, python_value
from shanhai.errors import Fault, InvalidInput

NAMES = {"name_zh": "厦门", "name_en": "Xiamen", "level": "city"}
REGIONS = entity_named("regions")


def region(**members: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": None, "properties": {**NAMES, **members}}


async def faults_of(
    body: Any, entity: Entity = REGIONS, *, whole: bool = True
) -> tuple[Fault, ...]:
    with pytest.raises(InvalidInput) as caught:
        await read_draft(entity, body, whole=whole)
    return caught.value.faults


async def test_values_are_those_of_the_declaration() -> None:
    draft = await read_draft(
        REGIONS, region(code="xiamen", valid_from="1949-10-17", adcode="350200"), whole=True
    )
    assert draft.code == "xiamen"
    assert draft.values == {**NAMES, "valid_from": date(1949, 10, 17), "adcode": "350200"}
    assert draft.has_geometry
    assert draft.shape is None


async def test_what_is_only_read_is_ignored() -> None:
    draft = await read_draft(REGIONS, region(area_km2=1700.6), whole=True)
    assert "area_km2" not in draft.values


async def test_all_faults_are_told_at_once() -> None:
    body = region(name_zh=None, level="planet", colour="red", metric_epsg="4548")
    found = {fault.pointer: fault for fault in await faults_of(body)}
    assert set(found) == {
        f"/properties/{name}" for name in ("name_zh", "level", "colour", "metric_epsg")
    }
    assert all(fault.detail_zh and not fault.detail_zh.isascii() for fault in found.values())


@pytest.mark.parametrize(
    ("member", "value", "zh", "en"),
    [
        ("level", "planet", "“planet”：必须是以下之一：", "'planet': must be one of "),
        ("adcode", 350200, "“350200”：必须是字符串", "'350200': must be a string"),
    ],
)
async def test_a_wrong_value_is_told_with_its_rule(
    member: str, value: object, zh: str, en: str
) -> None:
    [fault] = await faults_of(region(**{member: value}))
    assert fault.pointer == f"/properties/{member}"
    assert str(fault.detail_zh).startswith(zh)
    assert fault.detail.startswith(en)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ([], ""),
        ("text", ""),
        ({"type": "FeatureCollection", "features": []}, "/type"),
        ({**region(), "type": "feature"}, "/type"),
        ({**region(), "properties": []}, "/properties"),
        ({"type": "Feature", "properties": NAMES}, "/geometry"),
        ({**region(), "crs": {"type": "name", "properties": {"name": "EPSG:4548"}}}, "/crs"),
        ({**region(), "crs": "EPSG:4548"}, "/crs"),
        (region(name_zh="\x00"), "/properties/name_zh"),
        (region(code="a b"), "/properties/code"),
        (region(code="-a"), "/properties/code"),
        (region(code="a" * 81), "/properties/code"),
        (region(code=["a"]), "/properties/code"),
        ({**region(), "id": "é"}, "/id"),
        ({**region(code="a"), "id": "b"}, "/id"),
        (region(valid_from="2021-02-30"), "/properties/valid_from"),
        (region(valid_from="20210228"), "/properties/valid_from"),
        (region(metric_epsg=4548.5), "/properties/metric_epsg"),
        (region(metric_epsg=True), "/properties/metric_epsg"),
        (region(**{"a/b~c": 1}), "/properties/a~1b~0c"),
    ],
)
async def test_faults_point_at_their_place(body: Any, pointer: str) -> None:
    assert [fault.pointer for fault in await faults_of(body)] == [pointer]


async def test_an_old_crs_member_that_says_crs84_is_fine() -> None:
    named = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    assert (await read_draft(REGIONS, {**region(), "crs": named}, whole=True)).has_geometry


async def test_a_patch_needs_nothing_and_empties_with_null() -> None:
    draft = await read_draft(REGIONS, {"properties": {"adcode": None}}, whole=False)
    assert draft.values == {"adcode": None}
    assert not draft.has_geometry
    assert [f.pointer for f in await faults_of({"properties": {"name_zh": None}}, whole=False)] == [
        "/properties/name_zh"
    ]


async def test_a_code_of_digits_may_come_as_a_number() -> None:
    assert (await read_draft(REGIONS, {**region(), "id": 350200}, whole=True)).code == "350200"


async def test_records_are_flat_and_their_links_are_ignored() -> None:
    rules = entity_named("indicators")
    body = {"code": "a", "name_zh": "甲", "name_en": "A", "unit": "km2", "links": []}
    draft = await read_draft(
        rules, {**body, "property": "binding", "direction": "higher"}, whole=True
    )
    assert draft.code == "a"
    assert [f.pointer for f in await faults_of({**body, "unit": ""}, rules)] == [
        "/unit",
        "/property",
        "/direction",
    ]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "number", "minimum": 0}, -1),
        ({"type": "number", "exclusiveMinimum": 0}, 0),
        ({"type": "number", "exclusiveMaximum": 1}, 1),
        ({"type": "number"}, float("inf")),
        ({"type": "integer"}, 2**31),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 1}, ["a", "b"]),
        ({"type": "array", "items": {"type": "string"}, "uniqueItems": True}, ["a", "a"]),
        ({"type": "array", "items": {"type": "string"}}, [1]),
        ({"type": "object"}, {"a": ["\x00"]}),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, {"a": "1"}),
        ({"type": "object", "required": ["a"]}, {}),
        ({"type": "object", "additionalProperties": False}, {"a": 1}),
        ({"type": "string", "pattern": "^#[0-9a-f]{6}$"}, "red"),
        ({"type": "string", "format": "date-time"}, "2021-01-01T00:00:00"),
        ({"type": "string", "format": "date"}, "2021-02-29"),
        ({"type": "string", "format": "date"}, "0001-01-01"),
        ({"type": "string", "format": "date"}, "9999-12-31"),
        ({"type": "string", "format": "date-time"}, "0001-01-01T08:00:00+08:00"),
        ({"type": "string", "format": "date-time"}, "9999-12-31T23:59:59-00:01"),
        ({"type": "string", "format": "uuid"}, "1"),
        ({"type": "string", "format": "uuid"}, "{12345678-1234-5678-1234-567812345678}"),
        ({"type": "string"}, "x" * 20_001),
    ],
)
def test_rules_of_schemas(schema: dict[str, Any], value: Any) -> None:
    assert list(broken_rules(schema, value))


def test_ids_are_read_in_capitals_too() -> None:
    schema = {"type": "string", "format": "uuid"}
    for text in ("12345678-abcd-5678-1234-567812345678", "12345678-ABCD-5678-1234-567812345678"):
        assert not list(broken_rules(schema, text))
        assert str(python_value(schema, text)) == text.lower()


def test_moments_keep_their_offset() -> None:
    schema = {"type": "string", "format": "date-time"}
    assert not list(broken_rules(schema, "2021-01-01t08:00:00+08:00"))
    assert python_value(schema, "2021-01-01t08:00:00+08:00").isoformat() == (
        "2021-01-01T08:00:00+08:00"
    )


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
def test_declarations_bound_what_could_break_a_read(entity: Entity) -> None:
    """A year without bounds makes a date PostgreSQL refuses, and then the list cannot be read."""
    for item in entity.receivables:
        if item.schema["type"] == "integer" and "year" in item.name:
            assert {"minimum", "maximum"} <= item.schema.keys(), item.name
