"""Class layers in memory, and the clean-up of zones on them."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shanhai.science.grid import ClassArray, Window
from shanhai.science.zoning import postprocess as method
from shanhai.science.zoning.delineation import RATIO


@dataclass(frozen=True, slots=True)
class ArrayLayers:
    """Layers of one shape that are arrays."""

    shape: tuple[int, int]
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)

    def create_classes(self, layer: str) -> None:
        """Make room for classes."""
        self.arrays[layer] = np.zeros(self.shape, dtype=np.uint8)

    def read_classes(self, layer: str, window: Window) -> ClassArray:
        """A window of classes."""
        return self.arrays[layer][window.slices].copy()

    def write_classes(self, layer: str, window: Window, values: ClassArray) -> None:
        """Store a window of classes."""
        self.arrays[layer][window.slices] = values

    def read_stored(self, layer: str, window: Window) -> NDArray[np.float32]:
        """A window of a quantity."""
        return self.arrays[layer][window.slices].astype(np.float32)

    def drop(self, *layers: str) -> None:
        """Remove layers."""
        for layer in layers:
            del self.arrays[layer]


def cleaned(
    codes: ClassArray,
    ratio: Any,
    cell_m: float,
    settings: method.PostprocessSettings | None = None,
    *,
    floor: ClassArray | None = None,
    tile: int = 1024,
) -> SimpleNamespace:
    """The clean-up of codes in memory: what it told, and the layers it left."""
    layers = ArrayLayers(codes.shape)
    layers.arrays[method.BY_UNIT] = codes
    layers.arrays[RATIO] = np.broadcast_to(ratio, codes.shape)
    if floor is not None:
        layers.arrays[method.FLOOR] = floor
    told = method.postprocess(
        layers, layers.shape, cell_m, settings, overlay=floor is not None, tile=tile
    )
    left = {name: layers.arrays.get(name) for name in (method.ZONES, method.BEFORE)}
    return SimpleNamespace(
        codes=left[method.ZONES],
        before_overlay=left[method.BEFORE],
        override_source=layers.arrays.get(method.OVERRIDE),
        layers=set(layers.arrays),
        told=told,
        flags=told.flags,
        changed_cells=told.changed_cells,
        share=told.periphery_share,
        detached_patches=told.detached_patches,
    )
