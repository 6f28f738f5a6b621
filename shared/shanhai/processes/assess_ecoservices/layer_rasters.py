"""Layers of a scratch store as cloud-optimised GeoTIFFs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from shanhai.cartography import style_of
from shanhai.processes.assess_ecoservices.assessed import Assessment
from shanhai.processes.kit.rasters import raster_output
from shanhai.processes.kit.task import OutputFile
from shanhai.raster.cog import BLOCK, Block, CogFrame, write_cog
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.ecoservices.evaluation import CLASS_UNITS
from shanhai.science.ecoservices.matching_layers import SUPPLY_MEAN
from shanhai.science.grid import Window
from shanhai.vocabulary import Label, label_of


@dataclass(frozen=True, slots=True)
class LayerRaster:
    """A layer that becomes a file.

    Attributes:
        name: Its name in the store, and of the result.
        unit: Unit of its values; None for classes.
        title: Name in Chinese and English.
    """

    name: str
    unit: str | None
    title: Label


def rasters_of(assessment: Assessment) -> list[LayerRaster]:
    """The results of an assessment, in the order of the plan."""
    return [
        _raster_of(assessment, key) for key in assessment.assembled.results if key != SUPPLY_MEAN
    ]


def _raster_of(assessment: Assessment, key: str) -> LayerRaster:
    unit = assessment.plan.unit_of(key)
    shown = None if unit in CLASS_UNITS else unit
    kind, _, service = key.partition(".")
    quantity = assessment.assembled.graph.quantities.get(key)
    if quantity is None or kind in {"supply", "demand"}:
        return LayerRaster(key, shown, style_of(key, shown).title)
    of = label_of(service)
    title = Label(f"{of.zh}：{quantity.label.zh}", f"{of.en}: {quantity.label.en}")
    return LayerRaster(key, shown, title)


def write_rasters(
    store: ScratchStore, layers: Sequence[LayerRaster], workspace: Path, runner: WindowRunner
) -> list[OutputFile]:
    """Write layers into the workspace, several at a time."""
    return list(runner.run(partial(_write_layer, store, workspace), list(layers)))


def _write_layer(store: ScratchStore, workspace: Path, layer: LayerRaster) -> OutputFile:
    frame = CogFrame.of_grid(store.grid, categorical=layer.unit is None)
    path = f"{layer.name}.tif"
    statistics = write_cog(workspace / path, frame, _blocks(store, layer))
    return raster_output(layer.name, path, layer.title, frame, statistics, layer.unit)


def _blocks(store: ScratchStore, layer: LayerRaster) -> Iterator[Block]:
    height, width = store.grid.shape
    read = store.read_classes if layer.unit is None else store.read_stored
    for row in range(0, height, BLOCK):
        window = Window(row, 0, min(BLOCK, height - row), width)
        yield window, read(layer.name, window)[np.newaxis]
