"""Both services say the types of what they take and answer."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import pytest
from fastapi import FastAPI
from pydantic import BaseModel, SecretStr, TypeAdapter, ValidationError

from shanhai.processes.catalogue import CONTRACTS
from shanhai.settings import ArtifactSettings, DatabaseSettings, PublicSettings
from shanhai_api.kit.dependencies import PageQuery
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


def arrays_in(node: Any) -> Iterator[dict[str, Any]]:
    """The schemas of arrays anywhere in a part of a definition."""
    if isinstance(node, dict) and node.get("type") == "array":
        yield node
    for part in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from arrays_in(part)


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
def test_every_kind_of_answer_has_a_schema(
    definitions: dict[str, dict[str, Any]], service: str
) -> None:
    untold = [
        (path, method, status, media_type)
        for path, item in definitions[service]["paths"].items()
        for method, operation in item.items()
        for status, answer in operation["responses"].items()
        for media_type, content in answer.get("content", {}).items()
        if status.startswith("2") and not content.get("schema")
    ]
    assert not untold


@pytest.mark.parametrize("service", SERVICES)
def test_parameters_with_known_values_list_them(
    definitions: dict[str, dict[str, Any]], service: str
) -> None:
    for path, item in definitions[service]["paths"].items():
        for method, operation in item.items():
            for parameter in operation.get("parameters", []):
                if parameter["name"] in {"f", "lang"}:
                    assert "enum" in str(parameter["schema"]), (method, path, parameter["name"])


@pytest.mark.parametrize("service", SERVICES)
def test_arrays_say_their_items_and_operations_their_tag(
    definitions: dict[str, dict[str, Any]], service: str
) -> None:
    definition = definitions[service]
    assert all("items" in schema for schema in arrays_in(definition["components"]["schemas"]))
    assert all(
        operation["tags"] for item in definition["paths"].values() for operation in item.values()
    )


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


def times_in(model: type[BaseModel]) -> Iterator[tuple[str, Any]]:
    """The members of a model, and of those it is made of, that hold dates or times."""
    for name, field in model.model_fields.items():
        kinds = set(kinds_in(field.annotation))
        for part in kinds - {model}:
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from times_in(part)
        if kinds & {date, datetime}:
            yield f"{model.__name__}.{name}", Annotated[(field.annotation, name, *field.metadata)]


def kinds_in(annotation: Any) -> Iterator[Any]:
    """A type, and all that stand within it."""
    yield get_origin(annotation) or annotation
    for part in get_args(annotation):
        yield from kinds_in(part)


def test_no_number_is_taken_for_a_time(routed_app: FastAPI) -> None:
    bodies: list[Any] = [
        route.body_field.field_info.annotation
        for route in routed_app.state.routes
        if isinstance(route, Route) and route.body_field
    ]
    inputs = [contract.inputs for contract in CONTRACTS.values()]
    times = {
        name: kind for model in (*bodies, *inputs, *queries()) for name, kind in times_in(model)
    }
    assert len(times) > 20
    for kind in times.values():
        with pytest.raises(ValidationError):
            TypeAdapter(kind).validate_python("86400")


def queries(base: type[PageQuery] = PageQuery) -> Iterator[type[PageQuery]]:
    """Every model of a query."""
    for model in base.__subclasses__():
        yield model
        yield from queries(model)
