"""What of an assessment the zoning takes: the layers' extremes, and means over the units."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.ecoservices.graph import Figure
from shanhai.science.ecoservices.matching_layers import (
    RATIO,
    SUPPLY_MEAN,
    MaxMode,
    maximum_of,
)
from shanhai.science.grid import Window
from shanhai.science.normalise import LIMIT_PROBABILITIES, Limits
from shanhai.science.zoning.units import Fishnet, aggregate
from shanhai.vocabulary import ECOSERVICES, codes

SERVICES = codes(ECOSERVICES)
UNIT_LAYERS = (*(f"ratio.{service}" for service in SERVICES), RATIO, SUPPLY_MEAN)
"""What is averaged over the zoning units, in this order."""

WINDOW_CELLS = 512


@dataclass(frozen=True, slots=True)
class Extremes:
    """Global numbers of a service's layer: limits for normalising, cap for the ratio."""

    limits: Limits
    cap: float


def limits_figures(layer: str) -> tuple[Figure, Figure]:
    """The numbers a layer is normalised between."""
    low, high = LIMIT_PROBABILITIES
    return Figure(layer, "quantile", low), Figure(layer, "quantile", high)


def extremes_of(
    layers: Iterable[str], figures: Mapping[Figure, float], max_mode: MaxMode
) -> dict[str, Extremes]:
    """Limits and cap of the supplies and demands."""
    found = {}
    for layer in layers:
        low, high = limits_figures(layer)
        cap = figures[maximum_of(layer, max_mode)]
        found[layer] = Extremes(Limits(figures[low], figures[high]), cap)
    return found


def unit_means(
    store: ScratchStore, fishnet: Fishnet, runner: WindowRunner
) -> tuple[FloatArray, IntArray]:
    """Means of `UNIT_LAYERS` over the valid cells of every unit, and how many cells those are."""
    windows = list(store.grid.windows(fishnet.window_size(WINDOW_CELLS)))
    return _assemble(fishnet, windows, runner.run(partial(_aggregate, store, fishnet), windows))


def _aggregate(
    store: ScratchStore, fishnet: Fishnet, window: Window
) -> tuple[FloatArray, IntArray]:
    layers = np.stack([store.read(layer, window) for layer in UNIT_LAYERS])
    return aggregate(layers, fishnet.unit_cells)


def _assemble(
    fishnet: Fishnet, windows: Sequence[Window], parts: Iterable[tuple[FloatArray, IntArray]]
) -> tuple[FloatArray, IntArray]:
    means = np.full((len(UNIT_LAYERS), *fishnet.shape), np.nan)
    cells = np.zeros(fishnet.shape, dtype=np.int64)
    for window, (part, count) in zip(windows, parts, strict=True):
        rows, cols = fishnet.unit_slices(window)
        means[:, rows, cols] = part
        cells[rows, cols] = count
    return means, cells
