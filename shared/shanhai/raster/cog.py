"""Finished rasters: COGs whose bytes depend only on their content, and statistics of bands."""

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.transform import Affine
from rasterio.windows import Window as RasterWindow

from shanhai.errors import InvalidInput
from shanhai.file_limits import proving_room
from shanhai.raster.geotiff import CLASS_NODATA, FLOAT_NODATA, Transform
from shanhai.raster.inspect import open_geotiff
from shanhai.raster.resampling import CellCentres
from shanhai.raster.warp import KEPT_ZERO, RasterSource, read_open_block
from shanhai.science.grid import FloatArray, Grid, Window

if TYPE_CHECKING:
    from shanhai.science.quantiles import QuantileSketch

DISPLAY_PROBABILITIES = (0.02, 0.98)

_HELD_VALUES = 4_000_000
"""Values that are sorted at once."""

Blocks = Callable[[], Iterable[NDArray[np.floating]]]


@dataclass(frozen=True, slots=True)
class BandStatistics:
    """Statistics over the valid cells; None where no cell is valid."""

    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    p2: float | None
    p98: float | None
    valid_percent: float

    def document(self) -> dict[str, float | None]:
        """As stored in the `grid` of a dataset."""
        return asdict(self)


def band_statistics(blocks: Blocks) -> BandStatistics:
    """Statistics of a band; `blocks` is called once or twice and yields NaN for nodata.

    Mean and spread of the blocks are joined as they pass (Chan, Golub and LeVeque 1983).
    """
    cells = valid = 0
    low, high, mean, squares = np.inf, -np.inf, 0.0, 0.0
    held: list[NDArray[np.float32]] = []
    counted: QuantileSketch | None = None
    for block in blocks():
        finite = block[np.isfinite(block)]
        cells += block.size
        if not finite.size:
            continue
        low, high = min(low, float(finite.min())), max(high, float(finite.max()))
        # Sums of squares about zero would lose all digits where the mean is large.
        values = finite.astype(np.float64)
        middle = float(values.mean())
        apart, share = middle - mean, values.size / (valid + values.size)
        values -= middle
        squares += float(np.vdot(values, values)) + apart * apart * valid * share
        mean += apart * share
        valid += values.size
        held.append(finite.astype(np.float32, copy=False))
        if valid > _HELD_VALUES:
            counted = _count(held, counted)
            held.clear()
    percent = round(100 * valid / cells, 6) if cells else 0.0
    if valid == 0:
        return BandStatistics(None, None, None, None, None, None, percent)
    p2, p98 = _quantiles_of(np.concatenate(held)) if counted is None else counted.select(blocks())
    return BandStatistics(low, high, mean, float(np.sqrt(squares / valid)), p2, p98, percent)


def _count(held: list[NDArray[np.float32]], counted: "QuantileSketch | None") -> "QuantileSketch":
    # Here, because most rasters are smaller, and to import one need not load compiled code.
    from shanhai.science.quantiles import QuantileSketch, upper_counts

    counted = counted or QuantileSketch(DISPLAY_PROBABILITIES)
    for values in held:
        counted.add_upper(upper_counts(values))
    return counted


def _quantiles_of(values: NDArray[np.float32]) -> list[float]:
    """What `np.quantile` makes of them as float64, to the last bit; it sorts the array in part."""
    places = [probability * (values.size - 1) for probability in DISPLAY_PROBABILITIES]
    bounds = [(int(place), min(int(place) + 1, values.size - 1)) for place in places]
    values.partition(sorted({rank for pair in bounds for rank in pair}))
    found = []
    for place, (below, above) in zip(places, bounds, strict=True):
        low, high, share = float(values[below]), float(values[above]), place - below
        step = high - low
        found.append(high - step * (1 - share) if share >= 0.5 else low + step * share)
    return found


TOLERANCE = 0.005
"""Part of the total that resampling may add or lose."""

_STRIP_ROWS, _MOST_CELLS = 512, 8_000_000
"""Rows read at once, so that no block of a file is unpacked twice, and cells at most."""

_CELLS_AT_ONCE = 250_000

Run = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]
"""Maps a picklable function over a sequence, results in order."""


@dataclass(frozen=True, slots=True)
class SourceTotal:
    """Sum of the source cells over a grid.

    Attributes:
        inside: Of cells whose centre lies on the grid.
        edge: Of cells near enough to the grid's edge to be cut by it, whichever side.
    """

    inside: float
    edge: float


def source_total(source: RasterSource, grid: Grid, run: Run = map) -> SourceTotal:
    """Sum the first band of a source over the extent of a grid; `run` goes over its strips."""
    height, width = source.facts.height, source.facts.width
    rows = min(_STRIP_ROWS, max(1, _MOST_CELLS // width))
    strips = [Window(row, 0, min(rows, height - row), width) for row in range(0, height, rows)]
    parts = list(run(partial(_strip_total, source, grid), strips))
    return SourceTotal(sum(one.inside for one in parts), sum(one.edge for one in parts))


def _strip_total(source: RasterSource, grid: Grid, strip: Window) -> SourceTotal:
    with open_geotiff(source.path) as file:
        values = np.nan_to_num(read_open_block(file, strip, kept=KEPT_ZERO)[0])
    # Positions take several times the room of the values: a few rows of them at a time.
    rows = max(1, _CELLS_AT_ONCE // strip.width)
    parts = [
        _total(source, grid, Window(strip.row + row, 0, len(some), strip.width), some)
        for row in range(0, strip.height, rows)
        for some in [values[row : row + rows]]
    ]
    return SourceTotal(sum(one.inside for one in parts), sum(one.edge for one in parts))


def _total(source: RasterSource, grid: Grid, window: Window, values: FloatArray) -> SourceTotal:
    """What of some rows lies on the grid, and what near its edge."""
    centres = CellCentres(
        source.facts.transform, source.resolution, source.crs, f"EPSG:{grid.epsg}"
    )
    x, y = centres.within(window)
    west, south, east, north = grid.bounds
    depth = np.minimum(np.minimum(x - west, east - x), np.minimum(y - south, north - y))
    # A cell of degrees is longer than the mean side in one direction.
    reach = 2 * max(source.resolution, grid.cell_m)
    return SourceTotal(
        inside=float(values[depth >= 0].sum()),
        edge=float(values[np.abs(depth) < reach].sum()),
    )


def check_total(
    theme: str, source: RasterSource, grid: Grid, aligned: float, run: Run = map
) -> None:
    """Refuse an alignment that lost or made some of what it should have kept.

    Raises:
        InvalidInput: the totals differ by more than `TOLERANCE`, cells at the edge apart.
    """
    wanted = source_total(source, grid, run)
    if abs(aligned - wanted.inside) <= TOLERANCE * wanted.inside + wanted.edge:
        return
    raise InvalidInput(
        f"{theme}: {aligned:.0f} on the analysis grid against {wanted.inside:.0f} in the source; "
        f"they must agree within {100 * TOLERANCE:g} %",
        message_zh=f"{theme}：分析格网合计 {aligned:.0f}，源数据合计 {wanted.inside:.0f}，"
        f"相差不得超过 {100 * TOLERANCE:g} %",
        pointer=f"/inputs/datasets/{theme}",
    )


BLOCK, _LEAST_BLOCK = 512, 16

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

    @property
    def block(self) -> int:
        """Side of its tiles; the months of a coarse raster would be mostly what fills them up."""
        return min(BLOCK, _LEAST_BLOCK * -(-max(self.width, self.height) // _LEAST_BLOCK))


def write_cog(path: Path, frame: CogFrame, blocks: Iterable[Block]) -> list[BandStatistics]:
    """Write a COG from blocks and return the statistics it carries, band by band.

    Tiles of 512, or one that is no larger than need be, deflate, overviews by mode (classes) or
    average (quantities) of the known cells themselves. No time stamps: the same content gives the
    same file.

    Raises:
        OSError: there is no room for it.
    """
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        draft = Path(folder) / "draft.tif"
        with proving_room(draft):
            _write_draft(draft, frame, blocks)
            statistics = _describe(draft, frame)
            _add_overviews(draft, frame)
        # Or each file with blocks of less than 128 is warned of.
        quiet = rasterio.Env(GDAL_VALIDATE_CREATION_OPTIONS="NO")
        with proving_room(path, copied=draft), quiet:
            rasterio.shutil.copy(draft, path, driver="COG", **_options(frame))
    return statistics


def _options(frame: CogFrame) -> dict[str, str]:
    return {
        "COMPRESS": "DEFLATE",
        # Half the time of the usual level for a few per cent of the size.
        "LEVEL": "1",
        "PREDICTOR": "STANDARD" if frame.categorical else "FLOATING_POINT",
        "BLOCKSIZE": str(frame.block),
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
        "blockxsize": frame.block,
        "blockysize": frame.block,
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
