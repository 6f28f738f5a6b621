"""Windows of remote GeoTIFFs, decoded and joined on one grid, block by block.

For the operator's own fetch command only: services never open what lies elsewhere. GDAL never asks
the network either: it reads through the file objects that the caller opens.
"""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, Literal

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds
from rasterio.windows import Window as RasterWindow

from shanhai.errors import InvalidInput, LimitExceeded, NotFound, Unavailable
from shanhai.raster import clean
from shanhai.raster.cog import BLOCK, Block
from shanhai.raster.geotiff import Transform
from shanhai.science.grid import Window
from shanhai.validation import StrictModel

MOST_CELLS = 4_000_000_000
"""Cells of a layer at most: a country at 100 m, a province at 10 m."""

METRES_PER_DEGREE = 111_195.0
_COLUMNS = 8_192
_STACKED_COLUMNS = BLOCK
_ALIGNED = 1e-3
_NAME = "remote.tif"
_ENVIRONMENT = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_PAM_ENABLED": "NO"}

Values = NDArray[np.float32]
Counts = dict[float, int]
"""Cells by code."""

Change = Callable[[Window, Values], Values]
"""Alters a block with its surroundings, which it is given with where they lie."""
Combine = Literal["first", "mean", "max", "median"]
Join = Literal["nearest", "average", "mode", "sum"]
Formula = Literal["normalised_difference"]


class Mask(StrictModel):
    """Which cells are kept, by another input of the same scene."""

    input: str
    keep: tuple[int, ...] | None = None
    clear_bits: tuple[int, ...] | None = None
    least: float | None = None

    def allows(self, raw: Values) -> NDArray[np.bool_]:
        """True where a cell is kept; cells without a value are not."""
        known = ~np.isnan(raw)
        if self.keep is not None:
            known &= np.isin(raw, self.keep)
        if self.clear_bits is not None:
            bits = sum(1 << bit for bit in self.clear_bits)
            known &= (np.nan_to_num(raw).astype(np.int64) & bits) == 0
        return known if self.least is None else known & (raw >= self.least)


@dataclass(frozen=True, slots=True)
class RemoteRaster:
    """A single-band GeoTIFF somewhere else.

    Attributes:
        label: Its address as people may read it.
        open: Opens it for reading; called by several threads.
        scale: Of this file; None takes the decoding's.
        offset: Likewise.
    """

    label: str
    open: Callable[[], BinaryIO]
    scale: float | None = None
    offset: float | None = None


@dataclass(frozen=True, slots=True)
class RemoteScene:
    """Files of one place and time, by input."""

    name: str
    moment: str
    inputs: Mapping[str, RemoteRaster]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """How raw numbers become a theme.

    Attributes:
        bands: Inputs that are bands of the theme; the formula's name where there is one.
        formula: Makes the band of the inputs `red` and `nir`.
        mask: Cells that are kept.
        nodata: Raw value without meaning; None takes what each file states.
        valid: Raw values beyond have no meaning.
        scales: Factor by input; an input that is not named has 1.
        offset: Added after scaling.
        codes: Numbers that stand for something else than a value.
        marked: Codes whose cells become +inf, for a rule to be applied later.
        least: Smaller values become this one.
        combine: What is done with several scenes over one cell.
        join: What is done with the cells of a file that fall into one.
    """

    bands: tuple[str, ...]
    formula: Formula | None = None
    mask: Mask | None = None
    nodata: float | None = None
    valid: tuple[float, float] | None = None
    scales: Mapping[str, float] = field(default_factory=dict)
    offset: float = 0.0
    codes: tuple[clean.FillCode, ...] = ()
    marked: frozenset[float] = frozenset()
    least: float | None = None
    combine: Combine = "first"
    join: Join = "nearest"

    @property
    def decoded_first(self) -> bool:
        """Whether numbers must be given their meaning before cells are joined."""
        return bool(self.codes) or self.join == "sum"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """RemoteFrame of one file, and how its numbers are stored."""

    crs: Any
    transform: Affine
    width: int
    height: int
    nodata: float | None
    overviews: tuple[int, ...]
    bounds: tuple[float, float, float, float]
    dtype: str

    @property
    def cells(self) -> int:
        """Cells with those of the overviews."""
        full = self.width * self.height
        return full + sum(full // factor**2 for factor in self.overviews)


@dataclass(frozen=True, slots=True)
class RemoteFrame:
    """The grid that scenes are read onto, and those that touch it.

    Attributes:
        native: How many cells of the finest file lie along one of the grid.
        join: What is done with them.
        grid_crs: The CRS as the file has it.
        resolution_m: Side of a cell, metres.
        facts: Of each file, by label.
    """

    crs: str
    transform: Transform
    width: int
    height: int
    native: int
    join: Join
    resolution_m: float
    grid_crs: Any
    scenes: tuple[RemoteScene, ...]
    facts: Mapping[str, FileFacts]

    def share(self, label: str) -> float:
        """Part of a file's cells that has to be read, 0–1."""
        facts = self.facts[label]
        west, south, east, north = facts.bounds
        left, bottom, right, top = self._bounds
        across = max(0.0, min(east, right) - max(west, left)) / (east - west)
        down = max(0.0, min(north, top) - max(south, bottom)) / (north - south)
        factor = _overview(facts, self.native, self.join)[1]
        return min(1.0, across * down * facts.width * facts.height / factor**2 / facts.cells)

    @property
    def _bounds(self) -> tuple[float, float, float, float]:
        a, _, west, _, e, north = self.transform
        return (west, north + e * self.height, west + a * self.width, north)


def frame_of(
    scenes: Sequence[RemoteScene],
    box: tuple[float, float, float, float],
    decoding: Decoding,
    *,
    resolution_m: float | None = None,
    threads: int = 8,
) -> RemoteFrame:
    """Look at the files and lay a grid over a box.

    The grid is the finest file's in the CRS that most files have, its cells joined where coarser
    ones are asked for. Files in other CRSs are read onto it.

    Args:
        scenes: What there is to read.
        box: West, south, east, north, WGS 84 degrees.
        decoding: How it is read.
        resolution_m: Side of the cells wanted, metres; finer files are joined by whole numbers of
            cells, coarser ones stay as they are.
        threads: Files that are looked at together.

    Raises:
        NotFound: no file touches the box.
        LimitExceeded: more than `MOST_CELLS` cells.
        Unavailable: a file cannot be read.
    """
    files = [(scene, name, file) for scene in scenes for name, file in scene.inputs.items()]
    with ThreadPoolExecutor(threads) as pool:
        looked = list(pool.map(_look, (file for _, _, file in files)))
    measured = [
        (file.label, facts)
        for (_, name, file), facts in zip(files, looked, strict=True)
        if decoding.mask is None or name != decoding.mask.input
    ]
    if not measured:
        raise NotFound("no file was found in the box")
    crs = Counter(str(facts.crs) for _, facts in measured).most_common(1)[0][0]
    finest = min(
        (facts for _, facts in measured if str(facts.crs) == crs),
        key=lambda facts: (abs(facts.transform.e), facts.transform.c, -facts.transform.f),
    )
    metres = METRES_PER_DEGREE if finest.crs.is_geographic else 1.0
    own = -finest.transform.e * metres
    native = 1 if resolution_m is None else max(1, math.floor(resolution_m / own + 1e-6))
    by_label = {
        file.label: _placed(facts, finest.crs)
        for (_, _, file), facts in zip(files, looked, strict=True)
    }
    return _laid(scenes, box, finest, (native, decoding.join), own * native, by_label)


def _laid(
    scenes: Sequence[RemoteScene],
    box: tuple[float, float, float, float],
    finest: FileFacts,
    joined: tuple[int, Join],
    resolution_m: float,
    facts: Mapping[str, FileFacts],
) -> RemoteFrame:
    native, join = joined
    west, south, east, north = transform_bounds("EPSG:4326", finest.crs, *box, densify_pts=21)
    step_x, step_y = finest.transform.a * native, -finest.transform.e * native
    first = math.floor((west - finest.transform.c) / step_x + _ALIGNED)
    last = math.ceil((east - finest.transform.c) / step_x - _ALIGNED)
    top = math.floor((finest.transform.f - north) / step_y + _ALIGNED)
    bottom = math.ceil((finest.transform.f - south) / step_y - _ALIGNED)
    width, height = last - first, bottom - top
    if width * height > MOST_CELLS:
        raise LimitExceeded(
            f"the box holds {width * height} cells of {resolution_m:g} m; at most {MOST_CELLS} are "
            "fetched: ask for coarser ones with --resolution",
            message_zh=f"范围内有 {width * height} 个 {resolution_m:g} 米像元，上限为 "
            f"{MOST_CELLS}：请用 --resolution 指定更粗的分辨率",
        )
    corner_x = finest.transform.c + first * step_x
    corner_y = finest.transform.f - top * step_y
    epsg = finest.crs.to_epsg()
    frame = RemoteFrame(
        crs=f"EPSG:{epsg}" if epsg is not None else str(finest.crs.to_wkt()),
        transform=(step_x, 0.0, corner_x, 0.0, -step_y, corner_y),
        width=width,
        height=height,
        native=native,
        join=join,
        resolution_m=resolution_m,
        grid_crs=finest.crs,
        scenes=(),
        facts=facts,
    )
    whole = Window(0, 0, height, width)
    touching = tuple(scene for scene in scenes if _touches(frame, scene, whole))
    if not touching:
        raise NotFound("no file touches the box")
    return replace(frame, scenes=touching)


@dataclass(slots=True)
class Tally:
    """What was met while blocks were read.

    Attributes:
        codes: Cells by code.
        filled: Cells of the first band that had no value before they were changed.
    """

    codes: Counts = field(default_factory=dict)
    filled: int = 0

    def add(self, other: "Tally") -> None:
        """Add what was met in a block."""
        for code, cells in other.codes.items():
            self.codes[code] = self.codes.get(code, 0) + cells
        self.filled += other.filled


def read_blocks(
    frame: RemoteFrame,
    decoding: Decoding,
    tally: Tally,
    *,
    halo: int = 0,
    threads: int = 4,
    change: Change | None = None,
) -> Iterator[Block]:
    """Blocks of the theme, row by row: float32, bands first, NaN where nothing is known.

    Args:
        frame: The grid.
        decoding: How it is read.
        tally: Added to.
        halo: Cells around a block that `change` sees besides.
        threads: Blocks that are read together.
        change: Alters a block with its halo before it is given out.

    Raises:
        Unavailable: a file cannot be read.
    """
    columns = _COLUMNS if decoding.combine == "first" else _STACKED_COLUMNS
    windows = [
        Window(row, col, min(BLOCK, frame.height - row), min(columns, frame.width - col))
        for row in range(0, frame.height, BLOCK)
        for col in range(0, frame.width, columns)
    ]

    def work(window: Window) -> tuple[Values, Tally]:
        wide = window.expanded(halo, Window(0, 0, frame.height, frame.width))
        met = Tally()
        values = _read(frame, decoding, wide, met.codes)
        core = (slice(None), *window.slices_within(wide))
        if change is None:
            return values[core], met
        before = np.isnan(values[core][0])
        values = change(wide, values)
        met.filled = int(np.count_nonzero(before & ~np.isnan(values[core][0])))
        return values[core], met

    for window, (values, met) in _in_order(work, windows, threads):
        tally.add(met)
        yield window, values


def read_onto(path: str, frame: RemoteFrame) -> Values:
    """Means of a local file's cells on the whole of a grid, NaN where it has nothing."""
    with rasterio.Env(**_ENVIRONMENT), rasterio.open(path, driver="GTiff") as file:
        return _warped(
            file, frame.crs, frame.transform, frame.width, frame.height, "average", file.nodata
        )


def _in_order(
    work: Callable[[Window], Any], windows: Sequence[Window], threads: int
) -> Iterator[tuple[Window, Any]]:
    """Results in order, with no more blocks in memory than twice the threads."""
    with ThreadPoolExecutor(threads) as pool:
        waiting: list[tuple[Window, Future[Any]]] = []
        try:
            for window in windows:
                waiting.append((window, pool.submit(work, window)))
                if len(waiting) > 2 * threads:
                    first, result = waiting.pop(0)
                    yield first, result.result()
            for first, result in waiting:
                yield first, result.result()
        finally:
            for _, result in waiting:
                result.cancel()


def _read(frame: RemoteFrame, decoding: Decoding, window: Window, found: Counts) -> Values:
    """The theme in one window."""
    layers = [
        _scene_values(frame, decoding, scene, window, found)
        for scene in frame.scenes
        if _touches(frame, scene, window)
    ]
    shape = (len(decoding.bands), window.height, window.width)
    if not layers:
        return np.full(shape, np.nan, dtype=np.float32)
    joined = _combined(layers, decoding)
    if decoding.least is not None:
        joined[joined < decoding.least] = decoding.least
    return joined


def _scene_values(
    frame: RemoteFrame,
    decoding: Decoding,
    scene: RemoteScene,
    window: Window,
    found: Counts,
) -> Values:
    """The bands of one scene in a window, decoded."""
    finer = frame.native if decoding.decoded_first else 1
    names = ("red", "nir") if decoding.formula is not None else decoding.bands
    bands = [
        _decoded(frame, decoding, scene.inputs[name], name, window, finer, found) for name in names
    ]
    if decoding.formula is not None:
        bands = [_normalised_difference(*bands)]
    values = np.stack(bands)
    if decoding.mask is not None:
        raw = _raw(frame, scene.inputs[decoding.mask.input], window, finer, "nearest", None, ())
        values[:, ~decoding.mask.allows(raw)] = np.nan
    return _reduced(values, finer, decoding.join)


def _decoded(
    frame: RemoteFrame,
    decoding: Decoding,
    file: RemoteRaster,
    name: str,
    window: Window,
    finer: int,
    found: Counts,
) -> Values:
    kept = {code.raw for code in decoding.codes if code.means_value} | decoding.marked
    join: Join = "nearest" if decoding.decoded_first or frame.native == 1 else decoding.join
    raw = _raw(frame, file, window, finer, join, decoding.nodata, kept)
    scale = decoding.scales.get(name, 1.0) if file.scale is None else file.scale
    offset = decoding.offset if file.offset is None else file.offset
    values = raw * np.float32(scale) + np.float32(offset)
    if decoding.valid is not None:
        low, high = decoding.valid
        values[(raw < low) | (raw > high)] = np.nan
    clean.give_meaning(raw, values, decoding.codes, found, raw.dtype)
    if decoding.marked:
        values[np.isin(raw, sorted(decoding.marked))] = np.inf
    return values


def _raw(
    frame: RemoteFrame,
    file: RemoteRaster,
    window: Window,
    finer: int,
    join: Join,
    nodata: float | None,
    kept: Collection[float],
) -> Values:
    """Numbers of a file in a window of the grid, its cells cut into `finer` × `finer`."""
    facts = frame.facts[file.label]
    level = None if finer > 1 or join == "sum" else _overview(facts, frame.native, join)[0]
    a, _, west, _, e, north = frame.transform
    place = (
        *(a / finer, 0.0, west + window.col * a),
        *(0.0, e / finer, north + window.row * e),
    )
    empty = facts.nodata if nodata is None else nodata
    empty = None if empty in kept else empty
    with _opened(file, level) as source:
        if facts.crs == frame.grid_crs and level is None:
            cells = _read_aligned(source, place, window.width * finer, window.height * finer, empty)
            if cells is not None:
                return cells
        return _warped(
            source,
            frame.crs,
            place,
            window.width * finer,
            window.height * finer,
            join,
            empty,
        )


def _read_aligned(
    source: Any, place: Sequence[float], width: int, height: int, empty: float | None
) -> Values | None:
    """Cells of a file that lie on the grid as they are, at half the cost of a warp; else None."""
    theirs = source.transform
    column, row = (place[2] - theirs.c) / theirs.a, (place[5] - theirs.f) / theirs.e
    same = math.isclose(theirs.a, place[0], rel_tol=1e-6) and math.isclose(
        theirs.e, place[4], rel_tol=1e-6
    )
    if not same or theirs.b or theirs.d:
        return None
    if max(abs(column - round(column)), abs(row - round(row))) > _ALIGNED:
        return None
    left, top = round(column), round(row)
    values = np.full((height, width), np.nan, dtype=np.float32)
    first, last = max(0, left), min(source.width, left + width)
    begin, end = max(0, top), min(source.height, top + height)
    if first >= last or begin >= end:
        return values
    found = source.read(1, window=RasterWindow(first, begin, last - first, end - begin))
    cells = found.astype(np.float32)
    if empty is not None:
        cells[found == empty] = np.nan
    values[begin - top : end - top, first - left : last - left] = cells
    return values


def _warped(
    source: Any,
    crs: str,
    place: Sequence[float],
    width: int,
    height: int,
    join: Join,
    empty: float | None,
) -> Values:
    with WarpedVRT(
        source,
        crs=crs,
        transform=Affine(*place),
        width=width,
        height=height,
        resampling=Resampling[join],
        dtype="float32",
        nodata=np.nan,
        src_nodata=empty,
    ) as view:
        values: Values = view.read(1)
    return values


def _combined(layers: Sequence[Values], decoding: Decoding) -> Values:
    """Scenes over one another; marks of codes stay where no scene has a value."""
    if decoding.combine == "first" or len(layers) == 1:
        joined = layers[0]
        for layer in layers[1:]:
            np.copyto(joined, layer, where=np.isnan(joined))
        return joined
    stack = np.stack(layers)
    marked = np.isinf(stack)
    stack[marked] = np.nan
    count = np.count_nonzero(~np.isnan(stack), axis=0)
    if decoding.combine == "median":
        joined = _median(stack, count)
    elif decoding.combine == "max":
        joined = np.fmax.reduce(stack)
    else:
        joined = np.nansum(stack, axis=0) / np.where(count, count, np.nan)
    joined[(count == 0) & marked.any(axis=0)] = np.inf
    return joined.astype(np.float32)


def _median(stack: Values, count: NDArray[np.intp]) -> Values:
    """Median of what is known along the first axis, NaN where nothing is; `stack` gets sorted."""
    stack.sort(axis=0)  # What is unknown goes last.
    low = np.take_along_axis(stack, np.maximum(count - 1, 0)[np.newaxis] // 2, axis=0)[0]
    high = np.take_along_axis(stack, count[np.newaxis] // 2 % len(stack), axis=0)[0]
    return np.asarray(np.where(count > 1, (low + high) / 2, low), dtype=np.float32)


def _reduced(values: Values, finer: int, join: Join) -> Values:
    """Cells of the grid from `finer` × `finer` of each: their sum or mean, of those known."""
    if finer == 1:
        return values
    bands, height, width = values.shape
    cut = values.reshape(bands, height // finer, finer, width // finer, finer)
    marked = np.isinf(cut)
    known = ~np.isnan(cut) & ~marked
    count = known.sum(axis=(2, 4))
    total = np.where(known, cut, 0).sum(axis=(2, 4), dtype=np.float64)
    share = total if join == "sum" else total / np.maximum(count, 1)
    empty = np.where(marked.any(axis=(2, 4)), np.inf, np.nan)
    return np.where(count > 0, share, empty).astype(np.float32)


def _normalised_difference(red: Values, nir: Values) -> Values:
    """`(nir − red)/(nir + red)`, −1 to 1; NaN where both reflect nothing."""
    total = nir + red
    index = np.full(total.shape, np.nan, dtype=np.float32)
    np.divide(nir - red, total, out=index, where=total > 0)
    return np.asarray(np.clip(index, -1.0, 1.0))


def _look(file: RemoteRaster) -> FileFacts:
    with _opened(file, None) as source:
        if source.count != 1:
            raise InvalidInput(f"{file.label} has {source.count} bands; one is expected")
        return FileFacts(
            source.crs,
            source.transform,
            source.width,
            source.height,
            source.nodata,
            tuple(source.overviews(1)),
            tuple(source.bounds),
            source.dtypes[0],
        )


def _placed(facts: FileFacts, crs: Any) -> FileFacts:
    """The same with its bounds in the CRS of the grid."""
    if facts.crs == crs:
        return facts
    bounds = transform_bounds(facts.crs, crs, *facts.bounds, densify_pts=21)
    return replace(facts, bounds=bounds)


def _overview(facts: FileFacts, native: int, join: Join) -> tuple[int | None, int]:
    """Level and factor of the overview to read.

    Means of means are means; of classes at least two cells along one wanted are looked at.
    """
    along = 1 if join == "average" else 2
    fitting = [(i, factor) for i, factor in enumerate(facts.overviews) if along * factor <= native]
    return max(fitting, key=lambda one: one[1], default=(None, 1))


def _touches(frame: RemoteFrame, scene: RemoteScene, window: Window) -> bool:
    west, south, east, north = frame.facts[next(iter(scene.inputs.values())).label].bounds
    a, _, left, _, e, top = frame.transform
    return (
        west < left + (window.col + window.width) * a
        and east > left + window.col * a
        and south < top + window.row * e
        and north > top + (window.row + window.height) * e
    )


@contextmanager
def _opened(file: RemoteRaster, level: int | None) -> Iterator[Any]:
    """A file through its own opener, by the GTiff driver alone, or an overview of it."""
    failures: list[Exception] = []

    def opener(name: str, mode: str = "rb") -> "_Telling":
        if name != _NAME:
            raise FileNotFoundError(name)
        try:
            return _Telling(file.open(), failures)
        except Exception as error:
            failures.append(error)
            raise FileNotFoundError(name) from error

    options = {} if level is None else {"OVERVIEW_LEVEL": str(level)}
    try:
        with (
            rasterio.Env(**_ENVIRONMENT),
            rasterio.open(_NAME, driver="GTiff", opener=opener, **options) as source,
        ):
            yield source
        if failures:
            raise failures[0]
    except RasterioError as error:
        # GDAL tells of what a file object raised only that a read failed.
        if failures:
            raise failures[0] from error
        raise Unavailable(f"{file.label} cannot be read: {error}") from error


class _Telling:
    """A file object whose failures are kept."""

    def __init__(self, file: BinaryIO, failures: list[Exception]) -> None:
        self._file, self._failures = file, failures
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def read(self, count: int = -1) -> bytes:
        """The next bytes."""
        try:
            return self._file.read(count)
        except Exception as error:
            # Raised here it would be printed and lost; GDAL takes it for the end of the file.
            self._failures.append(error)
            return b""

    def __enter__(self) -> "_Telling":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
