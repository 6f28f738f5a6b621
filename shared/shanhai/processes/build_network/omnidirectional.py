"""Current from everywhere to everywhere (Omniscape), tile by tile of the land."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from shanhai.errors import LimitExceeded
from shanhai.processes.build_network.context import Scene, memory_left
from shanhai.processes.build_network.contract import OMNIDIRECTIONAL_RASTERS, OmnidirectionalChoice
from shanhai.processes.build_network.resistance import RESISTANCE
from shanhai.processes.build_network.sources import IMPORTANCE
from shanhai.processes.kit.task import Progress, pointing_at
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.corridors.circuit.solver import SolveReport
from shanhai.science.corridors.moving_window import (
    WindowCurrents,
    WindowSettings,
    cells_around,
    moving_window,
    no_source,
    normalised,
    strengths_of,
)
from shanhai.science.corridors.spacing import MetricCells
from shanhai.science.grid import FloatArray, Grid, IntArray, Window

CUMULATIVE, POTENTIAL, NORMALISED = OMNIDIRECTIONAL_RASTERS
"""Layers of the current over all windows, the same without resistance, and their ratio."""

STAGE = "omnidirectional"
DIFFUSE = (0.9, 1.1)
"""Normalised current between which land neither impedes nor channels."""

_POINTER = "/inputs/omnidirectional"
_LEAST_TILE = 32
"""Cells along a tile at least: smaller ones are sooner solved than told."""


@dataclass(frozen=True, slots=True)
class OmnidirectionalFlow:
    """What flows from everywhere to everywhere.

    Attributes:
        settings: Of the windows, in cells.
        targets: Number of windows solved.
        report: How they were solved.
        cells: How many impede, leave be and channel the current.
    """

    settings: WindowSettings
    targets: int
    report: SolveReport
    cells: Sequence[int]

    def document(self, grid: Grid) -> dict[str, Any]:
        """The figures."""
        areas = [round(cells * grid.cell_area_ha / 100, 6) for cells in self.cells]
        return {
            "radius_cells": self.settings.radius,
            "block_cells": self.settings.block,
            "windows": self.targets,
            "impeded_km2": areas[0],
            "diffuse_km2": areas[1],
            "channelled_km2": areas[2],
        }


def window_settings(scene: Scene) -> WindowSettings | None:
    """The windows that are asked for, in cells; None where none are.

    Raises:
        LimitExceeded: a window cannot be solved within the memory.
    """
    choice = scene.inputs.omnidirectional
    if choice is None:
        return None
    radius, block = choice.radius_cells(scene.cell_m), choice.block_of(scene.cell_m)
    settings = WindowSettings(radius, block, choice.threshold, memory_limit=memory_left())
    try:
        settings.require_memory(scene.grid.shape)
    except LimitExceeded as error:
        raise LimitExceeded(
            f"{error.message} (windows of radius {radius} cells)",
            message_zh=f"{error.message_zh}（窗口半径 {radius} 个像元）",
            pointer=f"{_POINTER}/radius_m",
        ) from error
    return settings


def find_flow(scene: Scene, progress: Progress) -> OmnidirectionalFlow | None:
    """Send current through every window; None unless it is asked for.

    Raises:
        InvalidInput: no cell sends current.
        LimitExceeded: a window cannot be solved within the memory.
    """
    choice, settings = scene.inputs.omnidirectional, window_settings(scene)
    if choice is None or settings is None:
        return None
    runner = scene.place.runner.remembered()
    with pointing_at(_POINTER):
        return send_currents(scene.store, runner, choice, settings, progress)


def send_currents(
    store: ScratchStore,
    runner: WindowRunner,
    choice: OmnidirectionalChoice,
    settings: WindowSettings,
    progress: Progress,
) -> OmnidirectionalFlow:
    """Write the layers of all windows.

    Tiles are solved for themselves, with the cells around them that their windows reach, and summed
    up in their order: no more is held than the rows that tiles to come still reach.

    Args:
        store: Holds the resistance, and the importance where that is the strength.
        runner: Solves the tiles.
        choice: Where current comes from.
        settings: Of the windows.
        progress: Hears of finished tiles, between 75 and 78 per cent.

    Raises:
        InvalidInput: no cell sends current.
    """
    for layer in OMNIDIRECTIONAL_RASTERS:
        store.create(layer)
    tiles = list(store.grid.windows(_tile_side(settings)))
    found = runner.run(partial(_solve, store, choice, settings), tiles)
    sums, targets, report = _Sums(store), 0, SolveReport()
    for number, (tile, part) in enumerate(zip(tiles, found, strict=True), start=1):
        sums.finish(tile.row - settings.reach)
        if part is not None:
            sums.add(part)
            targets, report = targets + part.targets, report + part.report
        progress(75 + 3 * number / len(tiles), STAGE)
    if not targets:
        raise no_source(settings.threshold)
    sums.finish(store.grid.height)
    return OmnidirectionalFlow(settings, targets, report, sums.cells.tolist())


def _tile_side(settings: WindowSettings) -> int:
    """Whole blocks, as wide as a window, so that what lies around a tile is three times as much."""
    return -(-max(2 * settings.radius, _LEAST_TILE) // settings.block) * settings.block


def _solve(
    store: ScratchStore, choice: OmnidirectionalChoice, settings: WindowSettings, tile: Window
) -> WindowCurrents | None:
    """The windows of the blocks of a tile; None where it is bare."""
    around = cells_around(tile, settings.reach, store.grid.shape)
    resistance = store.read(RESISTANCE, around)
    strengths = _strengths(store, choice, resistance, around)
    sent = np.isfinite(resistance) & (strengths > 0) & (strengths >= settings.threshold)
    if not sent[tile.slices_within(around)].any():
        return None
    spacing = MetricCells(store.grid.cell_m, store.grid.cell_m)
    own = replace(tile, row=tile.row - around.row, col=tile.col - around.col)
    found = moving_window(resistance, strengths, spacing, settings, own)
    return replace(found, window=around)


def _strengths(
    store: ScratchStore, choice: OmnidirectionalChoice, resistance: FloatArray, window: Window
) -> FloatArray:
    if choice.strength == "importance":
        return store.read(IMPORTANCE, window)
    return strengths_of(resistance, np.inf if choice.cutoff is None else choice.cutoff)


class _Sums:
    """Sums of the tiles, which are written as soon as no tile to come reaches them."""

    def __init__(self, store: ScratchStore) -> None:
        self._store = store
        self._begin = 0
        self._held = np.zeros((2, 0, store.grid.width))
        self.cells: IntArray = np.zeros(3, dtype=np.int64)

    def add(self, part: WindowCurrents) -> None:
        """Add what flows through the windows of a tile."""
        self._reach(part.window.row + part.window.height)
        into = replace(part.window, row=part.window.row - self._begin).slices
        self._held[:, *into] += np.stack([part.cumulative, part.potential])

    def finish(self, row: int) -> None:
        """Write all above a row."""
        rows = row - self._begin
        if rows <= 0:
            return
        self._reach(row)
        window = Window(self._begin, 0, rows, self._store.grid.width)
        self.cells += _write(self._store, window, self._held[:, :rows])
        self._held, self._begin = self._held[:, rows:], row

    def _reach(self, row: int) -> None:
        """Hold rows of nothing as far as a row."""
        missing = max(row - self._begin - self._held.shape[1], 0)
        self._held = np.pad(self._held, ((0, 0), (0, missing), (0, 0)))


def _write(store: ScratchStore, window: Window, sums: FloatArray) -> IntArray:
    """Write a strip of all layers; how many cells impede, leave be and channel."""
    passable = np.isfinite(store.read(RESISTANCE, window))
    current, potential = np.where(passable, sums, np.nan)
    ratio = normalised(current, potential)
    layers: Sequence[tuple[str, FloatArray]] = (
        (CUMULATIVE, current),
        (POTENTIAL, potential),
        (NORMALISED, ratio),
    )
    for layer, values in layers:
        store.write(layer, window, values)
    low, high = DIFFUSE
    known = np.isfinite(ratio)
    impeded, channelled = int(np.sum(ratio < low)), int(np.sum(ratio > high))
    return np.array([impeded, int(np.sum(known)) - impeded - channelled, channelled])
