"""The page of the API, made from its OpenAPI document."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from fastapi import FastAPI

from shanhai_api.app import add_routes
from shanhai_api.landing import Operation, operations_of
from shanhai_api.openapi import TAGS, describe_30

BASE = "http://localhost:8000"
HEADING = """\
# API reference

Made from the OpenAPI document by `make docs`; do not edit.
The running service shows the same at `/docs`, and for machines at `/api` (OpenAPI 3.0) and
`/openapi.json` (3.1). Every error is a problem document (RFC 9457); unknown parameters are errors.
"""


def reference() -> str:
    """The whole reference."""
    app = FastAPI()
    add_routes(app)
    operations = operations_of(describe_30(app, BASE))
    ordered = sorted(operations, key=lambda operation: list(TAGS).index(operation.tag))
    parts = [HEADING]
    for tag, group in groupby(ordered, key=lambda operation: operation.tag):
        parts.append(f"## {TAGS[tag].en}\n")
        parts += [section(operation) for operation in group]
    return "\n".join(parts)


def section(operation: Operation) -> str:
    """One operation."""
    return "\n".join(
        [
            f"### `{operation.method} {operation.path}`\n",
            f"{operation.summary}. {operation.description}\n",
            *_table(operation),
        ]
    )


def _table(operation: Operation) -> Iterator[str]:
    if not operation.parameters:
        return
    yield "| parameter | in | type | meaning |"
    yield "|---|---|---|---|"
    for parameter in operation.parameters:
        meaning = parameter.get("description", "").replace("|", "\\|")
        kind = kind_of(parameter["schema"])
        yield f"| `{parameter['name']}` | {parameter['in']} | {kind} | {meaning} |"
    yield ""


def kind_of(schema: Mapping[str, Any]) -> str:
    """The type of a parameter, with its range."""
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(kind_of(option) for option in schema["anyOf"])
    kind = str(schema.get("format", schema.get("type", "any")))
    low, high = schema.get("minimum"), schema.get("maximum")
    return f"{kind} {low}…{high}" if low is not None and high is not None else kind
