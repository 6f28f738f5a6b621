"""Layers whose limits are so close that they count as constant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shanhai.science.ecoservices.assembly import Assembled
from shanhai.science.ecoservices.graph import AreaFigure, LayerGraph
from shanhai.science.ecoservices.least_spans import least_span
from shanhai.science.flags import ResultFlag
from shanhai.science.landcover import SOIL_PROBABILITY, VEGETATION_PROBABILITY
from shanhai.science.normalisation import (
    LIMIT_PROBABILITIES,
    LeastSpan,
    NormalisationLimits,
    settled,
)
from shanhai.vocabulary import Label, label_of


def in_sentence(title: str) -> str:
    """A title within a sentence."""
    return title[:1].lower() + title[1:]


def limits_figures(layer: str) -> tuple[AreaFigure, AreaFigure]:
    """The numbers a layer is normalised between."""
    low, high = LIMIT_PROBABILITIES
    return AreaFigure(layer, "quantile", low), AreaFigure(layer, "quantile", high)


@dataclass(frozen=True, slots=True)
class NarrowRange:
    """A layer whose limits are so close that it counts as constant.

    Attributes:
        layer: Its key.
        title: Its name, with the service it is of.
        limits: Between which it lies.
        least: The span it should have.
    """

    layer: str
    title: Label
    limits: NormalisationLimits
    least: LeastSpan

    @property
    def said(self) -> Label:
        """Its name with its span and the least one."""
        span, unit = self.limits.high - self.limits.low, self.least.unit
        return Label(
            f"{self.title.zh}跨度 {span:.3g} {unit}，最小 {self.least.of(self.limits):.3g} {unit}",
            f"{in_sentence(self.title.en)} spans {span:.3g} {unit}, at least "
            f"{self.least.of(self.limits):.3g} {unit} is needed",
        )


def narrow_ranges(assembled: Assembled, figures: Mapping[AreaFigure, float]) -> list[NarrowRange]:
    """The layers that count as constant, those without any variation among them."""
    graph, found = assembled.graph, []
    for layer in sorted({one.of for one in figures if one.kind == "quantile"}):
        least = least_span(layer, _unit_of(graph, layer))
        pair = _pair_of(graph, layer, figures)
        if least is None or pair is None:
            continue
        limits = NormalisationLimits(*pair)
        if settled(limits, least).high <= limits.low:
            found.append(NarrowRange(layer, _named(graph, layer), limits, least))
    return found


def _unit_of(graph: LayerGraph, layer: str) -> str:
    return graph.nodes[layer].unit if layer in graph.nodes else graph.leaves[layer].unit


def _pair_of(
    graph: LayerGraph, layer: str, figures: Mapping[AreaFigure, float]
) -> tuple[float, float] | None:
    """The numbers a layer is normalised between; vegetation cover has its own of the NDVI."""
    if layer != "ndvi":
        low, high = limits_figures(layer)
        return (figures[low], figures[high]) if low in figures and high in figures else None
    if graph.nodes["vegetation_cover"].constants["cover_limits"] == "fixed":
        return None
    taken = {one.probability: value for one, value in figures.items() if one.of == layer}
    pair = taken.get(SOIL_PROBABILITY), taken.get(VEGETATION_PROBABILITY)
    return None if pair[0] is None or pair[1] is None else (pair[0], pair[1])


def _named(graph: LayerGraph, layer: str) -> Label:
    kind, _, service = layer.partition(".")
    if not service:
        return graph.title_of(layer)
    of = label_of(service)
    return Label(f"{of.zh}{_SIDES[kind].zh}", f"{_SIDES[kind].en} of {in_sentence(of.en)}")


_SIDES = {"supply": Label("供给", "supply"), "demand": Label("需求", "demand")}


def narrow_range_flags(narrow: Sequence[NarrowRange]) -> tuple[ResultFlag, ...]:
    """`narrow_range` where layers vary by less than can be told; what is constant is no news."""
    varying = [one for one in narrow if one.limits.high > one.limits.low]
    if not varying:
        return ()
    text = Label(
        "变化幅度小于可分辨的最小跨度，按处处相同处理："
        + "；".join(one.said.zh for one in varying),
        "vary by less than can be told apart and count as the same everywhere: "
        + "; ".join(one.said.en for one in varying),
    )
    return (ResultFlag("narrow_range", text),)
