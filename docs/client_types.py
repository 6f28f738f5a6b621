"""Write the types of the Python client anew, from the OpenAPI documents of both services.

`.venv/bin/python docs/client_types.py` writes `shared/shanhai/client/schemas.pyi`: each schema as a
`TypedDict`, and per path and method what is sent and answered, for `ApiClient` and for
`AsyncApiClient`. What a document says nothing of is `Any`. A test says when it is due.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import SecretStr

from shanhai.settings import ArtifactSettings, DatabaseSettings, PublicSettings
from shanhai_api.app import add_routes
from shanhai_api.openapi import describe_31 as describe_api
from shanhai_tiles.app import Settings, create_app
from shanhai_tiles.openapi import describe_31 as describe_tiles

TARGET = Path(__file__).parents[1] / "shared" / "shanhai" / "client" / "schemas.pyi"
WIDTH = 118
GEOMETRY = "geometry"
METHODS = ("get", "post", "put", "patch", "delete")
VAGUE = (None, "Any", "dict[str, Any]")
SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
HEADING = '''\
"""Made from the OpenAPI documents by `docs/client_types.py`; do not edit.

For type checkers alone: `if TYPE_CHECKING: from shanhai.client.schemas import …`.
"""

from collections.abc import Awaitable
from typing import Any, Literal, NotRequired, TypedDict, overload

from shanhai.client.core import Headers, Query
'''

Schema = Mapping[str, Any]
Document = dict[str, Any]
Operations = dict[tuple[str, str], tuple[str | None, str]]
"""What is sent and what is answered, by method and path."""


def documents() -> list[Document]:
    """The OpenAPI documents of the API and of the tiles."""
    api = FastAPI()
    add_routes(api)
    database = DatabaseSettings(url=SecretStr("postgresql://localhost/none"))
    settings = Settings(database, ArtifactSettings(root=Path("none")), PublicSettings())
    base = "http://localhost"
    return [describe_api(api, base), describe_tiles(create_app(settings))]


def page() -> str:
    """The whole file."""
    schemas: dict[str, Schema] = {}
    operations: Operations = {}
    for document in documents():
        schemas |= document["components"]["schemas"]
        for found, told in operations_of(document):
            # Paths that both services have are told apart by nothing.
            operations[found] = told if operations.get(found, told) == told else (told[0], "Any")
    parts = [HEADING, *types_of(schemas), *paths_of("Paths", operations, "{}")]
    return "\n".join([*parts, *paths_of("AsyncPaths", operations, "Awaitable[{}]")]) + "\n"


def types_of(schemas: Mapping[str, Schema]) -> Iterator[str]:
    """Each schema as a type of its name, and the objects in it as types of their own."""
    waiting = sorted(schemas.items())
    for name, schema in waiting:
        if not schema.get("properties"):
            yield f"{name} = {type_of(schema)}"
            continue
        members = []
        for member, said in schema["properties"].items():
            inner = said.get("items", said)
            if member != GEOMETRY and inner.get("properties"):
                # Told under a name of its own, which the loop comes to later.
                waiting.append((f"{name}_{member}", inner))
                said = _replaced(said, {"$ref": f"/{name}_{member}"})
            told = type_of(said)
            told = told if member in schema.get("required", ()) else f"NotRequired[{told}]"
            members.append(f'"{member}": {told}')
        yield _filled(f'{name} = TypedDict("{name}", {{', members, "})")


def _filled(begin: str, items: list[str], end: str) -> str:
    """Items with commas in lines of some width."""
    lines, line = [], begin
    for place, item in enumerate(items, 1):
        told = item + (end if place == len(items) else ",")
        if len(line) + len(told) >= WIDTH:
            lines, line = [*lines, line], "   "
        line += told if line == begin else f" {told}"
    return "\n".join([*lines, line])


def _replaced(said: Schema, reference: Schema) -> Schema:
    if "items" in said:
        return {"type": "array", "items": reference}
    kinds = said.get("type")
    return {"anyOf": [reference, {"type": "null"}]} if isinstance(kinds, list) else reference


def type_of(schema: Schema) -> str:
    """The Python type of what a schema allows."""
    if schema.get("format") == "binary":
        return "Any"
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema or "enum" in schema:
        return _literal(schema.get("enum", [schema.get("const")]))
    options = schema.get("anyOf") or schema.get("oneOf")
    if options is not None:
        return _any_of([type_of(option) for option in options])
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return _any_of([type_of({**schema, "type": kind}) for kind in kinds])
    if kinds == "array":
        return f"list[{type_of(schema.get('items', {}))}]"
    if kinds == "object":
        return f"dict[str, {type_of(_values_of(schema))}]"
    return SCALARS.get(str(kinds), "Any")


def _values_of(schema: Schema) -> Schema:
    said = schema.get("additionalProperties")
    return said if isinstance(said, dict) and not schema.get("properties") else {}


def _literal(values: list[Any]) -> str:
    texts = [value for value in values if isinstance(value, str | int)]
    told = f"Literal[{', '.join(_quoted(text) for text in texts)}]" if texts else "None"
    return f"{told} | None" if None in values and texts else told


def _quoted(value: str | int) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


def _any_of(types: list[str]) -> str:
    return "Any" if "Any" in types else " | ".join(dict.fromkeys(types))


def operations_of(document: Document) -> Iterator[tuple[tuple[str, str], tuple[str | None, str]]]:
    """Each operation: what is sent, None for nothing, and what is answered."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                operation = item[method]
                body = _json_of(operation.get("requestBody", {}))
                yield (method, path), (body, _answer_of(operation["responses"]))


def _answer_of(responses: Schema) -> str:
    told = [answer for status, answer in responses.items() if status.startswith("2")]
    if all(not answer.get("content") for answer in told):
        return "None"
    types = [_json_of(answer) or "Any" for answer in told if answer.get("content")]
    return _any_of(types)


def _json_of(told: Schema) -> str | None:
    """The type of the JSON that a body or an answer holds."""
    for media_type, content in told.get("content", {}).items():
        if "json" in media_type:
            return type_of(content.get("schema", {}))
    return None


def paths_of(name: str, operations: Operations, form: str) -> Iterator[str]:
    """The class of methods by path; those of which a type is told come first."""
    yield f"class {name}:"
    for method in METHODS:
        for (verb, path), (body, answer) in operations.items():
            if verb == method and not (answer in VAGUE and body in VAGUE):
                yield from _overload(method, f'Literal["{path}"]', body, form.format(answer))
        body = None if method in ("get", "delete") else "Any"
        yield from _overload(method, "str", body, form.format("Any"))


def _overload(method: str, path: str, body: str | None, answer: str) -> Iterator[str]:
    sent = "" if body is None else f"body: {body}{' = ...' if body == 'Any' else ''}, "
    said = f"self, path: {path}, {sent}/, *, headers: Headers | None = ..., **query: Query"
    yield "    @overload"
    yield f"    def {method}({said}) -> {answer}: ..."


def main() -> None:
    """Write the file."""
    TARGET.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
