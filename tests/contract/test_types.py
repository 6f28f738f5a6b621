"""Both services say the types of what they take and answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from shanhai.settings import ArtifactSettings, DatabaseSettings, PublicSettings
from shanhai_api.kit.routing import Route
from shanhai_api.openapi import describe_31
from shanhai_tiles.app import Settings, create_app
from shanhai_tiles.openapi import describe_31 as describe_tiles

SERVICES = ("api", "tiles")
SAYS_NOTHING = frozenset({"title", "description", "examples"})


@pytest.fixture(scope="module")
def definitions(routed_app: FastAPI) -> dict[str, dict[str, Any]]:
    database = DatabaseSettings(url=SecretStr("postgresql://db.test/none"))
    settings = Settings(database, ArtifactSettings(root=Path("none")), PublicSettings())
    return {
        "api": describe_31(routed_app, "http://api.test"),
        "tiles": describe_tiles(create_app(settings)),
    }


def schemas_of(definition: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is said of the JSON of each body and answer; of those without content, nothing."""
    for path, item in definition["paths"].items():
        for method, operation in item.items():
            for status, answer in operation["responses"].items():
                if status.startswith("2") and status != "204":
                    yield from schemas_in(f"{method} {path} {status}", answer)
            if "requestBody" in operation:
                yield from schemas_in(f"{method} {path} body", operation["requestBody"])


def schemas_in(name: str, told: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is said of JSON in a body or an answer; some answers are headers alone."""
    if not told.get("content") and not told.get("headers"):
        yield name, {}
    for media_type, content in told.get("content", {}).items():
        if "json" in media_type:
            yield name, content.get("schema", {})


def is_bare(schema: dict[str, Any]) -> bool:
    """Whether a schema allows everything, or any object."""
    told = {name: value for name, value in schema.items() if name not in SAYS_NOTHING}
    return told in ({}, {"type": "object"}, {"type": "object", "additionalProperties": True})


@pytest.mark.parametrize("service", SERVICES)
def test_every_body_and_answer_has_a_type(
    definitions: dict[str, dict[str, Any]], service: str
) -> None:
    assert not [name for name, schema in schemas_of(definitions[service]) if is_bare(schema)]


@pytest.mark.parametrize("service", SERVICES)
def test_parameters_with_known_values_list_them(
    definitions: dict[str, dict[str, Any]], service: str
) -> None:
    for path, item in definitions[service]["paths"].items():
        for method, operation in item.items():
            for parameter in operation.get("parameters", []):
                if parameter["name"] in {"f", "lang"}:
                    assert "enum" in str(parameter["schema"]), (method, path, parameter["name"])


def test_bodies_that_endpoints_take_refuse_unknown_members(
    routed_app: FastAPI, definitions: dict[str, dict[str, Any]]
) -> None:
    schemas = definitions["api"]["components"]["schemas"]
    bodies = {
        getattr(route.body_field.field_info.annotation, "__name__", "")
        for route in routed_app.state.routes
        if isinstance(route, Route) and route.body_field
    }
    assert bodies
    for name in bodies:
        assert schemas[name]["additionalProperties"] is False, name
