"""Requests as a service defines them, broken at random: in their address, headers and bodies."""

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from urllib.parse import quote

Json = dict[str, Any]
ODD_TEXTS = (
    *("", "\x00", "\ud800", "￿", "‮", "é" * 300, "x" * 10_000, "'; DROP TABLE zone; --"),
    *("../../etc/passwd", "%s%n", "{{7*7}}", "${x}", "<b>", "null", "NaN", "-0", "1e400", "٣", "*"),
    *("0001-01-01", "9999-12-31", "2024-02-30", "2024-01-01T25:00:00Z", "../..", "0", "-1"),
)
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1e308, -1e-320, 2**31, 2**63, 2**64, 10**400, [], {}, [[]]),
    *([None], {"": {}}, {"type": "Point", "coordinates": ["a", {}]}, *ODD_TEXTS),
)
ODD_HEADERS = {
    "Accept": ("", "*/*;q=a", "text/html", "application/geo+json", "a/b;" + "c=d;" * 500),
    "Accept-Language": ("zh", "xx", "*;q=9", "," * 2000),
    "Content-Type": (
        "",
        "text/plain",
        "application/json; charset=utf-7",
        "multipart/form-data",
        "a",
    ),
    "If-Match": ("*", '""', 'W/"x"', "x", '"' * 500),
    "If-None-Match": ("*", "x", '"' * 500),
    "Range": ("bytes=0-", "bytes=9-1", "bytes=-0", "rows=1-2", "bytes=" + "0-1," * 500),
    "Content-Range": ("bytes */9", "bytes 5-1/2", "x"),
    "Content-Crs": ("<x>", "<http://www.opengis.net/def/crs/EPSG/0/0>"),
    "Content-Encoding": ("gzip", "br"),
    "Idempotency-Key": ("", "\x7f", "k" * 300),
    "Prefer": ("respond-async", "wait=-1", 'return="', "return=minimal," * 200),
    "traceparent": ("00-0-0-0", "x" * 300),
    "X-Request-Id": ("\x01", "x" * 1000),
}
DEEP = b"[" * 50_000


@dataclass(frozen=True, slots=True)
class MutatedRequest:
    """A request as it goes over the wire."""

    method: str
    path: tuple[str, ...]
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    sent: bytes | None = None
    """What is sent in the place of the body as JSON."""

    @property
    def target(self) -> str:
        """Its path and query, as the request line has them."""
        query = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in self.query)
        return "/" + "/".join(map(_quoted, self.path)) + (f"?{query}" if query else "")

    @property
    def content(self) -> bytes | None:
        """Its body."""
        if self.sent is not None or self.body is None:
            return self.sent
        # What JSON of Python cannot write in bytes comes as an escape.
        return json.dumps(self.body).encode()


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def requests_of(definition: Json, codes: Mapping[str, str]) -> Iterator[MutatedRequest]:
    """A request for each operation, by its definition.

    Args:
        definition: The OpenAPI document.
        codes: Of parameters of paths by their names, codes that lead somewhere.
    """
    for path, item in definition["paths"].items():
        for method, operation in item.items():
            named = re.sub(r"{(\w+)}", lambda found: codes.get(found[1], "x"), path)
            query = tuple(
                (one["name"], str(_example(one["schema"], definition)))
                for one in (_resolved(one, definition) for one in operation["parameters"])
                if one["in"] == "query"
            )
            kinds = operation.get("requestBody", {}).get("content", {})
            schema = kinds.get("application/json", {}).get("schema")
            body = None if schema is None else _example(schema, definition)
            headers = {} if schema is None else {"Content-Type": "application/json"}
            yield MutatedRequest(
                method.upper(), tuple(named.strip("/").split("/")), query, headers, body
            )


def _resolved(schema: Json, definition: Json) -> Json:
    while "$ref" in schema:
        found: Any = definition
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def _example(schema: Json, definition: Json, depth: int = 0) -> Any:
    """A value of the kind a schema asks for; not always one it allows."""
    schema = _resolved(schema, definition)
    for name in ("anyOf", "oneOf", "allOf"):
        if name in schema:
            return _example(schema[name][0], definition, depth + 1)
    if "const" in schema or "enum" in schema:
        return schema.get("const", (schema.get("enum") or [None])[0])
    if depth > 6:
        return None
    match schema.get("type"):
        case "object":
            members = schema.get("properties", {})
            return {name: _example(one, definition, depth + 1) for name, one in members.items()}
        case "array":
            return [_example(schema.get("items", {}), definition, depth + 1)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return {"date": "2024-01-01", "date-time": "2024-01-01T00:00:00Z"}.get(
                schema.get("format", ""), "x"
            )


def mutate(request: MutatedRequest, chance: Random) -> MutatedRequest:
    """The request with one to three things in it that nobody means."""
    for _ in range(chance.randint(1, 3)):
        kinds = [_in_path, _in_query, _in_headers, *([_in_json, _in_bytes] * 2)]
        request = chance.choice(kinds)(request, chance)
    return request


def _in_path(request: MutatedRequest, chance: Random) -> MutatedRequest:
    path = list(request.path)
    path[chance.randrange(len(path))] = chance.choice(ODD_TEXTS)
    return replace(request, path=tuple(path))


def _in_query(request: MutatedRequest, chance: Random) -> MutatedRequest:
    query = list(request.query)
    chance.shuffle(query)
    name = query[0][0] if query else chance.choice(["f", "bbox", "filter", "limit", "x"])
    kept = query[: chance.randint(0, 3)]
    return replace(request, query=(*kept, (name, chance.choice(ODD_TEXTS))))


def _in_headers(request: MutatedRequest, chance: Random) -> MutatedRequest:
    name = chance.choice([*ODD_HEADERS])
    return replace(request, headers={**request.headers, name: chance.choice(ODD_HEADERS[name])})


def _in_json(request: MutatedRequest, chance: Random) -> MutatedRequest:
    if request.body is None:
        return _in_query(request, chance)
    body = deepcopy(request.body)
    places = [*_places(body)]
    if not places:
        return replace(request, body=chance.choice(ODD_VALUES))
    holder, key = chance.choice(places)
    if isinstance(holder, dict) and chance.random() < 0.2:
        del holder[key]
    elif isinstance(holder, dict) and chance.random() < 0.1:
        holder[chance.choice(ODD_TEXTS)] = holder[key]
    else:
        holder[key] = chance.choice(ODD_VALUES)
    return replace(request, body=body)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """What holds each value in a document, and where."""
    if not isinstance(value, dict | list):
        return
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        yield from _places(value[key])


def _in_bytes(request: MutatedRequest, chance: Random) -> MutatedRequest:
    content = request.content
    if not content:
        return _in_headers(request, chance)
    at = chance.randrange(len(content))
    sent = chance.choice(
        [
            content[:at],
            content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :],
            content[:at] + chance.choice([b"\xff", b"\x00", b"{", b'"', b"1e999"]) + content[at:],
            DEEP,
            b"",
        ]
    )
    return replace(request, sent=sent)
