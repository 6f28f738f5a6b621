"""JSON schemas of what an assessment may change, written from the declarations of the methods."""

from collections.abc import Iterable
from typing import Any

from shanhai.science.ecoservices.catalogue import ECOSERVICES
from shanhai.science.ecoservices.choice import quantities_of
from shanhai.science.ecoservices.layers import SHARED
from shanhai.science.ecoservices.method import (
    Ecoservice,
    OptionSpec,
    ParameterSpec,
    Quantity,
    TableSpec,
)
from shanhai.vocabulary import Lang

Schema = dict[str, Any]


def input_schemas(lang: Lang) -> dict[str, Schema]:
    """Schemas of the inputs `ecoservices` and `layers`, in one language."""
    return {
        "ecoservices": _object({one.id: _service(one, lang) for one in ECOSERVICES}),
        "layers": _object(_changes(SHARED, lang)),
    }


def _service(ecoservice: Ecoservice, lang: Lang) -> Schema:
    quantities = [one for method in ecoservice.methods for one in quantities_of(method)]
    listing = "; ".join(
        f"{method.id}: {method.label.in_(lang)} ({method.profile}, {method.unit})"
        for method in ecoservice.methods
    )
    method = {
        "type": "string",
        "enum": [one.id for one in ecoservice.methods],
        "description": listing,
    }
    members = {"method": method} | _changes(quantities, lang)
    return {"title": ecoservice.label.in_(lang)} | _object(members)


def _changes(quantities: Iterable[Quantity], lang: Lang) -> dict[str, Schema]:
    known = list(quantities)
    return {
        "parameters": _object(
            {one.name: _number(one) for quantity in known for one in quantity.parameters}
        ),
        "options": _object(
            {one.name: _way(one, lang) for quantity in known for one in quantity.options}
        ),
        "tables": _object({one.name: _rows(one) for quantity in known for one in quantity.tables}),
    }


def _object(members: dict[str, Schema]) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": members}


def _number(spec: ParameterSpec) -> Schema:
    low, high = spec.valid_range
    default = {} if spec.default is None else {"default": spec.default}
    return {
        "type": "number",
        "minimum": low,
        "maximum": high,
        **default,
        "description": f"{spec.unit}; {spec.source} [{spec.status.value}]",
    }


def _way(spec: OptionSpec, lang: Lang) -> Schema:
    listing = "; ".join(f"{way}: {label.in_(lang)}" for way, label in spec.choices.items())
    return {
        "type": "string",
        "enum": list(spec.choices),
        "default": spec.default,
        "description": f"{listing}; {spec.source} [{spec.status.value}]",
    }


def _rows(spec: TableSpec) -> Schema:
    low, high = spec.valid_range
    rows = {
        str(int(cover)): {"type": "number", "minimum": low, "maximum": high, "default": value}
        for cover, value in spec.values.items()
    }
    others = {"type": "number", "minimum": low, "maximum": high}
    return {
        "type": "object",
        "properties": rows,
        "patternProperties": {"^([1-9]|1[01])$": others},
        "additionalProperties": False,
        "description": f"{spec.unit}; {spec.source} [{spec.status.value}]",
    }
