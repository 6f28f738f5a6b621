"""Rasters as people hand them over, read on their own machine and written as GeoTIFF in strips.

GeoTIFF, ERDAS Imagine, Esri ASCII grids and variables of NetCDF files are opened, each by its one
driver; services open GeoTIFF only (`shanhai.raster.inspect`). Nothing is ever held whole: tiles are
read strip by strip of the mosaic, and what has to be moved to another datum is sampled from a draft
on disk.
"""

import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.errors import RasterioError, RasterioIOError
from rasterio.features import rasterize
from rasterio.transform import Affine
from rasterio.windows import Window as RasterWindow
from scipy.ndimage import map_coordinates

from shanhai.errors import UnsupportedFile
from shanhai.file_limits import proving_room
from shanhai.raster.crs import transformer
from shanhai.raster.geotiff import FLOAT_NODATA, Transform, crs_text
from shanhai.raster.inspect import as_stored, own_mask, quiet_georeference
from shanhai.science.grid import FloatArray

DRIVERS: Mapping[str, str] = MappingProxyType(
    {
        ".tif": "GTiff",
        ".tiff": "GTiff",
        ".img": "HFA",
        ".asc": "AAIGrid",
        ".nc": "netCDF",
        ".nc4": "netCDF",
    }
)
"""The driver by the ending of a file."""

CLASS_DTYPE, VALUE_DTYPE = "uint16", "float32"
_BLOCK = 256
_STRIP_VALUES = 4_000_000
_MOVED_ROWS, _MOVED_CELLS = 16, 1_000_000
_SAMPLE_SIDE, _SAMPLE_PLACES = 128, 3
_MOST_SAMPLED = 12
_OFF_GRID = 0.01
"""Part of a cell by which tiles of one grid may lie apart through rounding."""


@dataclass(frozen=True, slots=True)
class TileHeader:
    """What one file, or one variable of a file, says of itself.

    Attributes:
        variable: Of a NetCDF file; empty for other formats.
        crs: Authority code or WKT; None when the file is silent.
        transform: Coefficients a, b, c, d, e, f from column, row to x, y.
        scales: By band, what raw numbers are multiplied by.
        offsets: By band, what is added after it.
        unit: As the file says; empty when it does not.
        names: Descriptions, standard and long names the file gives.
    """

    path: Path
    variable: str
    driver: str
    bands: int
    width: int
    height: int
    dtype: str
    crs: str | None
    transform: Transform
    nodata: float | None
    scales: tuple[float, ...]
    offsets: tuple[float, ...]
    unit: str
    names: tuple[str, ...]

    @property
    def bounds(self) -> FloatArray:
        """West, south, east, north in the file's own numbers."""
        a, _, west, _, e, north = self.transform
        return np.array([west, north + self.height * e, west + self.width * a, north])

    @property
    def address(self) -> str:
        """What GDAL opens."""
        return f'netcdf:"{self.path}":{self.variable}' if self.variable else str(self.path)


def read_headers(path: Path) -> list[TileHeader]:
    """What a file holds: one raster, or the variables of a NetCDF file that have a grid.

    Raises:
        UnsupportedFile: it cannot be read, or its cells are not north-up.
    """
    driver = DRIVERS[path.suffix.lower()]
    with _opened(path, str(path), driver) as file:
        variables = [name.rpartition(":")[2] for name in file.subdatasets]
        if not variables:
            return [_header(path, "", driver, file)]
    found = []
    for variable in variables:
        with _opened(path, f'netcdf:"{path}":{variable}', driver) as file:
            if not file.transform.is_identity:
                found.append(_header(path, variable, driver, file))
    return found


@contextmanager
def _opened(path: Path, address: str, driver: str) -> Iterator[Any]:
    """Open by one driver, with the files that belong to it (.prj, .aux.xml, .ige)."""
    try:
        with (
            rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="FALSE", GDAL_PAM_ENABLED="YES"),
            quiet_georeference(),
            rasterio.open(address, driver=driver) as file,
        ):
            yield file
    except (RasterioIOError, RasterioError) as error:
        raise UnsupportedFile(
            f"{path.name} cannot be read as {driver}: {_first_line(error)}",
            message_zh=f"{path.name} 无法作为 {driver} 读取：{_first_line(error)}",
            pointer=path.name,
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]


def _header(path: Path, variable: str, driver: str, file: Any) -> TileHeader:
    a, b, west, d, e, north = tuple(file.transform)[:6]
    if file.transform.is_identity or b or d or a <= 0 or e >= 0:
        raise UnsupportedFile(
            f"{path.name} has no position, is rotated or is not north-up; georeference it first",
            message_zh=f"{path.name} 没有地理定位、有旋转或非北向上，请先校正",
            pointer=path.name,
        )
    tags = file.tags(1)
    keys = ("standard_name", "long_name", "NETCDF_VARNAME")
    told = [str(tags[key]) for key in keys if key in tags]
    return TileHeader(
        path=path,
        variable=variable,
        driver=driver,
        bands=file.count,
        width=file.width,
        height=file.height,
        dtype=file.dtypes[0],
        crs=crs_text(file.crs) if file.crs else _cf_degrees(driver, file.tags()),
        transform=(a, b, west, d, e, north),
        nodata=file.nodata,
        scales=tuple(file.scales),
        offsets=tuple(file.offsets),
        unit=str(file.units[0] or tags.get("units", "")),
        names=tuple(dict.fromkeys([*told, *(text for text in file.descriptions if text)])),
    )


def _cf_degrees(driver: str, tags: Mapping[str, str]) -> str | None:
    """WGS 84 for the axes of a NetCDF file that are longitude and latitude (CF conventions, 4).

    They name no datum; the grids of climate are far coarser than datums differ.
    """
    units = {value for name, value in tags.items() if name.endswith("#units")}
    is_degrees = driver == "netCDF" and {"degrees_north", "degrees_east"} <= units
    return "EPSG:4326" if is_degrees else None


@dataclass(frozen=True, slots=True)
class HandedRaster:
    """One raster in one or many files: a mosaic of tiles, or bands that lie in files of their own.

    Attributes:
        tiles: In the order in which they hold where they overlap, or in that of the bands.
        stacked: The files are bands of one grid rather than tiles beside each other.
        kept: Numbers that files declare as nodata but that mean something.
        nodata: A number that means no data besides, as files store it.
        unscaled: Numbers are read as files store them, whatever scale and offset they state.
    """

    tiles: tuple[TileHeader, ...]
    stacked: bool = False
    kept: frozenset[float] = frozenset()
    nodata: float | None = None
    unscaled: bool = False

    @property
    def bands(self) -> int:
        """Bands of the whole."""
        return len(self.tiles) if self.stacked else self.tiles[0].bands

    @property
    def bounds(self) -> FloatArray:
        """West, south, east, north of the whole."""
        each = np.array([tile.bounds for tile in self.tiles])
        return np.array([*each[:, :2].min(axis=0), *each[:, 2:].max(axis=0)])

    @property
    def transform(self) -> Transform:
        """That of the whole."""
        a, b, _, d, e, _ = self.tiles[0].transform
        west, _, _, north = self.bounds
        return (a, b, float(west), d, e, float(north))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the whole."""
        a, _, _, _, e, _ = self.tiles[0].transform
        west, south, east, north = self.bounds
        return round((north - south) / -e), round((east - west) / a)

    def place(self, tile: TileHeader) -> tuple[int, int]:
        """Row and column of a tile's corner."""
        row, col = self._exact_place(tile)
        return round(row), round(col)

    def _exact_place(self, tile: TileHeader) -> tuple[float, float]:
        a, _, west, _, e, north = self.transform
        return (tile.transform[5] - north) / e, (tile.transform[2] - west) / a

    def off_grid(self) -> tuple[TileHeader, float] | None:
        """A tile that does not lie on the grid of the others, and by which part of a cell."""
        for tile in self.tiles:
            off = max(abs(place - round(place)) for place in self._exact_place(tile))
            if off > _OFF_GRID:
                return tile, off
        return None

    def strips(self) -> Iterator[tuple[int, int]]:
        """First row and number of rows of each strip."""
        height, width = self.shape
        blocks = max(1, _STRIP_VALUES // (width * self.bands * _BLOCK))
        step = blocks * _BLOCK
        for row in range(0, height, step):
            yield row, min(step, height - row)

    def read(self, row: int, rows: int) -> FloatArray:
        """Bands, rows and columns of a strip, NaN where nothing is known.

        Raises:
            UnsupportedFile: the pixels of a file cannot be read.
        """
        found = np.full((self.bands, rows, self.shape[1]), np.nan)
        for number, tile in enumerate(self.tiles):
            top, left = self.place(tile)
            first, last = max(row, top), min(row + rows, top + tile.height)
            if first >= last:
                continue
            window = RasterWindow(0, first - top, tile.width, last - first)
            values = _read(self, tile, window)
            place = (slice(first - row, last - row), slice(left, left + tile.width))
            if self.stacked:
                found[number, *place] = values[0]
                continue
            held = found[:, *place]
            np.copyto(held, values, where=np.isnan(held))
        return found

    def sample(self) -> FloatArray:
        """Known values of some places of some files, as `read` gives them."""
        step = -(-len(self.tiles) // _MOST_SAMPLED)
        parts = [_sample(self, tile) for tile in self.tiles[::step]]
        values = np.concatenate(parts)
        return np.asarray(values[np.isfinite(values)])


def _read(raster: HandedRaster, tile: TileHeader, window: RasterWindow) -> FloatArray:
    with _opened(tile.path, tile.address, tile.driver) as file:
        stored, left_out = file.read(window=window), own_mask(file, window)
    values: FloatArray = stored.astype(np.float64)
    for empty in (None if tile.nodata in raster.kept else tile.nodata, raster.nodata):
        if empty is not None:
            values[values == as_stored(empty, stored.dtype)] = np.nan
    if stored.dtype.kind == "f":
        values[np.isinf(stored)] = np.nan
    if left_out is not None:
        values[:, left_out] = np.nan
    if not raster.unscaled and (any(one != 1 for one in tile.scales) or any(tile.offsets)):
        values = values * np.reshape(tile.scales, (-1, 1, 1))
        values += np.reshape(tile.offsets, (-1, 1, 1))
    return values


def _sample(raster: HandedRaster, tile: TileHeader) -> FloatArray:
    """Values of squares spread over a file."""
    parts = []
    for down in range(_SAMPLE_PLACES):
        for right in range(_SAMPLE_PLACES):
            row = max(0, (tile.height - _SAMPLE_SIDE) * down // (_SAMPLE_PLACES - 1))
            col = max(0, (tile.width - _SAMPLE_SIDE) * right // (_SAMPLE_PLACES - 1))
            height, width = min(_SAMPLE_SIDE, tile.height), min(_SAMPLE_SIDE, tile.width)
            parts.append(_read(raster, tile, RasterWindow(col, row, width, height)).ravel())
            if tile.width <= _SAMPLE_SIDE and tile.height <= _SAMPLE_SIDE:
                return parts[0]
    return np.concatenate(parts)


@dataclass(frozen=True, slots=True)
class WrittenFrame:
    """How a raster is written.

    Attributes:
        crs: Authority code or WKT of the file.
        categorical: Classes (uint16, 0 is nodata) rather than quantities (float32, −9999).
        bands: What each band is.
        east_shift: Added to the eastings: a zone's number to be put before or taken off.
        moved_from: The system of the numbers bound to the shift of its datum, as WKT, where the
            raster has to be moved to `crs`.
        nearest: Cells keep their values when it is moved, as classes and counts must.
    """

    crs: str
    categorical: bool
    bands: tuple[str, ...] = ()
    east_shift: float = 0.0
    moved_from: str | None = None
    nearest: bool = False


def write_raster(
    path: Path,
    raster: HandedRaster,
    frame: WrittenFrame,
    change: Callable[[FloatArray], FloatArray],
) -> Transform:
    """Write a raster as one GeoTIFF, strip by strip.

    Args:
        path: The file to make.
        raster: What to write.
        frame: How.
        change: Makes the bands of a strip those to be written, in the unit of the theme.

    Returns:
        The transform of the file.

    Raises:
        UnsupportedFile: pixels of a file cannot be read.
        OSError: there is no room.
    """
    a, b, west, d, e, north = raster.transform
    transform = (a, b, west + frame.east_shift, d, e, north)
    strips = (((row, rows), change(raster.read(row, rows))) for row, rows in raster.strips())
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".draft.") as folder:
        draft = Path(folder) / "draft.tif"
        source = replace(frame, crs="") if frame.moved_from else frame
        _write_strips(draft, raster.shape, transform, source, strips)
        if frame.moved_from is not None:
            moved = Path(folder) / "moved.tif"
            transform = _move(draft, moved, frame)
            draft = moved
        draft.replace(path)
    return transform


def _write_strips(
    path: Path,
    shape: tuple[int, int],
    transform: Transform,
    frame: WrittenFrame,
    strips: Iterable[tuple[tuple[int, int], FloatArray]],
) -> None:
    """Write strips from the first to the last; the first tells the number of bands."""
    file = None
    try:
        with proving_room(path):
            for (row, rows), values in strips:
                if file is None:
                    profile = _profile(len(values), shape, transform, frame)
                    file = rasterio.open(path, "w", **profile)
                    for number, text in enumerate(frame.bands, start=1):
                        file.set_band_description(number, text)
                cells = _stored(values, categorical=frame.categorical)
                file.write(cells, window=RasterWindow(0, row, shape[1], rows))
            if file is not None:
                file.close()
    finally:
        if file is not None:
            file.close()


def _profile(
    bands: int, shape: tuple[int, int], transform: Transform, frame: WrittenFrame
) -> dict[str, Any]:
    return {
        "driver": "GTiff",
        "count": bands,
        "height": shape[0],
        "width": shape[1],
        "dtype": CLASS_DTYPE if frame.categorical else VALUE_DTYPE,
        "nodata": 0 if frame.categorical else FLOAT_NODATA,
        "crs": frame.crs or None,
        "transform": Affine(*transform),
        "tiled": True,
        "blockxsize": _BLOCK,
        "blockysize": _BLOCK,
        "compress": "deflate",
        "predictor": 2 if frame.categorical else 3,
        "interleave": "band",
        "BIGTIFF": "IF_SAFER",
    }


def _stored(values: FloatArray, *, categorical: bool) -> NDArray[Any]:
    if categorical:
        return np.nan_to_num(values, nan=0).astype(CLASS_DTYPE)
    return np.where(np.isnan(values), FLOAT_NODATA, values).astype(VALUE_DTYPE)


def _move(draft: Path, path: Path, frame: WrittenFrame) -> Transform:
    """Move a raster to the datum of its new system, in cells of the same size.

    PROJ places each cell: the shift is stated by the user, and GDAL would take its own for a system
    it knows by number.
    """
    forward = transformer(frame.moved_from or "", frame.crs)
    back = transformer(frame.crs, frame.moved_from or "")
    with rasterio.open(draft) as file:
        a, _, left, _, e, top = tuple(file.transform)[:6]
        west, south, east, north = forward.transform_bounds(*file.bounds)
        width, height = math.ceil((east - west) / a), math.ceil((north - south) / -e)
        step = max(_MOVED_ROWS, _MOVED_CELLS // width)

        def strip(row: int, rows: int) -> FloatArray:
            x, y = np.meshgrid(
                west + a * (np.arange(width) + 0.5), north + e * (row + np.arange(rows) + 0.5)
            )
            x, y = back.transform(x, y)
            return _sampled(file, (y - top) / e - 0.5, (x - left) / a - 0.5, frame)

        places = ((row, min(step, height - row)) for row in range(0, height, step))
        strips = ((place, strip(*place)) for place in places)
        transform = (a, 0.0, west, 0.0, e, north)
        _write_strips(path, (height, width), transform, frame, strips)
    return transform


def _sampled(file: Any, rows: FloatArray, cols: FloatArray, frame: WrittenFrame) -> FloatArray:
    """The bands at rows and columns that are fractions, where 0 is the middle of the first cell."""
    found = np.full((file.count, *rows.shape), np.nan)
    inside = (np.abs(rows - (file.height - 1) / 2) <= file.height / 2) & (
        np.abs(cols - (file.width - 1) / 2) <= file.width / 2
    )
    if not inside.any():
        return found
    first = max(0, math.floor(rows[inside].min()) - 1)
    last = min(file.height, math.ceil(rows[inside].max()) + 2)
    stored = file.read(window=RasterWindow(0, first, file.width, last - first))
    values = np.where(stored == file.nodata, np.nan, stored.astype(np.float64))
    place = (rows - first, cols)
    for band, cells in zip(found, values, strict=True):
        nearest = map_coordinates(cells, place, order=0, mode="nearest")
        between = (
            nearest if frame.nearest else map_coordinates(cells, place, order=1, mode="nearest")
        )
        # Beside cells without data a mean would be none.
        known = np.where(np.isnan(between), nearest, between)
        band[inside] = known[inside]
    return found


Parcels = Iterable[Sequence[tuple[Any, int]]]
"""Blocks of geometries and the class each has."""


def write_classes(
    path: Path, parcels: Parcels, bounds: Sequence[float], crs: CRS, cell_m: float
) -> tuple[Transform, int]:
    """Write the classes of parcels as a raster: a cell has that of the parcel its centre lies in.

    The raster lies in a file that is mapped into memory while parcels come in any order.

    Args:
        path: The file to make.
        parcels: In `crs`, in blocks; where they overlap the last holds.
        bounds: West, south, east, north of them all, m.
        crs: A projection in metres.
        cell_m: Side of a cell, m.

    Returns:
        The transform, and how many cells have a class.
    """
    west, south = (np.floor(low / cell_m) * cell_m for low in bounds[:2])
    east, north = (np.ceil(high / cell_m) * cell_m for high in bounds[2:])
    shape = round((north - south) / cell_m), round((east - west) / cell_m)
    transform = (cell_m, 0.0, float(west), 0.0, -cell_m, float(north))
    frame = WrittenFrame(f"EPSG:{crs.to_epsg()}", categorical=True, bands=("class",))
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".draft.") as folder:
        with proving_room(path):
            held = np.memmap(Path(folder) / "cells", dtype="uint8", mode="w+", shape=shape)
        for block in parcels:
            _burn(held, block, transform)
        strips = (
            ((row, len(part)), part[np.newaxis].astype(np.float64))
            for row in range(0, shape[0], _BLOCK)
            for part in [held[row : row + _BLOCK]]
        )
        _write_strips(path, shape, transform, frame, strips)
        known = int(np.count_nonzero(held))
        del held
    return transform, known


def _burn(held: NDArray[np.uint8], block: Sequence[tuple[Any, int]], frame: Transform) -> None:
    """Burn each parcel into the cells of its own box."""
    cell, _, west, _, _, north = frame
    height, width = held.shape
    for shape, code in block:
        left, low, right, top = shape.bounds
        cols = slice(
            max(0, int((left - west) // cell)), min(width, int((right - west) // cell) + 1)
        )
        rows = slice(
            max(0, int((north - top) // cell)), min(height, int((north - low) // cell) + 1)
        )
        part = held[rows, cols]
        if not part.size:
            continue
        place = Affine(cell, 0, west + cols.start * cell, 0, -cell, north - rows.start * cell)
        burnt = rasterize([(shape, 1)], part.shape, transform=place, dtype="uint8")
        part[burnt == 1] = code
