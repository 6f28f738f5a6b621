"""The pages of the processes, with defaults and ranges, and of the methods of each service."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from docs.reference.tables import code, number, table
from shanhai.processes.catalogue import CONTRACTS
from shanhai.processes.kit.contract import ProcessContract
from shanhai.science.ecoservices.catalogue import ECOSERVICES
from shanhai.science.ecoservices.choice import quantities_of
from shanhai.science.ecoservices.inputs import LEAVES
from shanhai.science.ecoservices.layers import SHARED
from shanhai.science.ecoservices.method import Ecoservice, Method, Quantity

PROCESSES_HEADING = """\
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
    return "\n".join([PROCESSES_HEADING, *map(_section, CONTRACTS.values())])


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
        for one in (member, *member.get("anyOf", ())):
            if "$ref" in one:
                yield f"Members of `{name}`:\n"
                yield table(INPUT_HEAD, _rows(inner[str(one["$ref"]).rpartition("/")[2]]))


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


METHODS_HEADING = """\
# Methods · 方法与参数

Made from the code by `make docs`; do not edit. Every way to calculate a service, as
`assess-ecoservices` and `delineate-zones` take it under `ecoservices.<service>`: how to ask for one
is told in [Assess ecosystem services](guide/assess-ecoservices.md). Layers in bold are read from
datasets, those in brackets only where they exist. A status says how far a number is confirmed: V
against a published source, L as quoted in the literature, E an engineering default.
"""
SHARED_HEADING = """\
## Layers of all services · 公共图层

Changed under `layers`. Where a layer is named more than once, the first that can be had is taken.
"""
PARAMETER_HEAD = ("parameter", "default", "range", "unit", "status", "source")
OPTION_HEAD = ("option", "ways", "default", "status", "source")
TABLE_HEAD = ("table", "rows", "range", "unit", "status", "source")
LAYER_HEAD = ("layer", "图层", "unit", "rests on", "status", "source")


def methods_page() -> str:
    """Every service with its methods, then the shared layers."""
    sections = [_service(one) for one in ECOSERVICES]
    return "\n".join(
        [METHODS_HEADING, *sections, SHARED_HEADING, _layers(SHARED), *_changes(SHARED)]
    )


def _service(ecoservice: Ecoservice) -> str:
    label = ecoservice.label
    return "\n".join(
        [
            f"## {label.en} · {label.zh} · {code(ecoservice.id)}\n",
            *(_method(method) for method in ecoservice.methods),
        ]
    )


def _method(method: Method) -> str:
    quantities = quantities_of(method)
    return "\n".join(
        [
            f"### {code(method.id)} · {method.label.en} · {method.label.zh}\n",
            f"Profile `{method.profile}`, in `{method.unit}`.\n",
            _layers(quantities),
            *_changes(quantities),
        ]
    )


def _layers(quantities: tuple[Quantity, ...]) -> str:
    return table(LAYER_HEAD, (_layer(one) for one in quantities))


def _layer(quantity: Quantity) -> tuple[str, ...]:
    needs = [*map(_need, quantity.needs), *(f"({_need(name)})" for name in quantity.optional)]
    ways = [
        f"{way}: {' '.join(map(_need, names))}"
        for option in quantity.options
        for way, names in option.needs.items()
    ]
    label = quantity.label
    return (
        f"{code(quantity.name)} {label.en}",
        label.zh,
        code(quantity.unit),
        ", ".join([*needs, *ways]),
        quantity.status.value,
        quantity.source,
    )


def _need(name: str) -> str:
    """A layer, in bold where it is read from a dataset."""
    return f"**{name}**" if name in LEAVES and LEAVES[name].theme else name


def _changes(quantities: tuple[Quantity, ...]) -> Iterator[str]:
    parameters = {one.name: one for quantity in quantities for one in quantity.parameters}
    options = {one.name: one for quantity in quantities for one in quantity.options}
    tables = {one.name: one for quantity in quantities for one in quantity.tables}
    if parameters:
        yield table(
            PARAMETER_HEAD,
            (
                (
                    code(one.name),
                    "to be given" if one.default is None else number(one.default),
                    f"{number(one.valid_range[0])} … {number(one.valid_range[1])}",
                    code(one.unit),
                    one.status.value,
                    one.source,
                )
                for one in parameters.values()
            ),
        )
    if options:
        yield table(
            OPTION_HEAD,
            (
                (
                    code(one.name),
                    "; ".join(f"{code(way)} {label.en}" for way, label in one.choices.items()),
                    code(one.default),
                    one.status.value,
                    one.source,
                )
                for one in options.values()
            ),
        )
    if tables:
        yield table(
            TABLE_HEAD,
            (
                (
                    code(one.name),
                    ", ".join(f"{int(row)}: {number(value)}" for row, value in one.values.items()),
                    f"{number(one.valid_range[0])} … {number(one.valid_range[1])}",
                    code(one.unit),
                    one.status.value,
                    one.source,
                )
                for one in tables.values()
            ),
        )
