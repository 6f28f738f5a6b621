"""What a report says of each service: means, shares in deficit, quadrants, coordination."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shanhai.processes.assess_ecoservices.assessed import Assessment, Extremes
from shanhai.raster.store import BLOCK, ScratchStore
from shanhai.science.coupling import (
    COORDINATION_CLASSES,
    QUADRANTS,
    coordination_class,
    coupling,
    quadrant,
    z_score,
)
from shanhai.science.grid import Window
from shanhai.science.moments import RunningMoments
from shanhai.science.normalisation import normalise

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


def service_figures(assessment: Assessment) -> list[dict[str, Any]]:
    """Figures of every assessed service over all valid cells, in the order of the services.

    Each has `code`, `method`, `unit`; `supply`, `demand` and `ratio` with `mean` and population
    `sd`; `supply_n`, `demand_n` (means, 0–1); `deficit_percent` and `surplus_percent` (share of
    cells with a ratio below and above 0); `quadrants` and `coordination` in per cent by code; and
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
        {"code": service, "method": method.id, "unit": method.unit, **figures}
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
    corner = quadrant(
        z_score(supply, moments["supply"].mean, moments["supply"].sd),
        z_score(demand, moments["demand"].mean, moments["demand"].sd),
    )
    degree = coupling(
        normalise(supply, layers.supply.limits), normalise(demand, layers.demand.limits)
    ).coordination
    grades = coordination_class(degree)
    counted = [
        np.count_nonzero(ratio < 0),
        np.count_nonzero(ratio > 0),
        *(np.count_nonzero(corner == code) for code in QUADRANTS),
        *(np.count_nonzero(grades == code) for code in COORDINATION_CLASSES),
        np.nansum(degree),
    ]
    return np.array(counted, dtype=np.float64)


def _shares(counted: NDArray[np.float64], cells: int) -> dict[str, Any]:
    shares = [_round(value) for value in 100 * counted[:-1] / max(cells, 1)]
    corners = dict(zip(map(str, QUADRANTS), shares[2:], strict=False))
    grades = dict(zip(map(str, COORDINATION_CLASSES), shares[2 + len(QUADRANTS) :], strict=True))
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
