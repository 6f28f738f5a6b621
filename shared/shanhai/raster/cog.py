"""Finished rasters: cloud-optimised GeoTIFFs whose bytes depend on nothing but their content."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.windows import Window as RasterWindow

from shanhai.file_limits import proving_room
from shanhai.raster.geotiff import CLASS_NODATA, FLOAT_NODATA, Transform
from shanhai.raster.statistics import BandStatistics, band_statistics
from shanhai.science.grid import Grid, Window

BLOCK = 512

Block = tuple[Window, NDArray[Any]]
"""A window and its bands, rows and columns: quantities with NaN, or uint8 classes."""


@dataclass(frozen=True, slots=True)
class CogFrame:
    """Position and shape of a raster to be written.

    Attributes:
        crs: Authority code or WKT.
        transform: Coefficients a, b, c, d, e, f.
        width: Columns.
        height: Rows.
        bands: Number of bands.
        categorical: Classes (uint8, 0 nodata) rather than quantities (float32, −9999 nodata).
        descriptions: One text per band.
        tags: Free metadata.
    """

    crs: str
    transform: Transform
    width: int
    height: int
    bands: int = 1
    categorical: bool = False
    descriptions: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_grid(cls, grid: Grid, *, categorical: bool = False, **rest: Any) -> "CogFrame":
        """The frame of an analysis grid."""
        return cls(
            crs=f"EPSG:{grid.epsg}",
            transform=grid.transform,
            width=grid.width,
            height=grid.height,
            categorical=categorical,
            **rest,
        )


def write_cog(path: Path, frame: CogFrame, blocks: Iterable[Block]) -> list[BandStatistics]:
    """Write a COG from blocks and return the statistics it carries, band by band.

    Tiles of 512, deflate, overviews by mode (classes) or average (quantities) of the known cells
    themselves. No time stamps: the same content gives the same file.

    Raises:
        OSError: there is no room for it.
    """
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        draft = Path(folder) / "draft.tif"
        with proving_room(draft):
            _write_draft(draft, frame, blocks)
            statistics = _describe(draft, frame)
            _add_overviews(draft, frame)
        with proving_room(path, copied=draft):
            rasterio.shutil.copy(draft, path, driver="COG", **_options(frame))
    return statistics


def _options(frame: CogFrame) -> dict[str, str]:
    return {
        "COMPRESS": "DEFLATE",
        # Half the time of the usual level for a few per cent of the size.
        "LEVEL": "1",
        "PREDICTOR": "STANDARD" if frame.categorical else "FLOATING_POINT",
        "BLOCKSIZE": str(BLOCK),
        "OVERVIEWS": "FORCE_USE_EXISTING",
        "BIGTIFF": "IF_SAFER",
        "NUM_THREADS": "1",
    }


def _write_draft(path: Path, frame: CogFrame, blocks: Iterable[Block]) -> None:
    profile = {
        "driver": "GTiff",
        "count": frame.bands,
        "height": frame.height,
        "width": frame.width,
        "dtype": "uint8" if frame.categorical else "float32",
        "nodata": CLASS_NODATA if frame.categorical else FLOAT_NODATA,
        "crs": frame.crs,
        "transform": Affine(*frame.transform),
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        "interleave": "band",
        "BIGTIFF": "IF_SAFER",
    }
    with rasterio.open(path, "w", **profile) as file:
        for window, values in blocks:
            cut = RasterWindow(window.col, window.row, window.width, window.height)
            file.write(_stored(values, categorical=frame.categorical), window=cut)


def _stored(values: NDArray[Any], *, categorical: bool) -> NDArray[Any]:
    if categorical:
        classes: NDArray[Any] = np.nan_to_num(values, nan=CLASS_NODATA).astype(np.uint8)
        return classes
    return np.where(np.isnan(values), FLOAT_NODATA, values).astype(np.float32)


def _describe(path: Path, frame: CogFrame) -> list[BandStatistics]:
    """Put statistics, descriptions and tags into the draft; the COG inherits them."""
    with rasterio.open(path, "r+", driver="GTiff") as file:
        statistics = [
            band_statistics(lambda band=band: _valid_strips(file, band))  # type: ignore[misc]
            for band in range(1, frame.bands + 1)
        ]
        file.update_tags(**frame.tags)
        for band, numbers in enumerate(statistics, start=1):
            file.update_tags(band, **_gdal_tags(numbers))
        for band, text in enumerate(frame.descriptions, start=1):
            file.set_band_description(band, text)
    return statistics


def _add_overviews(path: Path, frame: CogFrame) -> None:
    """Overviews until one fits into a block, each made of the cells themselves.

    One at a time: levels that GDAL makes together it makes of one another, and the mode of modes is
    not the mode, nor the mean of means the mean where cells are missing.
    """
    method = Resampling.mode if frame.categorical else Resampling.average
    with rasterio.open(path, "r+", driver="GTiff") as file:
        factor = 2
        while max(frame.width, frame.height) > BLOCK * factor // 2:
            file.build_overviews([factor], method)
            factor *= 2


def _valid_strips(file: Any, band: int) -> Iterable[NDArray[np.float32]]:
    nodata = file.nodata
    for row in range(0, file.height, BLOCK):
        cut = RasterWindow(0, row, file.width, min(BLOCK, file.height - row))
        stored = file.read(band, window=cut)
        values = stored.astype(np.float32, copy=False)
        values[stored == nodata] = np.nan
        yield values


def _gdal_tags(numbers: BandStatistics) -> dict[str, str]:
    named = {
        "STATISTICS_MINIMUM": numbers.min,
        "STATISTICS_MAXIMUM": numbers.max,
        "STATISTICS_MEAN": numbers.mean,
        "STATISTICS_STDDEV": numbers.std,
        "STATISTICS_VALID_PERCENT": numbers.valid_percent,
    }
    return {name: f"{value:.9g}" for name, value in named.items() if value is not None}
