"""Layers that rest on the whole raster, worked out tile by tile before the windows."""

from collections.abc import Mapping
from dataclasses import dataclass

from shanhai.processes.assess_ecoservices.source_layers import Stores
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.arrays import FloatArray
from shanhai.science.ecoservices.graph import LayerNode
from shanhai.science.ecoservices.plan import ComputationPlan
from shanhai.science.grid import Window


@dataclass(frozen=True, slots=True)
class _Named:
    """Layers of a store under the names a tiled function knows them by."""

    store: ScratchStore
    keys: Mapping[str, str]

    def read(self, name: str, window: Window) -> FloatArray:
        """Values of a window; NaN is nodata."""
        return self.store.read(self.keys.get(name, name), window)

    def write(self, name: str, window: Window, values: FloatArray) -> None:
        """Store the values of a window."""
        self.store.write(self.keys.get(name, name), window, values)


def work_out_tiled(plan: ComputationPlan, stores: Stores, runner: WindowRunner) -> None:
    """Write every such layer on the wide grid, each after those it rests on."""
    for key in plan.tiled:
        _work_out(plan.nodes[key], plan.cell_m, stores.wide, runner)


def _work_out(node: LayerNode, cell_m: float, store: ScratchStore, runner: WindowRunner) -> None:
    tiled = node.tiled
    if tiled is None:
        return
    scratch = {name: f"{node.key}~{name}" for name in tiled.scratch}
    for key in (node.key, *scratch.values()):
        store.create(key)
    layers = _Named(store, dict(node.inputs) | scratch | {node.name: node.key})
    given = {"cell_m": cell_m} if node.takes_cell else {}
    tiled.function(layers, store.grid.shape, run=runner.run, **given, **node.constants)
    store.drop(*scratch.values())
