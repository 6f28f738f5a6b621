"""The zoning units of a study: how they are cut, and the means of layers over them."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from shanhai.jobs.contracts import ZoningParameters
from shanhai.processes.supply_demand import Extremes
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.grid import Grid, Window
from shanhai.science.normalise import normalise
from shanhai.science.zoning.units import Fishnet, UnitTable, aggregate, select_units

WINDOW_CELLS = 512

_NORMALISED = {"supply_n": "supply", "demand_n": "demand"}


def fishnet_of(grid: Grid, parameters: ZoningParameters) -> Fishnet:
    """Squares of whole cells, or the cells themselves.

    Raises:
        InvalidInput: the cells are too many to be units.
    """
    if parameters.units == "cells":
        return Fishnet.of_cells(grid)
    return Fishnet.over(grid, parameters.unit_m)


def unit_table(
    store: ScratchStore,
    extremes: Mapping[str, Extremes],
    fishnet: Fishnet,
    layers: Sequence[str],
    runner: WindowRunner,
) -> UnitTable:
    """Means of the layers over the units that are valid over half their area.

    Args:
        store: Holds the layers, or those they are normalised from.
        extremes: Limits of supplies and demands.
        fishnet: How the units are cut.
        layers: Columns of the table: stored layers, `supply_n.*` and `demand_n.*`.
        runner: Runs the windows.

    Raises:
        InvalidInput: no unit is valid.
    """
    windows = list(store.grid.windows(fishnet.window_size(WINDOW_CELLS)))
    means = np.full((len(layers), *fishnet.shape), np.nan)
    cells = np.zeros(fishnet.shape, dtype=np.int64)
    parts = runner.run(partial(_aggregate, store, extremes, fishnet, layers), windows)
    for window, (part, count) in zip(windows, parts, strict=True):
        rows, cols = fishnet.unit_slices(window)
        means[:, rows, cols] = part
        cells[rows, cols] = count
    return select_units(means, cells, fishnet.unit_cells)


def _aggregate(
    store: ScratchStore,
    extremes: Mapping[str, Extremes],
    fishnet: Fishnet,
    layers: Sequence[str],
    window: Window,
) -> tuple[FloatArray, IntArray]:
    stack = np.stack([_layer(store, extremes, layer, window) for layer in layers])
    return aggregate(stack, fishnet.unit_cells)


def _layer(
    store: ScratchStore, extremes: Mapping[str, Extremes], layer: str, window: Window
) -> FloatArray:
    kind, _, service = layer.partition(".")
    if kind not in _NORMALISED:
        return store.read(layer, window)
    source = f"{_NORMALISED[kind]}.{service}"
    return normalise(store.read(source, window), extremes[source].limits)
