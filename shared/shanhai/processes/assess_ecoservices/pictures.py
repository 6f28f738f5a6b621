"""The small maps of a report: the services, how supply and demand match, and what is doubtful."""

from collections.abc import Mapping, Sequence
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
from shanhai.reporting.charts import ClassPanel, Panel, RampPanel, draw_panels
from shanhai.reporting.maps import MapFrame
from shanhai.science.ecoservices.matching_layers import RATIO
from shanhai.science.grid import ClassArray, FloatArray
from shanhai.science.matching import coordination_class, coupling, quadrant, z_score
from shanhai.science.normalisation import normalise
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

_QUADRANTS = ClassStyle(Label("供需象限", "Quadrants"), QUADRANTS)
_COORDINATION = ClassStyle(Label("协调等级", "Classes of coordination"), COORDINATION)
_DOUBTS = {
    STABILITY: Label("分区稳定性", "Stability of the zones"),
    DEFICIT: Label("供给低于需求的概率", "Probability of supply below demand"),
    RATIO_SD: Label("供需比标准差", "Spread of the ratio"),
}


def draw_service_maps(assessment: Assessment, frame: MapFrame, folder: Path) -> dict[str, Path]:
    """Draw a row of three maps for each service; returns the pictures by `service.<code>`.

    Supply and demand of a service have one unit and are drawn to one scale.
    """
    pictures = {}
    for service, method in assessment.assembled.methods.items():
        path = pictures[f"service.{service}"] = folder / f"service.{service}.png"
        unit = f" ({method.unit})" if method.is_physical else ""
        top = max(_top(assessment.extremes[f"{kind}.{service}"]) for kind in ("supply", "demand"))
        draw_panels(path, _panels(assessment.place.store, service, unit, top), frame)
    return pictures


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


def draw_matching(
    assessment: Assessment,
    figures: Sequence[Mapping[str, Any]],
    frame: MapFrame,
    folder: Path,
) -> dict[str, Path]:
    """Draw the quadrants, and the classes of coordination, of all services side by side."""
    store = assessment.place.store
    classes = {
        "quadrants": [(_quadrants(store, one), _QUADRANTS) for one in figures],
        "coordination": [
            (_coordination(assessment, one["code"]), _COORDINATION) for one in figures
        ],
    }
    titles = [label_of(one["code"]) for one in figures]
    for name, drawn in classes.items():
        panels = [
            ClassPanel(title, codes, style)
            for title, (codes, style) in zip(titles, drawn, strict=True)
        ]
        draw_panels(folder / f"{name}.png", panels, frame, columns=4)
    return {name: folder / f"{name}.png" for name in classes}


def _quadrants(store: ScratchStore, figures: Mapping[str, Any]) -> ClassArray:
    supply, demand = (
        z_score(_shown(store, kind, figures["code"]), figures[kind]["mean"], figures[kind]["sd"])
        for kind in ("supply", "demand")
    )
    return quadrant(supply, demand)


def _coordination(assessment: Assessment, service: str) -> ClassArray:
    supply, demand = (
        normalise(
            _shown(assessment.place.store, kind, service),
            assessment.extremes[f"{kind}.{service}"].limits,
        )
        for kind in ("supply", "demand")
    )
    return coordination_class(coupling(supply, demand).coordination)


def _shown(store: ScratchStore, kind: str, service: str) -> FloatArray:
    return overview(store, f"{kind}.{service}").astype(np.float64)


def draw_doubts(store: ScratchStore, frame: MapFrame, folder: Path) -> dict[str, Path]:
    """Draw what the draws of the parameters say of each cell, where there were any.

    The share of the draws that agree on its zone, the probability that supply is below demand, and
    how far its ratio spreads.
    """
    if not store.has(STABILITY):
        return {}
    path = folder / "doubts.png"
    panels = [_doubt(title, name, overview(store, name)) for name, title in _DOUBTS.items()]
    draw_panels(path, panels, frame)
    return {"doubts": path}


def draw_robustness(store: ScratchStore, frame: MapFrame, folder: Path) -> dict[str, Path]:
    """Draw agreement and consensus of an ensemble side by side, where there was one."""
    if not store.has(AGREEMENT):
        return {}
    path = folder / "robustness.png"
    consensus = style_of(CONSENSUS)
    if not isinstance(consensus, ClassStyle):
        raise TypeError(f"{CONSENSUS} is drawn by a ramp, not by classes")
    agreement = overview(store, AGREEMENT)
    panels: list[Panel] = [
        _doubt(style_of(AGREEMENT).title, AGREEMENT, agreement),
        ClassPanel(consensus.title, class_overview(store, CONSENSUS), consensus),
    ]
    draw_panels(path, panels, frame, columns=2)
    return {"robustness": path}


def draw_clusters(store: ScratchStore, frame: MapFrame, folder: Path) -> dict[str, Path]:
    """Draw the comprehensive ratio and its local clusters side by side, where they were sought."""
    if not store.has(RATIO_CLUSTERS):
        return {}
    path = folder / "clusters.png"
    ratio = RampStyle(style_of(RATIO).title, "1", BALANCE)
    panels: list[Panel] = [
        RampPanel(ratio.title, overview(store, RATIO), ratio, -1.0, 1.0),
        ClassPanel(CLUSTERS.title, class_overview(store, RATIO_CLUSTERS), CLUSTERS),
    ]
    draw_panels(path, panels, frame, columns=2)
    return {"clusters": path}


def _doubt(title: Label, layer: str, values: NDArray[np.float32]) -> RampPanel:
    style = style_of(layer)
    if not isinstance(style, RampStyle):
        raise TypeError(f"{layer} is drawn by classes, not by a ramp")
    low = 0.0 if style.low is None else style.low
    high = _most(values) if style.high is None else style.high
    return RampPanel(title, values, style, low, high, beyond=False)


def _most(values: NDArray[np.float32]) -> float:
    return float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
