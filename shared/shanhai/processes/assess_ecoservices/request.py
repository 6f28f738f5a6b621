"""What the inputs of an assessment ask of the calculations, and schemas of what may change."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from shanhai.errors import InvalidInput
from shanhai.processes.assess_ecoservices.contract import (
    AssessEcoservicesInputs,
    AssessmentInputs,
    LayerChanges,
)
from shanhai.science.ecoservices.assembly import (
    Assembled,
    AssessmentRequest,
    assemble,
    check_request,
)
from shanhai.science.ecoservices.catalogue import ECOSERVICES
from shanhai.science.ecoservices.choice import MethodChoice, ParameterChanges, quantities_of
from shanhai.science.ecoservices.inputs import LEAVES
from shanhai.science.ecoservices.layers import SHARED
from shanhai.science.ecoservices.method import (
    Ecoservice,
    OptionSpec,
    ParameterSpec,
    Quantity,
    TableSpec,
)
from shanhai.science.matching import weight_shares
from shanhai.vocabulary import Lang

KEPT_LEAVES = ("population", "night_lights", "land_cover")
"""What is read and kept for statistics, where it is given."""


def request_of(inputs: AssessmentInputs) -> AssessmentRequest:
    """What is asked for, in the words of the calculations.

    Raises:
        InvalidInput: it is nothing the calculations have; pointers are into the inputs.
    """
    choices = {one.id: inputs.changes_of(one.id) for one in ECOSERVICES}
    kinds = tuple(inputs.results) if isinstance(inputs, AssessEcoservicesInputs) else None
    request = AssessmentRequest(
        profile=inputs.profile,
        weights=_weights(inputs),
        choices={
            service: MethodChoice(choice.method, _changes(choice))
            for service, choice in choices.items()
        },
        shared=_changes(inputs.layers),
        allow_fallback=inputs.allow_fallback,
        min_services=inputs.min_services,
        max_mode=inputs.parameters.max_mode,
        kinds=tuple(dict.fromkeys(("supply", "demand", "ratio", *(kinds or ())))),
    )
    check_request(ECOSERVICES, request)
    return request


def _weights(inputs: AssessmentInputs) -> dict[str, float]:
    try:
        return weight_shares(inputs.parameters.weights)
    except InvalidInput as error:
        faults = [replace(one, pointer=f"/parameters{one.pointer}") for one in error.faults]
        raise InvalidInput(error.message, message_zh=error.message_zh, faults=faults) from error


def _changes(given: LayerChanges) -> ParameterChanges:
    tables = {
        name: {int(code): value for code, value in rows.items()}
        for name, rows in given.tables.items()
    }
    return ParameterChanges(given.parameters, given.options, tables)


def assembled(inputs: AssessmentInputs, bands: Mapping[str, int]) -> Assembled:
    """The calculation of an assessment on rasters of some themes with so many bands.

    Raises:
        InvalidInput: it asks for what there is not, or datasets are missing.
    """
    return assemble(ECOSERVICES, request_of(inputs), available_leaves(bands))


def available_leaves(bands: Mapping[str, int]) -> list[str]:
    """Names of the leaves that rasters with so many bands, by theme, can be read for."""
    return [
        name
        for name, leaf in LEAVES.items()
        if leaf.theme is None
        or (leaf.theme in bands and (not leaf.bands or bands[leaf.theme] in leaf.bands))
    ]


def themes_used(calculation: Assembled, bands: Mapping[str, int]) -> set[str]:
    """Themes that are read, for the calculation or for its statistics."""
    kept = (LEAVES[name].theme for name in KEPT_LEAVES)
    read = {*calculation.graph.themes, *kept}
    return {theme for theme in bands if theme in read}


Schema = dict[str, Any]


def input_schemas(lang: Lang) -> dict[str, Schema]:
    """Schemas of the inputs `ecoservices` and `layers`, in one language."""
    return {
        "ecoservices": _object({one.id: _service(one, lang) for one in ECOSERVICES}),
        "layers": _object(_changes_schema(SHARED, lang)),
    }


def _service(ecoservice: Ecoservice, lang: Lang) -> Schema:
    quantities = [one for method in ecoservice.methods for one in quantities_of(method)]
    listing = "; ".join(
        f"{method.label.in_(lang)} ({method.profile}, {method.unit})"
        for method in ecoservice.methods
    )
    method = {
        "type": "string",
        "enum": [one.id for one in ecoservice.methods],
        "description": listing,
    }
    members = {"method": method} | _changes_schema(quantities, lang)
    return {"title": ecoservice.label.in_(lang)} | _object(members)


def _changes_schema(quantities: Iterable[Quantity], lang: Lang) -> dict[str, Schema]:
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
    listing = "; ".join(label.in_(lang) for label in spec.choices.values())
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
