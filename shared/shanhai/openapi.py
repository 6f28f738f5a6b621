"""OpenAPI 3.1, which FastAPI writes: completed, and as 3.0, which OGC API names."""

from typing import Any

Document = dict[str, Any]


UNKNOWN = frozenset({"$defs", "propertyNames", "identifier"})
CONTENT = frozenset({"contentMediaType", "contentEncoding"})


def downgrade(node: Any, *, content: bool = False) -> Any:
    """A document in JSON Schema 2020-12 terms, in those of OpenAPI 3.0.

    Args:
        content: Keep what is said of the content of texts, as descriptions of processes may.
    """
    if isinstance(node, list):
        return [downgrade(item, content=content) for item in node]
    if not isinstance(node, dict):
        return node
    without = UNKNOWN if content else UNKNOWN | CONTENT
    found = {
        name: downgrade(value, content=content)
        for name, value in node.items()
        if name not in without
    }
    known = node.get("propertyNames")
    found |= _members_named(found, known) if isinstance(known, dict) else {}
    return _without_types(_without_null(_with_old_limits(_without_patterns(found))))


def with_items(node: Any) -> Any:
    """A document whose arrays of items by place also say of what kind all of them are.

    Linters of OpenAPI ask it of every array.
    """
    if isinstance(node, list):
        return [with_items(item) for item in node]
    if not isinstance(node, dict):
        return node
    found = {name: with_items(value) for name, value in node.items()}
    places = found.get("prefixItems")
    return {"items": _any_of(places), **found} if isinstance(places, list) else found


def _without_null(schema: Document) -> Document:
    """`anyOf: [X, null]` is a nullable X."""
    options = schema.get("anyOf")
    if not isinstance(options, list) or {"type": "null"} not in options:
        return schema
    rest = [option for option in options if option != {"type": "null"}]
    others = {name: value for name, value in schema.items() if name != "anyOf"}
    if len(rest) == 1 and "$ref" not in rest[0]:
        return {**rest[0], **others, "nullable": True}
    return {**others, "anyOf": rest, "nullable": True}


def _without_types(schema: Document) -> Document:
    """`type: [X, null]` and `const` have other names in 3.0."""
    kinds = schema.get("type")
    if isinstance(kinds, list) and all(isinstance(kind, str) for kind in kinds):
        rest = [kind for kind in kinds if kind != "null"]
        schema = {**schema, "type": rest[0]} | ({"nullable": True} if "null" in kinds else {})
    if "const" in schema and "properties" not in schema:
        schema = {**schema, "enum": [schema["const"]]}
        del schema["const"]
    if isinstance(schema.get("examples"), list):
        schema = {**schema, "example": schema["examples"][0]}
        del schema["examples"]
    return schema


def _without_patterns(schema: Document) -> Document:
    """Members by patterns of their names, and items by place, are told more loosely in 3.0."""
    patterns, places = schema.get("patternProperties"), schema.get("prefixItems")
    if isinstance(patterns, dict):
        schema = {name: value for name, value in schema.items() if name != "patternProperties"}
        schema["additionalProperties"] = _any_of(list(patterns.values()))
    if isinstance(places, list):
        schema = {name: value for name, value in schema.items() if name != "prefixItems"}
        schema["items"] = _any_of(places)
    return schema


def _members_named(schema: Document, known: Document) -> Document:
    """Members whose names are a closed list are listed one by one in 3.0."""
    value = schema.get("additionalProperties")
    if not isinstance(value, dict) or "enum" not in known:
        return {}
    return {"properties": dict.fromkeys(known["enum"], value), "additionalProperties": False}


def _any_of(schemas: list[Any]) -> Any:
    different = [one for place, one in enumerate(schemas) if one not in schemas[:place]]
    return different[0] if len(different) == 1 else {"anyOf": different}


def _with_old_limits(schema: Document) -> Document:
    """Exclusive limits are flags in 3.0."""
    for new, old in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        limit = schema.get(new)
        if isinstance(limit, int | float) and not isinstance(limit, bool):
            schema = {**schema, old: limit, new: True}
    return schema
