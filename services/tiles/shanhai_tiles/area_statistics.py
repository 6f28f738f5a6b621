"""What a raster holds over an area: areas of classes, or mean, spread and quantiles of a quantity.

Cells count for their area on the ellipsoid.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from shanhai.cartography import ClassEntry, ClassStyle
from shanhai.raster.area import true_cell_areas_m2
from shanhai.science.arrays import FloatArray
from shanhai.science.grid import SQUARE_METRES_PER_HECTARE
from shanhai.science.weighted import Block, WeightedSummary, summarise
from shanhai_tiles.areas import Cover, cover
from shanhai_tiles.handles import Handles, OpenRaster, require_band
from shanhai_tiles.raster import Values, valid_in

PROBABILITIES = (0.02, 0.05, 0.25, 0.5, 0.75, 0.95, 0.98)
CLASSES = 256


@dataclass(slots=True)
class Extent:
    """How much of an area a raster knows, m², and by how many cells."""

    known_m2: float = 0.0
    unknown_m2: float = 0.0
    cells: int = 0

    def document(self) -> dict[str, Any]:
        """As it is told."""
        return {
            "cells": self.cells,
            "area_m2": self.known_m2,
            "area_ha": self.known_m2 / SQUARE_METRES_PER_HECTARE,
            "nodata_area_m2": self.unknown_m2,
        }


def class_areas(
    rasters: Handles, path: Path, band: int, area: BaseGeometry | None, style: ClassStyle
) -> dict[str, Any]:
    """The area of each class; classes the style does not name have no code and no label.

    Args:
        area: In degrees; None for the whole raster.
        style: The classes.

    Raises:
        LayerUnreadable: the file is damaged.
        InvalidInput: the file has no such band, or the area has too many cells.
    """
    extent, areas, counts = Extent(), np.zeros(CLASSES), np.zeros(CLASSES, np.int64)
    with rasters.open(path) as raster:
        require_band(band, raster.bands)
        for values, weights in _blocks(raster, band, cover(raster.frame, area), extent):
            known = (values >= 0) & (values < CLASSES)
            classes = values[known].astype(np.uint8)
            areas += np.bincount(classes, weights[known], CLASSES)
            counts += np.bincount(classes, minlength=CLASSES)
    return {
        **extent.document(),
        "classes": [_told(one, areas, counts) for one in _entries(style, counts)],
    }


def _entries(style: ClassStyle, counts: NDArray[np.int64]) -> list[tuple[int, ClassEntry | None]]:
    """The classes of a style, and after them those that it does not name."""
    named = {entry.value: entry for entry in style.entries}
    others = [int(value) for value in np.flatnonzero(counts) if int(value) not in named]
    return [*named.items(), *((value, None) for value in others)]


def _told(
    one: tuple[int, ClassEntry | None], areas: FloatArray, counts: NDArray[np.int64]
) -> dict[str, Any]:
    value, entry = one
    total = float(areas.sum())
    return {
        "value": value,
        "code": None if entry is None else entry.code,
        "label_zh": None if entry is None else entry.label.zh,
        "label_en": None if entry is None else entry.label.en,
        "color": None if entry is None else entry.color,
        "cells": int(counts[value]),
        "area_m2": float(areas[value]),
        "area_ha": float(areas[value]) / SQUARE_METRES_PER_HECTARE,
        "share": float(areas[value]) / total if total else None,
    }


def quantity_figures(
    rasters: Handles, path: Path, band: int, area: BaseGeometry | None
) -> dict[str, Any]:
    """Mean, standard deviation, extremes and quantiles of a quantity, None where nothing is known.

    A quantile of p is the smallest value that, with all smaller ones, covers at least p of the
    known area: exact for the values as float32, which is how they are stored.

    Raises:
        LayerUnreadable: the file is damaged.
        InvalidInput: the file has no such band, or the area has too many cells.
    """
    passes: list[Extent] = []
    with rasters.open(path) as raster:
        require_band(band, raster.bands)
        spread = cover(raster.frame, area)

        def blocks() -> Iterator[Block]:
            passes.append(Extent())
            for values, weights in _blocks(raster, band, spread, passes[-1]):
                yield values.astype(np.float32, copy=False), weights

        summary = summarise(blocks, PROBABILITIES)
    return {**passes[0].document(), **_figures(summary)}


def _figures(summary: WeightedSummary) -> dict[str, Any]:
    moments = summary.moments
    return {
        "mean": _number(moments.mean),
        "sd": _number(moments.sd),
        "min": _number(moments.low),
        "max": _number(moments.high),
        "quantiles": {
            f"{share:g}": _number(value)
            for share, value in zip(PROBABILITIES, summary.quantiles, strict=True)
        },
    }


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _blocks(
    raster: OpenRaster, band: int, spread: Cover, extent: Extent
) -> Iterator[tuple[Values, FloatArray]]:
    """Known values of the cells of an area and their areas in m², which `extent` sums up."""
    frame, nodata = raster.frame, raster.nodata(band)
    for window, inside in spread.windows():
        values = raster.read(band, 0, window)
        areas = true_cell_areas_m2(frame.crs, frame.transform, window)
        known = inside & valid_in(values, nodata)
        weights = areas[known]
        extent.known_m2 += float(weights.sum())
        extent.unknown_m2 += float(areas[inside & ~known].sum())
        extent.cells += weights.size
        yield values[known], weights
