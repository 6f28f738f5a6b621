"""What the inputs of an assessment ask of the calculations, and schemas of what may change."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from shanhai.errors import Fault, InvalidInput
from shanhai.processes.assess_ecoservices.contract import (
    AssessEcoservicesInputs,
    AssessmentInputs,
    AssessmentParameters,
    LayerChanges,
)
from shanhai.processes.assess_ecoservices.spec_words import PROFILES, described, unit_told
from shanhai.processes.kit.reference import POINTER
from shanhai.processes.kit.task import MethodTask, ReferenceTask
from shanhai.science.ecoservices.assembly import (
    Assembled,
    AssessmentRequest,
    assemble,
    check_request,
)
from shanhai.science.ecoservices.catalogue import ECOSERVICES
from shanhai.science.ecoservices.choice import MethodChoice, ParameterChanges, quantities_of
from shanhai.science.ecoservices.graph import AreaFigure, LayerNode, limits_figures
from shanhai.science.ecoservices.inputs import LEAVES
from shanhai.science.ecoservices.layers import SHARED
from shanhai.science.ecoservices.method import (
    Ecoservice,
    Method,
    OptionSpec,
    ParameterSpec,
    Quantity,
    TableSpec,
)
from shanhai.science.ecoservices.plan import ComputationPlan
from shanhai.science.matching import weight_shares
from shanhai.vocabulary import Lang, label_of

KEPT_LEAVES = ("population", "night_lights", "land_cover")
"""What is read and kept for statistics, where it is given."""


def decisive(inputs: AssessmentInputs) -> dict[str, Any]:
    """Of the inputs those the layers rest on, whatever else a process asks for."""
    fields = {*AssessmentInputs.model_fields, "results"} - {"parameters"}
    return {
        **inputs.model_dump(mode="json", include=fields),
        "parameters": inputs.parameters.model_dump(
            mode="json", include=set(AssessmentParameters.model_fields)
        ),
        "changes": {
            service: inputs.changes_of(service).model_dump(mode="json")
            for service in (one.id for one in ECOSERVICES)
        },
    }


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


def methods_taken(calculation: Assembled) -> dict[str, MethodTask]:
    """How each service is calculated, and what the method first wanted lacks."""
    taken = calculation.taken
    lacking = {
        **{service: next(iter(lacks.values())) for service, lacks in taken.not_measured.items()},
        **{service: names for service, (_, names) in taken.fallbacks.items()},
    }
    told = {
        service: MethodTask(
            method=method.id,
            profile=method.profile,
            compared="amounts" if method.is_physical else "ranks",
            lacking=list(lacking.get(service, ())),
        )
        for service, method in taken.methods.items()
    }
    left = {service: MethodTask(lacking=list(names)) for service, names in taken.left_out.items()}
    return told | left


def given_figures(
    inputs: AssessmentInputs,
    assembled: Assembled,
    plan: ComputationPlan,
    reference: ReferenceTask | None,
) -> dict[AreaFigure, float]:
    """Numbers that are given and not taken of this area.

    Raises:
        InvalidInput: this run takes no such number, or the reference was calculated otherwise or
            lacks one.
    """
    if inputs.normalisation is not None and reference is not None:
        return _of_reference(assembled, reference)
    known = {figure for step in plan.passes for figure in step.figures}
    given: dict[AreaFigure, float] = {}
    for number, one in enumerate(inputs.frozen_limits):
        for probability, value in zip(one.quantiles, (one.lo, one.hi), strict=True):
            figure = AreaFigure(one.layer, "quantile", probability, one.where)
            given[_taken(figure, known, f"/inputs/frozen_limits/{number}")] = value
    for number, other in enumerate(inputs.figures):
        figure = AreaFigure(other.of, other.kind, other.probability, other.where)
        given[_taken(figure, known, f"/inputs/figures/{number}")] = other.value
    return given


def _taken(figure: AreaFigure, known: set[AreaFigure], pointer: str) -> AreaFigure:
    if figure in known:
        return figure
    raise InvalidInput(
        f"a number of {figure.of} is given ({figure.kind}), which this run does not take",
        message_zh=f"给出了 {figure.of} 的统计量（{figure.kind}），但本次计算不使用该统计量",
        pointer=pointer,
    )


def _of_reference(assembled: Assembled, reference: ReferenceTask) -> dict[AreaFigure, float]:
    """Every number some layer takes, as the reference has it; all that does not fit is named."""
    refuse = [*_other_methods(assembled, reference), *_other_forms(assembled, reference)]
    if refuse:
        raise InvalidInput.of(refuse)
    had = {
        AreaFigure(one.of, one.kind, one.probability, one.where): one.value
        for one in reference.figures
    }
    wanted = dict.fromkeys(_wanted(assembled, reference))
    missing = [figure for figure in wanted if figure not in had]
    if missing:
        names = ", ".join(sorted(_told(assembled, figure) for figure in missing))
        raise InvalidInput(
            f"{reference.name} lacks numbers this run takes: {names}",
            message_zh=f"{reference.name} 缺少本次计算所需的统计量：{names}",
            pointer=f"{POINTER}/from",
        )
    return {figure: had[figure] for figure in wanted}


def _wanted(assembled: Assembled, reference: ReferenceTask) -> Iterator[AreaFigure]:
    for node in assembled.graph.nodes.values():
        for figure in node.figures.values():
            if figure.kind != "sum" or _shares_the_same(node, reference):
                yield figure
    for layer in assembled.decisive_layers:
        yield from limits_figures(layer)


def _shares_the_same(node: LayerNode, reference: ReferenceTask) -> bool:
    """Whether a layer shares out the total of the reference, so that the sums go with it.

    Another total, as of a county or a year, is shared out over this area.
    """
    then = {one.name: one.value for one in reference.parameters if one.layer == node.key}
    return all(node.constants.get(name) == value for name, value in then.items())


def _other_methods(assembled: Assembled, reference: ReferenceTask) -> list[Fault]:
    own = {service: method.id for service, method in assembled.methods.items()}
    return [
        _differs(f"/inputs/ecoservices/{service}/method", service, own, reference.methods)
        for service in sorted({*own, *reference.methods})
        if own.get(service) != reference.methods.get(service)
    ]


def _differs(pointer: str, service: str, own: Mapping[str, str], then: Mapping[str, str]) -> Fault:
    mine, former = own.get(service, "–"), then.get(service, "–")
    return Fault(
        pointer,
        f"{service} is calculated by {mine}, and in the reference by {former}",
        f"{label_of(service).zh}采用 {mine}，而参照结果采用 {former}",
    )


def _other_forms(assembled: Assembled, reference: ReferenceTask) -> list[Fault]:
    """Layers that were made of something else: their numbers are those of another layer."""
    return [
        Fault(
            "/inputs/datasets",
            f"{quantity.label.en} is taken from {quantity.source!r}, and in the reference from "
            f"{reference.derived[key]!r}",
            f"{quantity.label.zh}取自“{quantity.source}”，而参照结果取自“{reference.derived[key]}”",
        )
        for key, quantity in assembled.graph.quantities.items()
        if reference.derived.get(key, quantity.source) != quantity.source
    ]


def _told(assembled: Assembled, figure: AreaFigure) -> str:
    kind = figure.kind if figure.probability is None else f"{figure.kind} {figure.probability:g}"
    where = f" where {figure.where}" if figure.where else ""
    return f"{kind} of {assembled.graph.title_of(figure.of).en}{where}"


Schema = dict[str, Any]


def input_schemas(lang: Lang) -> dict[str, Schema]:
    """Schemas of the inputs `ecoservices` and `layers`, in one language."""
    return {
        "ecoservices": _object({one.id: _service(one, lang) for one in ECOSERVICES}),
        "layers": _object(_changes_schema(SHARED, lang)),
    }


def _service(ecoservice: Ecoservice, lang: Lang) -> Schema:
    quantities = [one for method in ecoservice.methods for one in quantities_of(method)]
    listing = "; ".join(_method(one, lang) for one in ecoservice.methods)
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
            {one.name: _number(one, lang) for quantity in known for one in quantity.parameters}
        ),
        "options": _object(
            {one.name: _way(one, lang) for quantity in known for one in quantity.options}
        ),
        "tables": _object(
            {one.name: _rows(one, lang) for quantity in known for one in quantity.tables}
        ),
    }


def _object(members: dict[str, Schema]) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": members}


def _method(method: Method, lang: Lang) -> str:
    traits = (PROFILES[method.profile].in_(lang), unit_told(method.unit, lang))
    return f"{method.label.in_(lang)} ({', '.join(one for one in traits if one)})"


def _number(spec: ParameterSpec, lang: Lang) -> Schema:
    low, high = spec.valid_range
    default = {} if spec.default is None else {"default": spec.default}
    return {
        "type": "number",
        "minimum": low,
        "maximum": high,
        **default,
        "description": described(spec, unit_told(spec.unit, lang), lang),
    }


def _way(spec: OptionSpec, lang: Lang) -> Schema:
    listing = "; ".join(label.in_(lang) for label in spec.choices.values())
    return {
        "type": "string",
        "enum": list(spec.choices),
        "default": spec.default,
        "description": described(spec, listing, lang),
    }


def _rows(spec: TableSpec, lang: Lang) -> Schema:
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
        "description": described(spec, unit_told(spec.unit, lang), lang),
    }
