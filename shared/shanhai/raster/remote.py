"""Windows of remote Cloud Optimized GeoTIFFs, joined to one array.

For the operator's own fetch command only: services never open a URL.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from shanhai.errors import InvalidInput, LimitExceeded, Unavailable
from shanhai.raster.geotiff import Transform

MAX_CELLS = 250_000_000
METRES_PER_DEGREE = 111_195.0
_ALIGNED = 1e-3
_ENVIRONMENT = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MAX_RETRY": "3",
    "GDAL_HTTP_RETRY_DELAY": "1",
    "GDAL_HTTP_TIMEOUT": "120",
    "GDAL_PAM_ENABLED": "NO",
}


@dataclass(frozen=True, slots=True)
class Mosaic:
    """Cells of several files on their common grid; float32, NaN where none has data."""

    values: NDArray[np.float32]
    transform: Transform
    crs: str
    resolution_m: float


def read_mosaic(
    urls: Sequence[str],
    box: tuple[float, float, float, float],
    *,
    nodata: float | None = None,
    kept: Collection[float] = (),
) -> Mosaic:
    """Read the part of each file inside a box by ranged requests; earlier files win.

    Args:
        urls: HTTP addresses of single-band GeoTIFFs on one grid.
        box: West, south, east, north, WGS 84 degrees.
        nodata: The raw value that means nodata; None takes what each file states.
        kept: Values that are kept though a file states them as nodata.

    Raises:
        Unavailable: a file cannot be read.
        InvalidInput: the files do not lie on one grid.
        LimitExceeded: the box holds more cells than fit in memory.
    """
    try:
        with rasterio.Env(**_ENVIRONMENT):
            return _join(urls, box, nodata, kept)
    except RasterioError as error:
        message = str(error)
        for url in urls:
            message = message.replace(url, _bare(url))
        raise Unavailable(f"a remote raster cannot be read: {message}") from error


def _join(
    urls: Sequence[str],
    box: tuple[float, float, float, float],
    nodata: float | None,
    kept: Collection[float],
) -> Mosaic:
    target: _Target | None = None
    for url in urls:
        with rasterio.open(f"/vsicurl/{url}", driver="GTiff") as file:
            if target is None:
                target = _Target.over(file, box)
            target.fill_from(file, nodata, kept)
    if target is None:
        raise InvalidInput("no file was given to read from")
    epsg = target.crs.to_epsg()
    return Mosaic(
        values=target.values,
        transform=target.transform,
        crs=f"EPSG:{epsg}" if epsg is not None else str(target.crs.to_wkt()),
        resolution_m=abs(target.transform[4])
        * (METRES_PER_DEGREE if target.crs.is_geographic else 1.0),
    )


@dataclass(slots=True)
class _Target:
    """The array being filled, on the grid of the first file."""

    values: NDArray[np.float32]
    transform: Transform
    crs: Any

    @classmethod
    def over(cls, file: Any, box: tuple[float, float, float, float]) -> "_Target":
        west, south, east, north = transform_bounds("EPSG:4326", file.crs, *box, densify_pts=21)
        step_x, step_y = file.transform.a, -file.transform.e
        first = math.floor((west - file.transform.c) / step_x)
        last = math.ceil((east - file.transform.c) / step_x)
        top = math.floor((file.transform.f - north) / step_y)
        bottom = math.ceil((file.transform.f - south) / step_y)
        cells = (last - first) * (bottom - top)
        if cells > MAX_CELLS:
            raise LimitExceeded(f"the box holds {cells} cells; at most {MAX_CELLS} are fetched")
        values = np.full((bottom - top, last - first), np.nan, dtype=np.float32)
        corner = (file.transform.c + first * step_x, file.transform.f - top * step_y)
        return cls(values, (step_x, 0.0, corner[0], 0.0, -step_y, corner[1]), file.crs)

    def fill_from(self, file: Any, nodata: float | None, kept: Collection[float]) -> None:
        row, column = self._place(file)
        height, width = self.values.shape
        top, left = max(0, row), max(0, column)
        bottom, right = min(height, row + file.height), min(width, column + file.width)
        if top >= bottom or left >= right:
            return
        window = Window(left - column, top - row, right - left, bottom - top)
        cells = file.read(1, window=window).astype(np.float32)
        empty = file.nodata if nodata is None else nodata
        if empty is not None and empty not in kept:
            cells[cells == np.float32(empty)] = np.nan
        part = self.values[top:bottom, left:right]
        np.copyto(part, cells, where=np.isnan(part))

    def _place(self, file: Any) -> tuple[int, int]:
        """Row and column of the file's first cell in the target."""
        theirs = tuple(file.transform)[:6]
        a, _, west, _, e, north = self.transform
        column, row = (theirs[2] - west) / a, (theirs[5] - north) / e
        off_grid = max(abs(column - round(column)), abs(row - round(row))) > _ALIGNED
        if file.crs != self.crs or not _same_cells(theirs, self.transform) or off_grid:
            raise InvalidInput(
                f"{_bare(file.name)} lies on another grid than the first file; "
                "all assets of a theme must share cell size, origin and CRS"
            )
        return round(row), round(column)


def _same_cells(theirs: Sequence[float], ours: Sequence[float]) -> bool:
    """Whether both grids are north-up with cells of one size."""
    return all(
        math.isclose(mine, other, rel_tol=1e-6)
        for mine, other in zip((*theirs[:2], *theirs[3:5]), (*ours[:2], *ours[3:5]), strict=True)
    )


def _bare(name: str) -> str:
    """A file's address without its query, which may hold a token."""
    return name.removeprefix("/vsicurl/").partition("?")[0]
