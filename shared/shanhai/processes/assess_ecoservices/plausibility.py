"""What looks odd: layers that hardly vary, inputs in a wrong unit, cells far coarser than ours."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shanhai.processes.kit.region import Place, Tally
from shanhai.processes.kit.task import DatasetTask
from shanhai.raster.checks import check_plausible
from shanhai.raster.themes import THEME_RULES
from shanhai.science.ecoservices.assembly import Assembled
from shanhai.science.ecoservices.graph import AreaFigure, LayerGraph, limits_figures
from shanhai.science.ecoservices.least_spans import least_span
from shanhai.science.flags import ResultFlag
from shanhai.science.landcover import SOIL_PROBABILITY, VEGETATION_PROBABILITY
from shanhai.science.normalisation import LeastSpan, NormalisationLimits, settled
from shanhai.vocabulary import Label, label_of


def in_sentence(title: str) -> str:
    """A title within a sentence."""
    return title[:1].lower() + title[1:]


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
        least = least_span(layer, (graph.nodes.get(layer) or graph.leaves[layer]).unit)
        pair = _pair_of(graph, layer, figures)
        if least is None or pair is None:
            continue
        limits = NormalisationLimits(*pair)
        if settled(limits, least).high <= limits.low:
            found.append(NarrowRange(layer, _named(graph, layer), limits, least))
    return found


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
    """`narrow_range` where layers vary by less than can be told.

    Of layers without any variation `constant_layer` tells, but for the NDVI, which becomes cover.
    """
    varying = [one for one in narrow if one.limits.high > one.limits.low or one.layer == "ndvi"]
    if not varying:
        return ()
    text = Label(
        "变化幅度小于可分辨的最小跨度，按处处相同处理："
        + "；".join(one.said.zh for one in varying),
        "vary by less than can be told apart and count as the same everywhere: "
        + "; ".join(one.said.en for one in varying),
    )
    return (ResultFlag("narrow_range", text),)


COARSE_CELLS = 5.0
"""An input whose own cells are wider than so many of the analysis carries `coarse_input` (E)."""

MOST_PERSONS = 450.0
"""Mean persons/ha beyond any city: Manila, the densest, had 430 persons/ha in 2020 (PSA), the
densest districts of Chinese cities 300 (E)."""


def unusual_means(tallies: Mapping[str, Tally], cell_ha: float) -> list[ResultFlag]:
    """`unusual_mean` for each theme whose mean lies where a wrong unit or scale would put it.

    Args:
        tallies: What each theme holds on the land of the region.
        cell_ha: Area of a cell, ha.
    """
    found = list[ResultFlag]()
    for theme, tally in sorted(tallies.items()):
        means = [
            float(total / count) if count else None
            for total, count in zip(tally.total, tally.count, strict=True)
        ]
        found += check_plausible(THEME_RULES[theme], means)
        if theme == "population" and means and means[0] is not None:
            found += _crowded(means[0] / cell_ha)
    return found


def _crowded(persons: float) -> Iterator[ResultFlag]:
    if persons <= MOST_PERSONS:
        return
    text = Label(
        f"人口：平均 {persons:.4g} 人/ha，超过任何城市（{MOST_PERSONS:g} 人/ha）；"
        "数据是否为密度（人/km²）而非每像元人数？",
        f"population: {persons:.4g} persons/ha on average, more than in any city "
        f"({MOST_PERSONS:g} persons/ha); are these densities (persons/km²) and no counts per cell?",
    )
    yield ResultFlag("unusual_mean", text)


def coarse_inputs(place: Place, datasets: Mapping[str, DatasetTask]) -> tuple[ResultFlag, ...]:
    """`coarse_input` where inputs are much coarser than the cells of the analysis.

    The resolution is that the dataset tells, else that of its file.
    """
    cell_m = place.grid.cell_m
    sizes = {
        theme: datasets[theme].native_resolution_m or source.resolution
        for theme, source in place.sources.items()
    }
    coarse = {theme: size for theme, size in sizes.items() if size > COARSE_CELLS * cell_m}
    if not coarse:
        return ()
    listed = [(label_of(theme), f"{size:.0f} m") for theme, size in sorted(coarse.items())]
    text = Label(
        f"下列输入的原始分辨率粗于 {COARSE_CELLS:g} 个分析像元（{cell_m:g} m），"
        f"其像元内的细节只是插值：{'、'.join(f'{name.zh} {size}' for name, size in listed)}",
        f"coarser than {COARSE_CELLS:g} cells of the analysis ({cell_m:g} m), so that what they "
        "show within their own cells is interpolation: "
        + ", ".join(f"{name.en.lower()} {size}" for name, size in listed),
    )
    return (ResultFlag("coarse_input", text),)
