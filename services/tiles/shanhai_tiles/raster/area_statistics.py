"""What a raster holds over an area: statistics of its values, and a clip as GeoTIFF."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rasterio
from numpy.typing import NDArray
from pydantic import Field
from rasterio.transform import Affine
from rasterio.windows import Window as RasterWindow
from shapely.geometry.base import BaseGeometry

from shanhai.cartography import ClassEntry, ClassStyle
from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.file_limits import proving_room
from shanhai.raster.cells import true_cell_areas_m2
from shanhai.raster.geotiff import FLOAT_NODATA
from shanhai.science.grid import SQUARE_METRES_PER_HECTARE, FloatArray, Window
from shanhai.science.weighted_statistics import Block, WeightedSummary, summarise
from shanhai_tiles.answers import DocumentPart
from shanhai_tiles.layers.sources import StandInNote
from shanhai_tiles.raster.areas import Cover, cover
from shanhai_tiles.raster.dataset_pool import DatasetPool, OpenRaster, Source, require_band
from shanhai_tiles.raster.reader import Values, valid_in


class AreaFigures(DocumentPart):
    """How much of an area a raster knows; areas are on the ellipsoid."""

    cells: int
    area_m2: float
    area_ha: float
    nodata_area_m2: float


class ClassExtent(DocumentPart):
    """The area of a class; one the style does not name has no code and no label."""

    value: int
    code: str | None
    label_zh: str | None
    label_en: str | None
    color: str | None
    cells: int
    area_m2: float
    area_ha: float
    share: float | None = Field(description="Of the known area, 0 to 1")


class ClassFigures(AreaFigures):
    """The areas of classes."""

    classes: list[ClassExtent]


class QuantityFigures(AreaFigures):
    """Figures of a quantity, each cell counting for its area; None where nothing is known."""

    mean: float | None
    sd: float | None = Field(description="Standard deviation")
    min: float | None
    max: float | None
    quantiles: dict[str, float | None] = Field(
        description="By their share of the known area, such as 0.5"
    )


class LayerFigures(DocumentPart):
    """Which layer figures are of."""

    layer: str
    version: str
    band: int
    unit: str
    stand_in: bool
    stand_in_notes: list[StandInNote]


class ClassStatistics(LayerFigures, ClassFigures):
    """What a layer of classes holds."""

    kind: Literal["classes"] = "classes"


class QuantityStatistics(LayerFigures, QuantityFigures):
    """What a layer of a quantity holds."""

    kind: Literal["quantity"] = "quantity"


PROBABILITIES = (0.02, 0.05, 0.25, 0.5, 0.75, 0.95, 0.98)
CLASSES = 256


@dataclass(slots=True)
class KnownArea:
    """How much of an area a raster knows, m², and by how many cells."""

    known_m2: float = 0.0
    unknown_m2: float = 0.0
    cells: int = 0

    @property
    def figures(self) -> dict[str, float]:
        """The members of `AreaFigures`."""
        return {
            "cells": self.cells,
            "area_m2": self.known_m2,
            "area_ha": self.known_m2 / SQUARE_METRES_PER_HECTARE,
            "nodata_area_m2": self.unknown_m2,
        }


def class_areas(
    rasters: DatasetPool, source: Source, band: int, area: BaseGeometry | None, style: ClassStyle
) -> ClassFigures:
    """The area of each class; classes the style does not name have no code and no label.

    Args:
        area: In degrees; None for the whole raster.
        style: The classes.

    Raises:
        LayerUnreadable: the file is damaged.
        InvalidInput: the file has no such band, or the area has too many cells.
    """
    extent, areas, counts = KnownArea(), np.zeros(CLASSES), np.zeros(CLASSES, np.int64)
    with rasters.open(source) as raster:
        require_band(band, raster.bands)
        for values, weights in _blocks(raster, band, cover(raster.frame, area), extent):
            known = (values >= 0) & (values < CLASSES)
            classes = values[known].astype(np.uint8)
            areas += np.bincount(classes, weights[known], CLASSES)
            counts += np.bincount(classes, minlength=CLASSES)
    told = [_told(one, areas, counts) for one in _entries(style, counts)]
    return ClassFigures(**extent.figures, classes=told)


def _entries(style: ClassStyle, counts: NDArray[np.int64]) -> list[tuple[int, ClassEntry | None]]:
    """The classes of a style, and after them those that it does not name."""
    named = {entry.value: entry for entry in style.entries}
    others = [int(value) for value in np.flatnonzero(counts) if int(value) not in named]
    return [*named.items(), *((value, None) for value in others)]


def _told(
    one: tuple[int, ClassEntry | None], areas: FloatArray, counts: NDArray[np.int64]
) -> ClassExtent:
    value, entry = one
    total = float(areas.sum())
    return ClassExtent(
        value=value,
        code=None if entry is None else entry.code,
        label_zh=None if entry is None else entry.label.zh,
        label_en=None if entry is None else entry.label.en,
        color=None if entry is None else entry.color,
        cells=int(counts[value]),
        area_m2=float(areas[value]),
        area_ha=float(areas[value]) / SQUARE_METRES_PER_HECTARE,
        share=float(areas[value]) / total if total else None,
    )


def quantity_figures(
    rasters: DatasetPool, source: Source, band: int, area: BaseGeometry | None
) -> QuantityFigures:
    """Mean, standard deviation, extremes and quantiles of a quantity, None where nothing is known.

    A quantile of p is the smallest value that, with all smaller ones, covers at least p of the
    known area: exact for the values as float32, which is how they are stored.

    Raises:
        LayerUnreadable: the file is damaged.
        InvalidInput: the file has no such band, or the area has too many cells.
    """
    passes: list[KnownArea] = []
    with rasters.open(source) as raster:
        require_band(band, raster.bands)
        spread = cover(raster.frame, area)

        def blocks() -> Iterator[Block]:
            passes.append(KnownArea())
            for values, weights in _blocks(raster, band, spread, passes[-1]):
                yield values.astype(np.float32, copy=False), weights

        summary = summarise(blocks, PROBABILITIES)
    return _figures(passes[0], summary)


def _figures(extent: KnownArea, summary: WeightedSummary) -> QuantityFigures:
    moments = summary.moments
    return QuantityFigures(
        **extent.figures,
        mean=_number(moments.mean),
        sd=_number(moments.sd),
        min=_number(moments.low),
        max=_number(moments.high),
        quantiles={
            f"{share:g}": _number(value)
            for share, value in zip(PROBABILITIES, summary.quantiles, strict=True)
        },
    )


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _blocks(
    raster: OpenRaster, band: int, spread: Cover, extent: KnownArea
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


MOST_VALUES = 50_000_000
"""Cells of the file, all bands together."""
BLOCK = 256


def clip_raster(
    rasters: DatasetPool,
    source: Source,
    area: BaseGeometry,
    target: Path,
    *,
    band: int | None = None,
    tags: Mapping[str, str],
) -> None:
    """Write the cells whose centre lies in an area, strip by strip; the others are nodata.

    Args:
        area: In degrees.
        target: The file to make.
        band: The only band wanted; None for all.
        tags: Free metadata of the file.

    Raises:
        LayerUnreadable: the raster is damaged.
        InvalidInput: it has no such band, the area covers no cell of it, or too many.
        OSError: there is no room for the file.
    """
    with rasters.open(source) as raster:
        if band is not None:
            require_band(band, raster.bands)
        bands = range(1, raster.bands + 1) if band is None else (band,)
        spread = cover(raster.frame, area)
        _require_size(spread.window, len(bands))
        profile = _profile(raster, spread, len(bands), bands[0])
        with proving_room(target), rasterio.open(target, "w", **profile) as file:
            file.update_tags(**tags)
            for number, read in enumerate(bands, start=1):
                file.set_band_description(number, raster.file.descriptions[read - 1] or "")
                _write(file, number, raster, read, spread)


def _require_size(window: Window, bands: int) -> None:
    values = window.height * window.width * bands
    if values == 0:
        raise InvalidInput(
            "the area covers no cell of this layer",
            message_zh="该区域未覆盖此图层的任何像元",
            pointer="/coordinates",
        )
    if values > MOST_VALUES:
        raise LimitExceeded(
            f"the box of the area has {values} values; at most {MOST_VALUES} are written to a"
            " file: ask for a smaller area or for one band",
            message_zh=f"区域外包框含 {values} 个值，一个文件最多 {MOST_VALUES} 个；"
            "请缩小区域或只取一个波段",
            pointer="/coordinates",
        )


def _profile(raster: OpenRaster, spread: Cover, count: int, band: int) -> dict[str, Any]:
    nodata, dtype = raster.nodata(band), raster.dtype(band)
    if nodata is None:
        nodata, dtype = FLOAT_NODATA, "float64"
    return {
        "driver": "GTiff",
        "count": count,
        "height": spread.window.height,
        "width": spread.window.width,
        "dtype": dtype,
        "nodata": nodata,
        "crs": raster.file.crs,
        "transform": Affine(*spread.transform),
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        "compress": "deflate",
        "zlevel": 1,
        "predictor": 3 if np.dtype(dtype).kind == "f" else 2,
        "interleave": "band",
        "BIGTIFF": "IF_SAFER",
        # Blocks nothing is written to are nodata, and take no room.
        "SPARSE_OK": True,
    }


def _write(file: Any, number: int, raster: OpenRaster, band: int, spread: Cover) -> None:
    for window, inside in spread.windows():
        values = raster.read(band, 0, window)
        kept = np.where(inside, values, file.nodata).astype(file.dtypes[0])
        place = RasterWindow(
            window.col - spread.window.col,
            window.row - spread.window.row,
            window.width,
            window.height,
        )
        file.write(kept, number, window=place)
