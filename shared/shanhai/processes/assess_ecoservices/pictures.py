"""The small maps of a report: the services, how supply and demand match, and what is doubtful."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shanhai.cartography import (
    BALANCE,
    CLUSTERS,
    COMPARED,
    COORDINATION,
    DEMAND,
    QUADRANTS,
    SUPPLY,
    ClassStyle,
    RampStyle,
    style_of,
)
from shanhai.processes.assess_ecoservices.assessed import Assessment, Extremes
from shanhai.processes.kit.outputs import class_overview, overview
from shanhai.raster.store import ScratchStore
from shanhai.reporting.maps import MapFrame
from shanhai.reporting.panels import ClassPanel, Panel, RampPanel, draw_panels
from shanhai.science.ecoservices.matching_layers import RATIO
from shanhai.science.grid import ClassArray, FloatArray
from shanhai.science.matching import coordination_class, coupling, quadrant, z_score
from shanhai.science.normalisation import NormalisationLimits, normalise
from shanhai.vocabulary import Label, label_of

DEFICIT = "deficit_probability"
RATIO_SD = "ratio_sd"

STABILITY = "stability"
CONSENSUS = "zone_consensus"
AGREEMENT = "zone_agreement"
"""Layers of the ensemble: the zone of most members, and the part of them that agree with the
map."""

RATIO_CLUSTERS = "ratio_clusters"
"""Layer of the local classes of the comprehensive ratio, where it was tested for clusters."""

_SIDES = ("supply", "demand")
Limits = tuple[NormalisationLimits, NormalisationLimits]
"""Between which supply and demand of a service are normalised."""

_QUADRANTS = ClassStyle(Label("供需象限", "Quadrants"), QUADRANTS)
_COORDINATION = ClassStyle(Label("协调等级", "Classes of coordination"), COORDINATION)
_DOUBTS = {
    STABILITY: Label("分区稳定性", "Stability of the zones"),
    DEFICIT: Label("供给低于需求的概率", "Probability of supply below demand"),
    RATIO_SD: Label("供需比标准差", "Spread of the ratio"),
}


Drawing = Callable[[], object]
"""Draws one picture, in whatever process; it returns False where that cannot be drawn."""


def service_maps(assessment: Assessment, frame: MapFrame, folder: Path) -> dict[Path, Drawing]:
    """A row of three maps for each service, in pictures `service.<code>`.

    Supply and demand of a service have one unit and are drawn to one scale.
    """
    pictures: dict[Path, Drawing] = {}
    for service, method in assessment.assembled.methods.items():
        path = folder / f"service.{service}.png"
        unit = f" ({method.unit})" if method.is_physical else ""
        top = max(_top(assessment.extremes[f"{kind}.{service}"]) for kind in _SIDES)
        pictures[path] = partial(
            _draw_service, path, assessment.place.store, service, unit, top, frame
        )
    return pictures


def _draw_service(
    path: Path, store: ScratchStore, service: str, unit: str, top: float, frame: MapFrame
) -> None:
    draw_panels(path, _panels(store, service, unit, top), frame)


def _top(extremes: Extremes) -> float:
    return extremes.limits.high if extremes.cap is None else extremes.cap


def _panels(store: ScratchStore, service: str, unit: str, cap: float) -> list[RampPanel]:
    by = COMPARED["amounts" if unit else "ranks"]
    ratio = Label(f"供需比{by.zh}", f"Ratio{by.en}")
    layers = [overview(store, f"{kind}.{service}") for kind in ("supply", "demand", "ratio")]
    low = min(0.0, *(_least(layer) for layer in layers[:2]))
    ramp = Label("", "")
    return [
        RampPanel(
            Label("供给", f"Supply{unit}"), layers[0], RampStyle(ramp, unit, SUPPLY), low, cap
        ),
        RampPanel(
            Label("需求", f"Demand{unit}"), layers[1], RampStyle(ramp, unit, DEMAND), low, cap
        ),
        RampPanel(ratio, layers[2], RampStyle(ramp, "1", BALANCE), -1.0, 1.0),
    ]


def _least(values: NDArray[np.float32]) -> float:
    return float(np.nanmin(values)) if np.isfinite(values).any() else 0.0


def matching_maps(
    assessment: Assessment, figures: Sequence[Mapping[str, Any]], frame: MapFrame, folder: Path
) -> dict[Path, Drawing]:
    """The quadrants, and the classes of coordination, of all services side by side."""
    store, limits = assessment.place.store, dict[str, Limits]()
    for one in figures:
        supply, demand = (assessment.extremes[f"{kind}.{one['code']}"] for kind in _SIDES)
        limits[one["code"]] = (supply.limits, demand.limits)
    quadrants, coordination = folder / "quadrants.png", folder / "coordination.png"
    return {
        quadrants: partial(_draw_quadrants, quadrants, store, figures, frame),
        coordination: partial(_draw_coordination, coordination, store, limits, frame),
    }


def _draw_quadrants(
    path: Path, store: ScratchStore, figures: Sequence[Mapping[str, Any]], frame: MapFrame
) -> None:
    panels = [
        ClassPanel(label_of(one["code"]), _quadrants(store, one), _QUADRANTS) for one in figures
    ]
    draw_panels(path, panels, frame, columns=4)


def _draw_coordination(
    path: Path, store: ScratchStore, limits: Mapping[str, Limits], frame: MapFrame
) -> None:
    panels = [
        ClassPanel(label_of(service), _coordination(store, service, both), _COORDINATION)
        for service, both in limits.items()
    ]
    draw_panels(path, panels, frame, columns=4)


def _quadrants(store: ScratchStore, figures: Mapping[str, Any]) -> ClassArray:
    supply, demand = (
        z_score(_shown(store, kind, figures["code"]), figures[kind]["mean"], figures[kind]["sd"])
        for kind in _SIDES
    )
    return quadrant(supply, demand)


def _coordination(store: ScratchStore, service: str, limits: Limits) -> ClassArray:
    supply, demand = (
        normalise(_shown(store, kind, service), of) for kind, of in zip(_SIDES, limits, strict=True)
    )
    return coordination_class(coupling(supply, demand).coordination)


def _shown(store: ScratchStore, kind: str, service: str) -> FloatArray:
    return overview(store, f"{kind}.{service}").astype(np.float64)


def doubt_maps(store: ScratchStore, frame: MapFrame, folder: Path) -> dict[Path, Drawing]:
    """What is doubtful, as far as it was looked for: ratio clusters, the ensemble, the draws."""
    drawn = {
        RATIO_CLUSTERS: (folder / "clusters.png", _draw_clusters),
        AGREEMENT: (folder / "robustness.png", _draw_robustness),
        STABILITY: (folder / "doubts.png", _draw_doubts),
    }
    return {
        path: partial(draw, path, store, frame)
        for layer, (path, draw) in drawn.items()
        if store.has(layer)
    }


def _draw_doubts(path: Path, store: ScratchStore, frame: MapFrame) -> None:
    """Draw what the draws of the parameters say of each cell.

    The share of the draws that agree on its zone, the probability that supply is below demand, and
    how far its ratio spreads.
    """
    panels = [_doubt(title, name, overview(store, name)) for name, title in _DOUBTS.items()]
    draw_panels(path, panels, frame)


def _draw_robustness(path: Path, store: ScratchStore, frame: MapFrame) -> None:
    """Draw agreement and consensus of an ensemble side by side."""
    consensus = style_of(CONSENSUS)
    if not isinstance(consensus, ClassStyle):
        raise TypeError(f"{CONSENSUS} is drawn by a ramp, not by classes")
    agreement = overview(store, AGREEMENT)
    panels: list[Panel] = [
        _doubt(style_of(AGREEMENT).title, AGREEMENT, agreement),
        ClassPanel(consensus.title, class_overview(store, CONSENSUS), consensus),
    ]
    draw_panels(path, panels, frame, columns=2)


def _draw_clusters(path: Path, store: ScratchStore, frame: MapFrame) -> None:
    """Draw the comprehensive ratio and its local clusters side by side."""
    ratio = RampStyle(style_of(RATIO).title, "1", BALANCE)
    panels: list[Panel] = [
        RampPanel(ratio.title, overview(store, RATIO), ratio, -1.0, 1.0),
        ClassPanel(CLUSTERS.title, class_overview(store, RATIO_CLUSTERS), CLUSTERS),
    ]
    draw_panels(path, panels, frame, columns=2)


def _doubt(title: Label, layer: str, values: NDArray[np.float32]) -> RampPanel:
    style = style_of(layer)
    if not isinstance(style, RampStyle):
        raise TypeError(f"{layer} is drawn by classes, not by a ramp")
    low = 0.0 if style.low is None else style.low
    high = _most(values) if style.high is None else style.high
    return RampPanel(title, values, style, low, high, beyond=False)


def _most(values: NDArray[np.float32]) -> float:
    return float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
