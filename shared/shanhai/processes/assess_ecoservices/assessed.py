"""What an assessment is when done: extremes, the land inputs leave, figures of its services."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.processes.assess_ecoservices.plausibility import NarrowRange, in_sentence
from shanhai.processes.assess_ecoservices.source_layers import SourceLayers
from shanhai.processes.kit.region import Place, Tally
from shanhai.raster.store import BLOCK, ScratchStore
from shanhai.science import matching
from shanhai.science.ecoservices.assembly import Assembled
from shanhai.science.ecoservices.graph import AreaFigure, limits_figures, service_key
from shanhai.science.ecoservices.least_spans import SPAN_BY_UNIT
from shanhai.science.ecoservices.matching_layers import MaxMode, maximum_of
from shanhai.science.ecoservices.method import Method
from shanhai.science.ecoservices.plan import ComputationPlan
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import Window
from shanhai.science.normalisation import NormalisationLimits, normalise, settled
from shanhai.science.quantiles import RunningMoments
from shanhai.vocabulary import ECOSERVICES, Label, codes, label_of

LEAST_VALID_SHARE = 0.5
"""Part of the land that must be valid; a zoning of less would not be one of the region."""

LOW_VALID_SHARE = 0.95
"""Below this part of the land being valid, the result carries the flag `low_coverage`."""

NOTABLE_LOSS = 0.01
"""Part of the land a layer may leave unknown without a warning."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the region holds, and what is lost why.

    Attributes:
        valid: Cells in which everything required is known.
        inside: Cells of the region.
        sea: Those of them that are sea.
        missing: Land cells that are not valid because something is unknown there, by dataset theme,
            or by layer where all that was read is known.
        themes: The theme a layer of `missing` rests on first.
        titles: Layers of `missing` in the words of a reader.
    """

    valid: int
    inside: int
    sea: int
    missing: Mapping[str, int]
    themes: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, Label] = field(default_factory=dict)

    @property
    def land(self) -> int:
        """Cells of the region that are not sea."""
        return self.inside - self.sea

    def title_of(self, name: str) -> Label:
        """A theme or layer in the words of a reader."""
        return self.titles[name] if name in self.titles else label_of(name)


_NAMED = 3


def losses(coverage: Coverage) -> list[tuple[str, int]]:
    """Land cells each input leaves unknown, costliest first; those without gaps are left out."""
    found: dict[str, int] = {}
    for name, cells in coverage.missing.items():
        theme = coverage.themes.get(name, name)
        found[theme] = max(found.get(theme, 0), cells)
    return sorted(((t, n) for t, n in found.items() if n), key=lambda loss: (-loss[1], loss[0]))


def require_coverage(coverage: Coverage, themes: Collection[str], cell_m: float) -> None:
    """Refuse inputs that leave too little of the land.

    Raises:
        InvalidInput: the region has no cell or no land, or less than `LEAST_VALID_SHARE` of its
            land is valid; the inputs at fault are named with the share each leaves unknown.
    """
    if not coverage.inside:
        raise InvalidInput(
            f"no cell of {cell_m:g} m has its centre in the region; use a smaller cell_m",
            message_zh=f"没有一个 {cell_m:g} m 像元的中心落在区域内；请减小 cell_m",
            pointer="/inputs/cell_m",
        )
    if not coverage.land:
        raise InvalidInput(
            f"no valid cell: land cover shows sea in all {coverage.inside} cells of the region",
            message_zh=f"没有有效像元：区域内 {coverage.inside} 个像元的土地覆盖全部为海域",
            pointer="/inputs/datasets/land_cover",
        )
    if coverage.valid and coverage.valid >= LEAST_VALID_SHARE * coverage.land:
        return
    found = losses(coverage)
    text = _gaps(found, coverage.land)
    # Without land cover the sea counts as land, where hardly any input has a value.
    hint = Label("", "")
    if "land_cover" not in themes:
        hint = Label(
            "；未提供土地覆盖，海域按陆地计", "; without land cover the sea counts as land"
        )
    raise InvalidInput(
        f"{_valid_en(coverage)}; at least {100 * LEAST_VALID_SHARE:g} % must: {text.en}{hint.en}",
        message_zh=f"{_valid_zh(coverage)}，至少须 {100 * LEAST_VALID_SHARE:g} %："
        f"{text.zh}{hint.zh}",
        pointer=f"/inputs/datasets/{found[0][0]}" if found else "/inputs/datasets",
    )


def coverage_flags(coverage: Coverage) -> tuple[ResultFlag, ...]:
    """`low_coverage` where less than `LOW_VALID_SHARE` of the land is valid."""
    if coverage.valid >= LOW_VALID_SHARE * coverage.land:
        return ()
    text = _gaps(losses(coverage), coverage.land)
    said = Label(
        f"{_valid_zh(coverage)}，分区图存在空缺：{text.zh}",
        f"{_valid_en(coverage)}, so that the zones have holes: {text.en}",
    )
    return (ResultFlag("low_coverage", said),)


def missing_cells(coverage: Coverage) -> list[ResultFlag]:
    """A warning for everything that is unknown in a notable part of the land."""
    return [
        ResultFlag.of(
            "missing_cells",
            f"{coverage.title_of(name).zh}在 {_percent(cells, coverage.land)} 的陆地像元缺测，"
            "已剔除",
            f"{in_sentence(coverage.title_of(name).en)} is unknown in "
            f"{_percent(cells, coverage.land)} of the land cells, which are left out",
        )
        for name, cells in coverage.missing.items()
        if cells > NOTABLE_LOSS * coverage.land
    ]


def _valid_en(coverage: Coverage) -> str:
    share = _percent(coverage.valid, coverage.land)
    return f"only {share} of the {coverage.land} land cells have a value in every input"


def _valid_zh(coverage: Coverage) -> str:
    share = _percent(coverage.valid, coverage.land)
    return f"{coverage.land} 个陆地像元中仅 {share} 各项输入齐全"


def _gaps(found: list[tuple[str, int]], land: int) -> Label:
    """The costliest inputs and the part of the land in which each is unknown."""
    named = [(label_of(theme), _percent(cells, land)) for theme, cells in found[:_NAMED]]
    return Label(
        "、".join(f"{title.zh}缺测 {share}" for title, share in named),
        ", ".join(f"{in_sentence(title.en)} is unknown in {share}" for title, share in named),
    )


def _percent(cells: int, land: int) -> str:
    return f"{100 * cells / land:.1f} %"


SERVICES = codes(ECOSERVICES)


@dataclass(frozen=True, slots=True)
class Extremes:
    """Global numbers of a service's layer.

    Attributes:
        limits: Between which it is normalised.
        cap: Value it is capped at before the ratio; None of an index, whose ranks are compared.
    """

    limits: NormalisationLimits
    cap: float | None


def extreme_figures(assembled: Assembled, max_mode: MaxMode) -> list[AreaFigure]:
    """The numbers `extremes_of` takes."""
    caps = [
        maximum_of(service_key(kind, service), max_mode)
        for service, method in assembled.methods.items()
        if method.is_physical
        for kind in ("supply", "demand")
    ]
    return [*caps, *(one for layer in assembled.decisive_layers for one in limits_figures(layer))]


def extremes_of(
    assembled: Assembled, figures: Mapping[AreaFigure, float], max_mode: MaxMode
) -> dict[str, Extremes]:
    """Limits and cap of the supplies and demands; limits that are too close are one."""
    found = {}
    for service, method in assembled.methods.items():
        for layer in (service_key(kind, service) for kind in ("supply", "demand")):
            low, high = (figures[one] for one in limits_figures(layer))
            limits = settled(NormalisationLimits(low, high), SPAN_BY_UNIT[method.unit])
            cap = figures[maximum_of(layer, max_mode)] if method.is_physical else None
            found[layer] = Extremes(limits, cap)
    return found


@dataclass(frozen=True, slots=True)
class Assessment:
    """The services of a region.

    Attributes:
        place: The region with the rasters that were used; its store holds `supply.*`, `demand.*`,
            `ratio.*`, `valid` and the other results.
        layers: How the computation reads its sources and keeps its layers.
        assembled: The methods that were taken and the layers they are made of.
        plan: How they were worked out.
        figures: Every number of the whole area.
        given: Those of them that were given and not taken.
        extremes: Limits and cap of `supply.*` and `demand.*`.
        coverage: What the region holds and what was lost why.
        tallies: What each input holds on the land of the region, by theme.
        edge_effect: Whether an input ends inside the distance some step looks.
        narrow: Layers that count as constant.
        flags: What a planner should know of coverage and inputs.
        warnings: What a reader should know of the inputs and the results.
    """

    place: Place
    layers: SourceLayers
    assembled: Assembled
    plan: ComputationPlan
    figures: Mapping[AreaFigure, float]
    given: frozenset[AreaFigure]
    extremes: Mapping[str, Extremes]
    coverage: Coverage
    tallies: Mapping[str, Tally]
    edge_effect: bool
    narrow: Sequence[NarrowRange]
    flags: tuple[ResultFlag, ...]
    warnings: list[ResultFlag]


_DIGITS = 6


@dataclass(frozen=True, slots=True)
class _ServiceLayers:
    """The layers of one service in a store, and the numbers they are normalised by."""

    store: ScratchStore
    service: str
    supply: Extremes
    demand: Extremes

    def strips(self) -> Sequence[Window]:
        height, width = self.store.grid.shape
        return [Window(row, 0, min(BLOCK, height - row), width) for row in range(0, height, BLOCK)]

    def read(self, kind: str, window: Window) -> NDArray[np.float64]:
        return self.store.read(f"{kind}.{self.service}", window)


def compared_by(method: Method) -> Literal["amounts", "ranks"]:
    """What the ratio of a method compares: only amounts have a physical zero."""
    return "amounts" if method.is_physical else "ranks"


def service_figures(assessment: Assessment) -> list[dict[str, Any]]:
    """Figures of every assessed service over all valid cells, in the order of the services.

    Each has `code`, `method` with its names, `unit`, `compared` (`amounts` or `ranks`); `supply`,
    `demand` and `ratio` with `mean` and population `sd`; `supply_n`, `demand_n` (means, 0–1);
    `deficit_percent` and `surplus_percent` (share of cells with a ratio below and above 0);
    `quadrants` and `coordination` in per cent by code; and
    `coordination_mean`.
    """
    layers = [
        _ServiceLayers(
            assessment.place.store,
            service,
            assessment.extremes[f"supply.{service}"],
            assessment.extremes[f"demand.{service}"],
        )
        for service in assessment.assembled.methods
    ]
    found = assessment.place.runner.run(_figures, layers)
    return [
        {
            "code": service,
            "method": method.id,
            "method_zh": method.label.zh,
            "method_en": method.label.en,
            "unit": method.unit,
            "compared": compared_by(method),
            **figures,
        }
        for (service, method), figures in zip(
            assessment.assembled.methods.items(), found, strict=True
        )
    ]


def _figures(layers: _ServiceLayers) -> dict[str, Any]:
    moments = {kind: _moments(layers, kind) for kind in ("supply", "demand", "ratio")}
    strips = layers.strips()
    counted = reduce(np.add, (_counts(layers, moments, window) for window in strips))
    normal = {
        f"{kind}_n": _round(_normal_mean(layers, kind, extremes))
        for kind, extremes in (("supply", layers.supply), ("demand", layers.demand))
    }
    return {
        **{kind: {"mean": _round(one.mean), "sd": _round(one.sd)} for kind, one in moments.items()},
        **normal,
        **_shares(counted, moments["ratio"].count),
    }


def _moments(layers: _ServiceLayers, kind: str) -> RunningMoments:
    parts = (RunningMoments.of(layers.read(kind, window)) for window in layers.strips())
    return reduce(RunningMoments.joined, parts, RunningMoments())


def _normal_mean(layers: _ServiceLayers, kind: str, extremes: Extremes) -> float:
    parts = (
        RunningMoments.of(normalise(layers.read(kind, window), extremes.limits))
        for window in layers.strips()
    )
    return reduce(RunningMoments.joined, parts, RunningMoments()).mean


def _counts(
    layers: _ServiceLayers, moments: Mapping[str, RunningMoments], window: Window
) -> NDArray[np.float64]:
    """Cells in deficit and surplus, by quadrant and by class of coordination; last its sum."""
    supply, demand = layers.read("supply", window), layers.read("demand", window)
    ratio = layers.read("ratio", window)
    corner = matching.quadrant(
        matching.z_score(supply, moments["supply"].mean, moments["supply"].sd),
        matching.z_score(demand, moments["demand"].mean, moments["demand"].sd),
    )
    degree = matching.coupling(
        normalise(supply, layers.supply.limits), normalise(demand, layers.demand.limits)
    ).coordination
    grades = matching.coordination_class(degree)
    counted = [
        np.count_nonzero(ratio < 0),
        np.count_nonzero(ratio > 0),
        *(np.count_nonzero(corner == code) for code in matching.QUADRANTS),
        *(np.count_nonzero(grades == code) for code in matching.COORDINATION_CLASSES),
        np.nansum(degree),
    ]
    return np.array(counted, dtype=np.float64)


def _shares(counted: NDArray[np.float64], cells: int) -> dict[str, Any]:
    shares = [_round(value) for value in 100 * counted[:-1] / max(cells, 1)]
    corners = dict(zip(map(str, matching.QUADRANTS), shares[2:], strict=False))
    grades = dict(
        zip(
            map(str, matching.COORDINATION_CLASSES),
            shares[2 + len(matching.QUADRANTS) :],
            strict=True,
        )
    )
    return {
        "cells": cells,
        "deficit_percent": shares[0],
        "surplus_percent": shares[1],
        "quadrants": corners,
        "coordination": grades,
        "coordination_mean": _round(counted[-1] / max(cells, 1)),
    }


def _round(value: float) -> float:
    return round(float(value), _DIGITS)
