"""The cells of a raster within an area, as a GeoTIFF on the raster's own cells."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import Affine
from rasterio.windows import Window as RasterWindow
from shapely.geometry.base import BaseGeometry

from shanhai.disk_space import proving_room
from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.raster.geotiff import FLOAT_NODATA
from shanhai.science.grid import Window
from shanhai_tiles.areas import Cover, cover
from shanhai_tiles.handles import Handles, OpenRaster, require_band

MOST_VALUES = 50_000_000
"""Cells of the file, all bands together."""
BLOCK = 256


def clip_raster(
    rasters: Handles,
    path: Path,
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
    with rasters.open(path) as raster:
        if band is not None:
            require_band(band, raster.bands)
        bands = range(1, raster.bands + 1) if band is None else (band,)
        spread = cover(raster.frame, area)
        _require_size(spread.window, len(bands))
        profile = _profile(raster, spread, len(bands), bands[0])
        with proving_room(target), rasterio.open(target, "w", **profile) as file:
            file.update_tags(**tags)
            for number, source in enumerate(bands, start=1):
                file.set_band_description(number, raster.file.descriptions[source - 1] or "")
                _write(file, number, raster, source, spread)


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
