"""The types of the Python client are those of the services."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "client_types.py"


@pytest.fixture(scope="module")
def types() -> ModuleType:
    spec = importlib.util.spec_from_file_location("client_types", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_types_are_those_of_the_openapi_documents(types: ModuleType) -> None:
    assert types.TARGET.read_text(encoding="utf-8") == types.page(), "run: make docs"


def test_what_is_written_of_features_has_their_types(types: ModuleType) -> None:
    operations = {
        found: told
        for document in types.documents()
        for found, told in types.operations_of(document)
    }
    for path in ("/collections/projects/items", "/projects/{project}/measures"):
        assert operations["post", path][0] not in types.VAGUE
    assert operations["put", "/collections/plans/items/{code}"] == ("plans_new", "plans")
    assert operations["patch", "/collections/plans/items/{code}"] == ("plans_change", "plans")


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"$ref": "#/components/schemas/Alert"}, "Alert"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "str | None"),
        ({"type": ["integer", "null"]}, "int | None"),
        ({"enum": ["a", "b", None]}, 'Literal["a", "b"] | None'),
        ({"type": "array", "items": {"const": 1}}, "list[Literal[1]]"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "dict[str, float]"),
        ({"type": "string", "format": "binary"}, "Any"),
        ({}, "Any"),
    ],
)
def test_what_a_schema_allows(types: ModuleType, schema: dict[str, object], told: str) -> None:
    assert types.type_of(schema) == told


def test_objects_in_objects_have_types_of_their_own(types: ModuleType) -> None:
    inner = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    outer = {"type": "object", "properties": {"rows": {"type": "array", "items": inner}}}
    assert list(types.types_of({"Page": outer})) == [
        'Page = TypedDict("Page", {"rows": NotRequired[list[Page_rows]]})',
        'Page_rows = TypedDict("Page_rows", {"a": str})',
    ]
