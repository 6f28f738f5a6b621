"""Numbers of the whole area that are given to a run, one by one or by the manifest of another."""

from collections.abc import Iterator, Mapping

from shanhai.errors import Fault, InvalidInput
from shanhai.processes.assess_ecoservices.contract import AssessmentInputs
from shanhai.processes.assess_ecoservices.narrow_ranges import limits_figures
from shanhai.processes.assess_ecoservices.reference import POINTER
from shanhai.processes.kit.task import ReferenceTask
from shanhai.science.ecoservices.assembly import Assembled
from shanhai.science.ecoservices.graph import AreaFigure, LayerNode
from shanhai.science.ecoservices.plan import ComputationPlan
from shanhai.vocabulary import label_of


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
    for number, one in enumerate(inputs.normalization):
        for probability, value in zip(one.quantiles, (one.lo, one.hi), strict=True):
            figure = AreaFigure(one.layer, "quantile", probability, one.where)
            given[_taken(figure, known, f"/inputs/normalization/{number}")] = value
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
