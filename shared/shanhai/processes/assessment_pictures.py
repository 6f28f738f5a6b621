"""The small maps of a report: each service's supply, demand and ratio, and the quadrants."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shanhai.cartography import BALANCE, DEMAND, SUPPLY, ClassEntry, ClassStyle, RampStyle
from shanhai.processes.assessed import Assessment
from shanhai.processes.overview import overview
from shanhai.raster.store import ScratchStore
from shanhai.reporting.maps import MapFrame
from shanhai.reporting.panels import ClassPanel, RampPanel, draw_panels
from shanhai.reporting.report import QUADRANT_COLORS
from shanhai.science.arrays import ClassArray
from shanhai.science.matching import QUADRANTS, quadrant, z_score
from shanhai.vocabulary import Label, label_of

_QUADRANT_STYLE = ClassStyle(
    Label("供需象限", "Quadrants"),
    tuple(
        ClassEntry(value, str(value), label, color)
        for (value, label), color in zip(QUADRANTS.items(), QUADRANT_COLORS, strict=True)
    ),
)


def draw_service_maps(assessment: Assessment, frame: MapFrame, folder: Path) -> dict[str, Path]:
    """Draw a row of three maps for each service; returns the pictures by `service.<code>`.

    Supply and demand of a service have one unit and are drawn to one scale.
    """
    pictures = {}
    for service, method in assessment.assembled.methods.items():
        path = pictures[f"service.{service}"] = folder / f"service.{service}.png"
        caps = [assessment.extremes[f"{kind}.{service}"].cap for kind in ("supply", "demand")]
        unit = "" if method.unit == "1" else f" ({method.unit})"
        draw_panels(path, _panels(assessment.stores.own, service, unit, max(caps)), frame)
    return pictures


def _panels(store: ScratchStore, service: str, unit: str, cap: float) -> list[RampPanel]:
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
        RampPanel(Label("供需比", "Ratio"), layers[2], RampStyle(ramp, "1", BALANCE), -1.0, 1.0),
    ]


def _least(values: NDArray[np.float32]) -> float:
    return float(np.nanmin(values)) if np.isfinite(values).any() else 0.0


def draw_quadrants(
    assessment: Assessment,
    figures: Sequence[Mapping[str, Any]],
    frame: MapFrame,
    folder: Path,
) -> Path:
    """Draw the quadrants of all services side by side."""
    path = folder / "quadrants.png"
    store = assessment.stores.own
    panels = [
        ClassPanel(label_of(one["code"]), _quadrants(store, one), _QUADRANT_STYLE)
        for one in figures
    ]
    draw_panels(path, panels, frame, columns=4)
    return path


def _quadrants(store: ScratchStore, figures: Mapping[str, Any]) -> ClassArray:
    supply, demand = (
        z_score(
            overview(store, f"{kind}.{figures['code']}").astype(np.float64),
            figures[kind]["mean"],
            figures[kind]["sd"],
        )
        for kind in ("supply", "demand")
    )
    return quadrant(supply, demand)
