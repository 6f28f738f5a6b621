"""The definition of the API: complete, stable in what OGC's suites look for, and documented."""

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from docs.reference.api import reference
from shanhai.db.collections.catalogue import COLLECTIONS, ENTITIES
from shanhai.openapi import downgrade
from shanhai_api.features.parameters import parameters_of
from shanhai_api.features.values import MAX_INTEGER
from shanhai_api.landing import METHODS
from shanhai_api.openapi import describe_30, describe_31

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def definition(routed_app: FastAPI) -> dict[str, Any]:
    return describe_30(routed_app, "http://api.test")


def operations(definition: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        item[method]
        for item in definition["paths"].values()
        for method in METHODS
        if method in item
    ]


def test_openapi_30_is_valid(definition: dict[str, Any]) -> None:
    OpenAPIV30SpecValidator(definition).validate()


@pytest.mark.long
def test_openapi_31_is_valid(routed_app: FastAPI) -> None:
    OpenAPIV31SpecValidator(describe_31(routed_app, "http://api.test")).validate()


def required_of(schema: Any, schemas: dict[str, Any], known: frozenset[str] = frozenset()) -> Any:
    """The members that a schema and those it refers to ask for."""
    if isinstance(schema, list):
        for each in schema:
            yield from required_of(each, schemas, known)
    if not isinstance(schema, dict):
        return
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name and name not in known:
        yield from required_of(schemas[name], schemas, known | {name})
    required = schema.get("required", [])
    yield from required if isinstance(required, list) else ()
    for member, inner in schema.items():
        if member not in {"example", "examples", "default", "enum"}:
            yield from required_of(inner, schemas, known)


def test_no_request_asks_for_english(definition: dict[str, Any]) -> None:
    schemas = definition["components"]["schemas"]
    found = {
        (operation["operationId"], member)
        for operation in operations(definition)
        for member in required_of(operation.get("requestBody", {}), schemas)
        if member.endswith("_en")
    }
    assert found == set()
    for entity in ENTITIES:
        for one in entity.properties:
            asked = set(required_of(dict(one.schema), schemas))
            assert not any(member.endswith("_en") for member in asked), (entity.name, one.name)


def test_every_operation_is_named_tagged_and_can_fail(definition: dict[str, Any]) -> None:
    found = operations(definition)
    names = [operation["operationId"] for operation in found]
    assert len(names) == len(set(names))
    for operation in found:
        assert operation["summary"]
        assert operation["tags"]
        answers = operation["responses"]
        assert "default" not in answers
        if operation["tags"] != ["operations"]:
            assert {"400", "401", "403", "429", "503"} <= answers.keys()
        # What FastAPI says of its own accord of bodies it does not like is not so.
        assert answers.get("422", {}).keys() <= {"$ref"}


def test_writes_declare_the_tag_they_compare_and_reads_the_tag_they_tell(
    definition: dict[str, Any],
) -> None:
    declared = {
        (method, path)
        for path, item in definition["paths"].items()
        for method in ("put", "patch", "delete")
        if method in item
        and "If-Match" in {one.get("name") for one in item[method].get("parameters", [])}
    }
    for method, path in (
        ("put", "/alert-rules/{rule}"),
        ("delete", "/jobs/{job}"),
        ("patch", "/accounts/{account}"),
        ("patch", "/titles/{code}"),
        ("patch", "/sta/v1.1/{path}"),
        ("delete", "/sta/v1.1/{path}"),
    ):
        assert (method, path) in declared
    # Sessions have no state of their own that could be stale.
    assert ("delete", "/accounts/{account}/sessions") not in declared
    for path, item in definition["paths"].items():
        answers = item["get"]["responses"] if "get" in item else {}
        if "304" in answers and "200" in answers:
            assert "ETag" in answers["200"]["headers"], path


def test_what_keeps_a_file_can_find_no_room(definition: dict[str, Any]) -> None:
    full = {
        (path, method)
        for path, item in definition["paths"].items()
        for method in METHODS
        if "507" in item.get(method, {}).get("responses", {})
    }
    assert full == {
        ("/uploads", "post"),
        ("/uploads/{upload}", "put"),
        ("/projects/{project}/documents", "post"),
        ("/cases/{case}/documents", "post"),
    }


@pytest.mark.parametrize("entity", COLLECTIONS, ids=lambda entity: entity.name)
def test_items_declare_the_parameters_ogc_suites_check(
    definition: dict[str, Any], entity: Any
) -> None:
    operation = definition["paths"][f"/collections/{entity.name}/items"]["get"]
    parameters = {item["name"]: item for item in operation["parameters"]}
    bbox = parameters["bbox"]
    assert bbox["schema"] == {
        "type": "array",
        "minItems": 4,
        "maxItems": 6,
        "items": {"type": "number"},
    }
    assert (bbox["style"], bbox["explode"], bbox["required"]) == ("form", False, False)
    limit = parameters["limit"]["schema"]
    assert (limit["minimum"], limit["maximum"], limit["default"]) == (1, 10_000, 10)
    assert parameters["datetime"]["schema"] == {"type": "string"}
    assert {item.name for item in entity.sortables} <= parameters.keys()


def test_problems_are_also_told_by_pages(definition: dict[str, Any]) -> None:
    told = definition["components"]["responses"]["Problem"]["content"]
    assert set(told) == {"application/problem+json", "text/html"}
    found = definition["paths"]["/api"]["get"]["responses"]["200"]["content"]
    assert set(found) == {"application/vnd.oai.openapi+json;version=3.0", "text/html"}


@pytest.mark.parametrize("entity", COLLECTIONS, ids=lambda entity: entity.name)
def test_filters_take_whatever_is_read_of_a_value(definition: dict[str, Any], entity: Any) -> None:
    operation = definition["paths"][f"/collections/{entity.name}/items"]["get"]
    parameters = {item["name"]: item["schema"] for item in operation["parameters"]}
    for item in parameters_of(entity, {}):
        schema = parameters[item.name]
        assert schema.keys() <= {"type", "enum", "format", "pattern", "maxLength"} or (
            schema["type"] == "integer" and schema["maximum"] == MAX_INTEGER
        )
    ordering = parameters["sortby"]["pattern"]
    assert re.match(ordering, "-code,code")
    assert not re.match(ordering, "-code,")
    assert re.match(parameters["properties"]["pattern"], "")


def test_a_code_may_be_left_empty_in_a_body(definition: dict[str, Any]) -> None:
    plan = definition["components"]["schemas"]["plans_new"]["properties"]
    text, number = plan["properties"]["properties"]["code"]["anyOf"]
    assert re.match(text["pattern"], "")
    assert number["type"] == "integer"
    assert plan["id"]["nullable"]
    # It is that of the region.
    assert "type" not in plan["geometry"]


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
def test_what_can_be_written_is_described_from_the_declaration(
    definition: dict[str, Any], entity: Any
) -> None:
    path = entity.path or f"/collections/{entity.name}/items"
    every, one = definition["paths"][path], definition["paths"][f"{path}/{{code}}"]
    verbs = entity.editing.verbs if entity.editing else frozenset()
    assert ("post" in every) == ("create" in verbs)
    offered = {"replace": "put", "update": "patch", "delete": "delete"}
    assert {verb for verb, method in offered.items() if method in one} == verbs - {"create"}
    if not verbs:
        return
    taken = definition["components"]["schemas"][f"{entity.name}_change"]["properties"]
    members = taken if entity.path else taken["properties"]["properties"]
    assert set(members) == {item.name for item in entity.receivables}
    assert {"409", "412", "428"} <= one["patch"]["responses"].keys()


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        (
            {"anyOf": [{"type": "integer"}, {"type": "null"}], "title": "X"},
            {"type": "integer", "title": "X", "nullable": True},
        ),
        (
            {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
            {"anyOf": [{"type": "integer"}, {"type": "string"}], "nullable": True},
        ),
        (
            {"anyOf": [{"$ref": "#/x"}, {"type": "null"}]},
            {"anyOf": [{"$ref": "#/x"}], "nullable": True},
        ),
        ({"const": "a"}, {"enum": ["a"]}),
        ({"examples": [1, 2]}, {"example": 1}),
        (
            {"propertyNames": {"enum": ["a"]}, "additionalProperties": {"type": "number"}},
            {"properties": {"a": {"type": "number"}}, "additionalProperties": False},
        ),
        ({"exclusiveMinimum": 0}, {"minimum": 0, "exclusiveMinimum": True}),
        (
            {"items": [{"type": ["null", "number"]}]},
            {"items": [{"type": "number", "nullable": True}]},
        ),
        (
            {
                "type": "object",
                "patternProperties": {"^a": {"type": ["string", "null"]}},
                "additionalProperties": False,
            },
            {"type": "object", "additionalProperties": {"type": "string", "nullable": True}},
        ),
        (
            {"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}]},
            {"type": "array", "items": {"type": "number"}},
        ),
        (
            {"prefixItems": [{"type": "number"}, {"const": "a"}]},
            {"items": {"anyOf": [{"type": "number"}, {"enum": ["a"]}]}},
        ),
    ],
)
def test_newer_terms_have_their_older_form(new: dict[str, Any], old: dict[str, Any]) -> None:
    assert downgrade(new) == old


def test_reference_is_up_to_date() -> None:
    written = (ROOT / "docs" / "api.md").read_text("utf-8")
    assert written == reference(), "run: make docs"
