"""The page of the processes: what can be asked for, with defaults and ranges, in both languages."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from shanhai.cli.reference.markdown import code, number, table
from shanhai.processes.catalogue import CONTRACTS
from shanhai.processes.kit.contract import ProcessContract

HEADING = """\
# Processes · 处理流程

Made from the code by `make docs`; do not edit. The same is served at `/processes/{process}`. Inputs
are checked before a job is accepted; an unknown member is refused. How to run one:
[Delineate zones](guide/delineate-zones.md).
"""
SEPARATOR = " / "
"""Between the English and the Chinese half of a field's description."""
INPUT_HEAD = ("input", "type and range", "default", "meaning", "含义")

Schema = Mapping[str, Any]


def processes_page() -> str:
    """Every process with inputs and outputs."""
    return "\n".join([HEADING, *map(_section, CONTRACTS.values())])


def _section(contract: ProcessContract) -> str:
    schema = contract.inputs.model_json_schema()
    inner = schema.get("$defs", {})
    outputs = [
        (code(one.name), code(one.media_type), one.title.en, one.title.zh)
        for one in contract.outputs
    ]
    title = contract.title
    return "\n".join(
        [
            f"## `{contract.id}` · {title.en} · {title.zh}\n",
            f"{contract.description.en}\n",
            f"{contract.description.zh}\n",
            table(INPUT_HEAD, _rows(schema)),
            *_inner_tables(schema, inner),
            table(("output", "form", "what", "内容"), outputs),
        ]
    )


def _inner_tables(schema: Schema, inner: Mapping[str, Schema]) -> Iterator[str]:
    """A table for each input that has members of its own."""
    for name, member in schema["properties"].items():
        if "$ref" in member:
            yield f"Members of `{name}`:\n"
            yield table(INPUT_HEAD, _rows(inner[_target(member)]))


def _rows(schema: Schema) -> Iterator[tuple[str, ...]]:
    required = schema.get("required", [])
    for name, member in schema["properties"].items():
        english, _, chinese = member.get("description", "").rpartition(SEPARATOR)
        default = "required" if name in required else _default(member)
        yield (code(name), range_of(member), default, english, chinese)


def _default(member: Schema) -> str:
    value = member.get("default")
    return "" if value is None else code(json.dumps(value, ensure_ascii=False))


def range_of(schema: Schema) -> str:
    """The type of a value and what it may be, in a few words."""
    if "$ref" in schema:
        return "object"
    if "anyOf" in schema:
        options = [one for one in schema["anyOf"] if one.get("type") != "null"]
        return " or ".join(map(range_of, options))
    if "oneOf" in schema:
        return " or ".join(dict.fromkeys(map(range_of, schema["oneOf"])))
    if "allOf" in schema:
        return ", ".join(one["format"] for one in schema["allOf"])
    if "enum" in schema:
        return ", ".join(map(code, schema["enum"]))
    if "const" in schema:
        return code(schema["const"])
    if schema.get("type") == "object":
        members = schema.get("additionalProperties")
        return f"object: name → {range_of(members)}" if isinstance(members, dict) else "object"
    return " ".join([schema.get("format", schema["type"]), *_limits(schema)])


def _limits(schema: Schema) -> Iterator[str]:
    low = _bound(schema, "minimum", "≥", "exclusiveMinimum", ">")
    high = _bound(schema, "maximum", "≤", "exclusiveMaximum", "<")
    yield from [", ".join(filter(None, (low, high)))] if low or high else []
    if "maxLength" in schema:
        yield f"of {schema.get('minLength', 0)} to {schema['maxLength']} characters"
    if "pattern" in schema:
        yield f"like {code(schema['pattern'])}"


def _bound(schema: Schema, closed: str, sign: str, open_: str, open_sign: str) -> str:
    if closed in schema:
        return f"{sign} {number(schema[closed])}"
    return f"{open_sign} {number(schema[open_])}" if open_ in schema else ""


def _target(member: Schema) -> str:
    return str(member["$ref"]).rpartition("/")[2]
