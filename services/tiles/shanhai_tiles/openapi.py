"""The service's OpenAPI document, saying of errors and of parameters what the service does."""

from typing import Any

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from shanhai.openapi import downgrade, with_items
from shanhai_tiles.dependencies import KnownParameters
from shanhai_tiles.errors import PROBLEM_TYPE, ProblemDocument
from shanhai_tiles.pages import required_language
from shanhai_tiles.vector.collections import AS_OF, CODE, FILTER, NAMED
from shanhai_tiles.wmts import faults

Document = dict[str, Any]
SCHEMAS = "#/components/schemas/{model}"
PROBLEM: Document = {
    "description": "Problem document (RFC 9457)",
    "content": {PROBLEM_TYPE: {"schema": {"$ref": SCHEMAS.format(model=ProblemDocument.__name__)}}},
}
REPORT: Document = {
    "description": "Exception report of WMTS",
    "content": {faults.MEDIA_TYPE: {"schema": {"type": "string"}}},
}
KNOWN: Document = {"description": "The caller has it already"}
NEVER_KEPT = frozenset({"/health/live", "/health/ready", "/metrics"})
LANG: Document = {"type": "string", "enum": ["zh", "en"]}


def describe_30(app: FastAPI) -> Document:
    """The definition as OpenAPI 3.0, which OGC API names."""
    document: Document = downgrade(describe_31(app))
    return {**document, "openapi": "3.0.3"}


def describe_31(app: FastAPI) -> Document:
    """OpenAPI 3.1; invalid parameters are answered with 400 and never with FastAPI's own 422."""
    if app.openapi_schema is None:
        routes: list[APIRoute] = app.state.routes
        document = get_openapi(
            title=app.title,
            version=app.version,
            description="Maps of what is published: tiles, styles, legends, values",
            routes=routes,
        )
        schemas = document["components"]["schemas"]
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        problem = _schema_of_problems()
        schemas |= {**problem.pop("$defs"), ProblemDocument.__name__: problem}
        for route in routes:
            for method in route.methods or ():
                _complete(document["paths"][route.path_format], method.lower(), route)
        app.openapi_schema = with_items(document)
    return app.openapi_schema


def _schema_of_problems() -> Document:
    schema = ProblemDocument.model_json_schema(mode="serialization", ref_template=SCHEMAS)
    # As FastAPI writes schemas: a default of null is none.
    told: Document = jsonable_encoder(schema, exclude_none=True)
    return told


def _complete(item: Document, method: str, route: APIRoute) -> None:
    """Add what the function of a route alone cannot tell."""
    operation = item[method]
    answers = operation["responses"]
    answers.pop("422", None)
    usual = REPORT if route.path.startswith(faults.ROOT) else PROBLEM
    own = answers.get("default", {}).get("content", {})
    if usual is PROBLEM and method == "get":
        own = {**own, "text/html": {"schema": {"type": "string"}}}
    answers["default"] = {**usual, "content": {**usual["content"], **own}}
    if route.path not in NEVER_KEPT and method == "get":
        answers["304"] = KNOWN
    declared = operation.setdefault("parameters", [])
    present = {one["name"] for one in declared}
    for name, schema in _known_parameters(route).items():
        if name not in present:
            declared.append({"name": name, "in": "query", "required": False, "schema": schema})


def _taken_as(name: str) -> Document:
    """What a parameter may be that a dependency reads by itself."""
    if name == AS_OF:
        return {"type": "string", "format": "date"}
    if name in NAMED:
        return {"type": "string", "pattern": CODE.pattern}
    return {"type": "string", "minLength": 1} if name == FILTER else {"type": "string"}


def _known_parameters(route: APIRoute) -> dict[str, Document]:
    """Parameters that dependencies read from the query by themselves."""
    found: dict[str, Document] = {}
    for dependency in route.dependant.dependencies:
        call = dependency.call
        if call is required_language:
            found["lang"] = LANG
        if isinstance(call, KnownParameters):
            found |= {name: _taken_as(name) for name in sorted(call.names - {"f"})}
            found["lang"] = LANG
            if call.formats is not None:
                found["f"] = {"type": "string", "enum": [call.formats]}
    return found
