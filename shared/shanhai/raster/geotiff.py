"""GeoTIFF files: whole arrays out, windows in; and the versions of the libraries behind them."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.errors import RasterioIOError
from rasterio.transform import Affine
from rasterio.windows import Window as RasterWindow

from shanhai.errors import UnsupportedFile
from shanhai.file_limits import proving_room
from shanhai.science.grid import FloatArray, Window

FLOAT_NODATA = -9999.0
CLASS_NODATA = 0
_BLOCK = 256
_PREDICTOR = {"f": 3, "i": 2, "u": 2}

Transform = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class GeoTiff:
    """What a file, or a window of it, holds.

    Attributes:
        values: Bands, rows, columns as float64; nodata is NaN.
        transform: Coefficients a, b, c, d, e, f from column, row to x, y.
        crs: The coordinate reference system as an authority code or WKT.
        nodata: The value that stands for nodata in the file.
        descriptions: One text per band, empty where the file has none.
        tags: The free metadata of the file.
    """

    values: FloatArray
    transform: Transform
    crs: str
    nodata: float | None
    descriptions: tuple[str, ...]
    tags: Mapping[str, str] = field(default_factory=dict)


def write_geotiff(
    path: Path,
    array: NDArray[Any],
    *,
    transform: Transform,
    crs: str,
    nodata: float | None = FLOAT_NODATA,
    tags: Mapping[str, str] | None = None,
    descriptions: Sequence[str] = (),
) -> None:
    """Write a tiled, deflated GeoTIFF, all at once: a reader never sees half a file.

    Floats are stored as float32 with NaN as `nodata`; integers keep their type. The same input
    gives the same bytes.

    Args:
        path: The file to make or replace; its folder exists.
        array: Rows and columns, or bands, rows and columns.
        transform: Coefficients a, b, c, d, e, f from column, row to x, y.
        crs: Authority code (`EPSG:4548`) or WKT.
        nodata: The value that stands for nodata.
        tags: Free metadata of the file.
        descriptions: One text per band.

    Raises:
        OSError: there is no room for it.
    """
    bands = _storable(array, nodata)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tif", dir=path.parent)
    os.close(handle)
    draft = Path(name)
    try:
        with (
            proving_room(draft),
            rasterio.open(draft, "w", **_profile(bands, transform, crs, nodata)) as file,
        ):
            file.write(bands)
            file.update_tags(**(tags or {}))
            for index, text in enumerate(descriptions, start=1):
                file.set_band_description(index, text)
        draft.chmod(0o644)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read_geotiff(path: Path, window: Window | None = None) -> GeoTiff:
    """Read all bands of a file, or of a window of it, with nodata as NaN.

    Raises:
        UnsupportedFile: the file is missing, not a raster, or has no coordinate system.
    """
    try:
        with rasterio.open(path, driver="GTiff") as file:
            return _read(file, path, window)
    except RasterioIOError as error:
        raise UnsupportedFile(
            f"{path.name} cannot be read as GeoTIFF: {error}",
            message_zh=f"{path.name} 无法作为 GeoTIFF 读取",
        ) from error


def _storable(array: NDArray[Any], nodata: float | None) -> NDArray[Any]:
    bands = array if array.ndim == 3 else array[np.newaxis]
    if bands.dtype.kind != "f":
        return bands
    filled = bands if nodata is None else np.where(np.isnan(bands), nodata, bands)
    return filled.astype(np.float32)


def _profile(
    bands: NDArray[Any], transform: Transform, crs: str, nodata: float | None
) -> dict[str, Any]:
    count, height, width = bands.shape
    return {
        "driver": "GTiff",
        "count": count,
        "height": height,
        "width": width,
        "dtype": bands.dtype.name,
        "crs": crs,
        "transform": Affine(*transform),
        "nodata": nodata,
        "tiled": True,
        "blockxsize": _BLOCK,
        "blockysize": _BLOCK,
        "compress": "deflate",
        "predictor": _PREDICTOR[bands.dtype.kind],
        "interleave": "band",
    }


def _read(file: Any, path: Path, window: Window | None) -> GeoTiff:
    if file.crs is None:
        raise UnsupportedFile(
            f"{path.name} has no coordinate reference system; it must have one",
            message_zh=f"{path.name} 缺少坐标参考系",
        )
    part = window and RasterWindow(window.col, window.row, window.width, window.height)
    values = file.read(window=part, masked=True).astype(np.float64).filled(np.nan)
    a, b, c, d, e, f = tuple(file.transform)[:6]
    row, col = (0, 0) if window is None else (window.row, window.col)
    return GeoTiff(
        values=values,
        transform=(a, b, c + a * col + b * row, d, e, f + d * col + e * row),
        crs=crs_text(file.crs),
        nodata=file.nodata,
        descriptions=tuple(text or "" for text in file.descriptions),
        tags=file.tags(),
    )


def crs_text(crs: Any) -> str:
    """A coordinate system, of rasterio or pyproj, as its EPSG code; as WKT where it has none."""
    epsg = crs.to_epsg()
    return f"EPSG:{epsg}" if epsg is not None else str(crs.to_wkt())


def library_versions() -> dict[str, str]:
    """GDAL, PROJ and GEOS as they run in this process."""
    return {
        "gdal": rasterio.__gdal_version__,
        "proj": pyproj.proj_version_str,
        "geos": shapely.geos_version_string,
        "shapely": shapely.__version__,
        "rasterio": rasterio.__version__,
    }
