"""The finished rasters of a zoning: zones, ratios, supply and demand as COGs."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from shanhai.cartography import style_of
from shanhai.jobs.contracts import OutputFile
from shanhai.processes.rasters import raster_output
from shanhai.processes.supply_demand import SERVICES
from shanhai.raster.cog import BLOCK, Block, Frame, write_cog
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.grid import Window

ZONES = "zones"
QUANTITY_LAYERS = (
    "ratio",
    *(f"{kind}.{service}" for kind in ("ratio", "supply", "demand") for service in SERVICES),
)


def write_zone_rasters(
    store: ScratchStore, workspace: Path, runner: WindowRunner
) -> list[OutputFile]:
    """Write every output raster of the store into the workspace."""
    return list(runner.run(partial(_write_layer, store, workspace), (ZONES, *QUANTITY_LAYERS)))


def _write_layer(store: ScratchStore, workspace: Path, layer: str) -> OutputFile:
    categorical = layer == ZONES
    title = style_of(layer).title
    frame = Frame.of_grid(store.grid, categorical=categorical)
    name = f"{layer}.tif"
    blocks = _class_blocks(store, layer) if categorical else _blocks(store, layer)
    statistics = write_cog(workspace / name, frame, blocks)
    return raster_output(layer, name, title, frame, statistics, None if categorical else "1")


def _windows(store: ScratchStore) -> Iterator[Window]:
    height, width = store.grid.shape
    for row in range(0, height, BLOCK):
        yield Window(row, 0, min(BLOCK, height - row), width)


def _blocks(store: ScratchStore, layer: str) -> Iterator[Block]:
    for window in _windows(store):
        yield window, store.read_stored(layer, window)[np.newaxis]


def _class_blocks(store: ScratchStore, layer: str) -> Iterator[Block]:
    for window in _windows(store):
        yield window, store.read_classes(layer, window)[np.newaxis]
