"""Themes of open sources for a box: read block by block, gaps filled, written with their origin."""

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from shapely import MultiPolygon
from shapely.geometry.base import BaseGeometry

from shanhai.data.download import Reporter
from shanhai.data.fetch_plan import FetchPlan, FetchRequest
from shanhai.data.locate import FoundItem
from shanhai.data.regions import Box
from shanhai.data.sources import OpenSources, Source, ThemeSources
from shanhai.data.themes import COAST_SPACING_M, ODBL
from shanhai.data.upstream import Upstream
from shanhai.data.vector_layers import ocean_within
from shanhai.errors import InvalidInput, NotFound
from shanhai.processes.kit.dataset_description import (
    DatasetDescription,
    Origin,
    OriginFile,
    read_description,
    write_description,
)
from shanhai.raster import clean
from shanhai.raster.cells import cells_of_frame
from shanhai.raster.cog import Block, CogFrame, write_cog
from shanhai.raster.crs import reproject_geometry
from shanhai.raster.remote import (
    METRES_PER_DEGREE,
    Change,
    RemoteFrame,
    Tally,
    Values,
    read_blocks,
    read_onto,
)
from shanhai.science.grid import BoolArray, Window
from shanhai.storage.artifacts import sha256_of

FindOcean = Callable[[Box, Reporter], MultiPolygon]

THEMES = (
    *("dem", "land_cover", "population", "rainfall", "temperature", "soil", "night_lights"),
    *("ndvi", "npp"),
)
"""In this order: gaps of NPP are filled by NDVI."""

_MOST_FILLED_CELLS = 60_000_000


FEWEST_CELLS = 30
"""Cells a line is drawn through at least."""


@dataclass(frozen=True, slots=True)
class FilledByLine:
    """What was filled, and by which line `value = slope * predictor + intercept`.

    Attributes:
        values: With the cells filled.
        cells: How many were.
        unknown: Marked cells that stay NaN, for the predictor is not known there.
        fitted: Cells the line was drawn through.
        r_squared: Part of their variance that it explains, 0–1.
    """

    values: Values
    cells: int
    unknown: int
    slope: float
    intercept: float
    fitted: int
    r_squared: float


def fill_by_line(values: Values, predictor: Values) -> FilledByLine:
    """Give marked cells what the least-squares line over the other cells says of them.

    Not below 0 nor above the largest value there is: built-up land and wetland within a region do
    not grow more than its best cell.

    Args:
        values: Rows and columns; NaN is unknown, +inf is to be filled.
        predictor: Of the same shape, NaN where unknown.

    Raises:
        InvalidInput: fewer than `FEWEST_CELLS` cells have both, or the predictor is the same in
            all of them.
    """
    marked = np.isposinf(values)
    both = np.isfinite(values) & ~np.isnan(predictor)
    x, y = predictor[both].astype(np.float64), values[both].astype(np.float64)
    if x.size < FEWEST_CELLS or np.ptp(x) == 0:
        raise InvalidInput(
            f"a line of NPP over NDVI needs {FEWEST_CELLS} cells with different NDVI; the box has "
            f"{x.size}",
            message_zh=f"NPP 对 NDVI 的回归至少需要 {FEWEST_CELLS} 个 NDVI 不同的像元，"
            f"当前为 {x.size} 个",
            pointer="/codes",
        )
    apart_x, apart_y = x - x.mean(), y - y.mean()
    spread, shared = float(apart_x @ apart_x), float(apart_x @ apart_y)
    slope = shared / spread
    intercept = float(y.mean() - slope * x.mean())
    total = float(apart_y @ apart_y)
    filled = np.where(marked, np.nan, values)
    known = marked & ~np.isnan(predictor)
    filled[known] = np.clip(slope * predictor[known] + intercept, 0.0, max(0.0, float(y.max())))
    return FilledByLine(
        values=filled.astype(np.float32),
        cells=int(np.count_nonzero(known)),
        unknown=int(np.count_nonzero(marked & ~known)),
        slope=slope,
        intercept=intercept,
        fitted=int(x.size),
        r_squared=shared * shared / (spread * total) if total > 0 else 1.0,
    )


def fetch_theme(
    plan: FetchPlan,
    request: FetchRequest,
    sources: OpenSources,
    out: Path,
    upstream: Upstream,
    reporter: Reporter,
    *,
    find_ocean: FindOcean = ocean_within,
    threads: int = 4,
) -> DatasetDescription:
    """Write `<theme>.tif` and `<theme>.json` of a plan into `out`; nothing half of it stays.

    Args:
        plan: What is read.
        request: What was asked for.
        sources: The configuration.
        out: Folder, made where missing; for codes that NDVI says more of, `ndvi.tif` lies in it.
        upstream: The client.
        reporter: Told of progress.
        find_ocean: Gives the ocean in a box, for land cover whose water includes the sea.
        threads: Blocks that are read together.

    Raises:
        InvalidInput: it holds codes nobody has said the meaning of.
        NotFound: there is no value in the box.
        Unavailable: a publisher does not answer; what was read is kept.
    """
    out.mkdir(parents=True, exist_ok=True)
    tally = Tally()
    path = out / f"{plan.theme}.tif"
    blocks, filled = _blocks(plan, request, out, upstream, reporter, find_ocean, tally, threads)
    frame = CogFrame(
        crs=plan.frame.crs,
        transform=plan.frame.transform,
        width=plan.frame.width,
        height=plan.frame.height,
        bands=len(plan.source.bands),
        categorical=plan.source.class_scheme is not None,
        descriptions=plan.source.bands,
        tags=_tags(plan.source),
    )
    draft = out / f".{plan.theme}.draft.tif"
    try:
        statistics = write_cog(draft, frame, blocks)
        _refuse_unexplained(plan, tally.codes)
        if all(band.max is None for band in statistics):
            raise NotFound(f"{plan.source.code} holds no value inside the box")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    description = _describe(plan, request, sources.of(plan.theme), path, upstream, tally, filled)
    write_description(description, out)
    return description


def is_fetched(plan: FetchPlan, request: FetchRequest, out: Path, upstream: Upstream) -> bool:
    """Whether `out` holds the theme as it would be fetched: of the same files as they are now."""
    try:
        there = read_description(out / f"{plan.theme}.json")
    except (OSError, InvalidInput):
        return False
    path = out / there.file
    return (
        there.origin == _origin(plan, request, upstream)
        and there.region == request.region
        and path.is_file()
        and sha256_of(path) == there.sha256
    )


def _origin(plan: FetchPlan, request: FetchRequest, upstream: Upstream) -> Origin:
    """Where the values of a plan are read from, and by which settings."""
    files = tuple(
        OriginFile(
            address=file.file.label,
            item=item.name,
            moment=item.moment,
            mark=upstream.etag(file.file),
        )
        for item in plan.read
        for file in item.files.values()
    )
    return Origin(
        source=plan.source.code,
        settings=sha256(plan.source.model_dump_json().encode()).hexdigest(),
        box=request.box,
        resolution_m=request.resolution_m,
        year=plan.year,
        citation=plan.source.citation,
        files=files,
    )


def _tags(source: Source) -> dict[str, str]:
    return {
        "source": source.product_en,
        "licence": source.licence,
        "citation": source.citation,
        "stand_in": str(source.stand_in_en is not None).lower(),
    }


def _blocks(
    plan: FetchPlan,
    request: FetchRequest,
    out: Path,
    upstream: Upstream,
    reporter: Reporter,
    find_ocean: FindOcean,
    tally: Tally,
    threads: int,
) -> tuple[Iterator[Block], list[FilledByLine]]:
    """The blocks to write, and what fills gaps, which is known once they were read."""
    frame, source = plan.frame, plan.source
    halo, change = 0, None
    if source.fill_within_m is not None:
        halo = math.ceil(source.fill_within_m / frame.resolution_m)
        change = _nearest_filled_in(halo)
    if source.water is not None:
        ocean = find_ocean(request.box, reporter)
        halo = round(2 * COAST_SPACING_M / frame.resolution_m)
        change = _sea_taken_out(frame, source.water, ocean)
    read = read_blocks(frame, plan.decoding, tally, halo=halo, threads=threads, change=change)
    shown = reporter.blocks(plan.theme, read, frame.width * frame.height, plan.megabytes, upstream)
    filled: list[FilledByLine] = []
    if not plan.decoding.marked:
        return shown, filled
    return _filled(shown, frame, out, filled), filled


def _filled(
    blocks: Iterator[Block], frame: RemoteFrame, out: Path, filled: list[FilledByLine]
) -> Iterator[Block]:
    """The same with marked cells filled by the region's NDVI; a layer of 500 m fits in memory."""
    if frame.width * frame.height > _MOST_FILLED_CELLS:
        raise InvalidInput(
            f"the box holds {frame.width * frame.height} cells; gaps are filled in at most "
            f"{_MOST_FILLED_CELLS}"
        )
    ndvi = out / "ndvi.tif"
    values = np.full((frame.height, frame.width), np.nan, dtype=np.float32)
    for window, block in blocks:
        values[window.slices] = block[0]
    if np.isposinf(values).any():
        if not ndvi.exists():
            raise InvalidInput(
                f"built-up land and wetland have no NPP in this product; to fill them, {ndvi} must "
                "be there: fetch ndvi first",
                message_zh=f"该产品在建设用地和湿地没有 NPP；补值需要 {ndvi}，请先获取 ndvi",
                pointer="--theme",
            )
        filled.append(fill_by_line(values, read_onto(str(ndvi), frame)))
        values = filled[0].values
    yield Window(0, 0, frame.height, frame.width), values[np.newaxis]


def _nearest_filled_in(reach: int) -> Change:
    """Gives cells without a value that of the nearest cell that has all bands, within a reach."""

    def change(_window: Window, values: Values) -> Values:
        empty: BoolArray = np.asarray(np.isnan(values).any(axis=0))
        if not empty.any() or empty.all():
            return values
        distance, (rows, cols) = ndimage.distance_transform_edt(
            empty, return_distances=True, return_indices=True
        )
        near = empty & (distance <= reach)
        values[:, near] = values[:, rows[near], cols[near]]
        return values

    return change


def _sea_taken_out(frame: RemoteFrame, water: int, ocean: MultiPolygon) -> Change:
    """Makes nodata, as which a class raster has the sea, of water in the ocean or joined to it.

    The coastline is simplified: water within its error that joins the ocean is the sea as well.
    """
    near_ocean = ocean.buffer(COAST_SPACING_M / METRES_PER_DEGREE)
    shapes = [
        reproject_geometry(shape, "EPSG:4326", frame.crs) if not shape.is_empty else shape
        for shape in (ocean, near_ocean)
    ]
    a, _, west, _, e, north = frame.transform
    # Rasterio silences a warning while it burns shapes in, which Python does for all threads.
    burning = threading.Lock()

    def change(window: Window, values: Values) -> Values:
        if shapes[0].is_empty:
            return values
        corner = (a, 0.0, west + window.col * a, 0.0, e, north + window.row * e)
        wet = values[0] == water

        def within(shape: BaseGeometry) -> NDArray[np.bool_]:
            with burning:
                return cells_of_frame(shape, wet.shape, corner)

        sea, near = wet & within(shapes[0]), wet & within(shapes[1])
        numbers, count = ndimage.label(near | sea)
        joined = np.zeros(count + 1, dtype=bool)
        joined[np.unique(numbers[sea])] = True
        joined[0] = False
        values[0][joined[numbers]] = np.nan
        return values

    return change


def _refuse_unexplained(plan: FetchPlan, found: dict[float, int]) -> None:
    unknown = clean.unexplained(plan.decoding.codes, found)
    if unknown is None:
        return
    raise InvalidInput(
        f"{plan.theme} holds codes that stand for no value: {unknown.en}; say in `codes` of the "
        "source what each is, or `nodata`",
        message_zh=f"{plan.theme} 含有不代表数值的代码：{unknown.zh}；请在数据源配置的 codes 中"
        "说明其含义，或写 nodata",
        pointer="/codes",
    )


def _describe(
    plan: FetchPlan,
    request: FetchRequest,
    entry: ThemeSources,
    path: Path,
    upstream: Upstream,
    tally: Tally,
    filled: Sequence[FilledByLine],
) -> DatasetDescription:
    source, frame = plan.source, plan.frame
    first, last = _observed(source, plan.year, plan.read)
    origin = _origin(plan, request, upstream)
    licence = f"{source.licence}. {source.citation}"
    return DatasetDescription(
        theme=plan.theme,
        region=request.region,
        code=f"{request.region}.{plan.theme}.open",
        name_zh=f"{entry.name_zh}（{source.product_zh}）",
        name_en=f"{entry.name_en} ({source.code})",
        file=path.name,
        unit=entry.unit,
        native_resolution_m=round(max(source.resolution_m or 0.0, frame.resolution_m), 1),
        stand_in=source.stand_in_en is not None,
        stand_in_note_zh=source.stand_in_zh,
        stand_in_note_en=source.stand_in_en,
        source=f"{source.product_en}; {_place(origin.files)}",
        licence=licence if source.water is None else f"{licence}. Coast: {ODBL}",
        processing=_processing(plan, tally, filled),
        edge_water=None if source.water is None else "inland",
        class_scheme=source.class_scheme,
        bands=source.bands if len(source.bands) > 1 else (),
        observed_from=first,
        observed_to=last,
        sha256=sha256_of(path),
        origin=origin,
    )


def _place(files: Sequence[OriginFile]) -> str:
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return f"{files[0].address}{more}"


def _observed(
    source: Source, year: int | None, items: Sequence[FoundItem]
) -> tuple[date | None, date | None]:
    if source.observed is not None:
        return source.observed
    days = sorted(date.fromisoformat(item.moment[:10]) for item in items if len(item.moment) >= 10)
    if days:
        return days[0], days[-1]
    return (None, None) if year is None else (date(year, 1, 1), date(year, 12, 31))


def _processing(plan: FetchPlan, tally: Tally, filled: Sequence[FilledByLine]) -> str:
    source, decoding = plan.source, plan.decoding
    scales = ", ".join(sorted({f"{scale:g}" for scale in decoding.scales.values()}))
    unit = "gC/m²/yr" if plan.theme.startswith("npp") else "in the theme's unit"
    meant = tuple(code for code in decoding.codes if code.raw not in decoding.marked)
    told = clean.explained(meant, tally.codes, unit)
    marked = ", ".join(f"{raw:.0f}" for raw in sorted(decoding.marked))
    parts = [
        f"windows of {len(plan.read)} items, {decoding.combine}, "
        f"raw × {scales} + {decoding.offset:g}"
        + (", but for what an item states" if source.scale_of_item else ""),
        f"{plan.frame.native} × {plan.frame.native} cells joined by {decoding.join}"
        if plan.frame.native > 1
        else "",
        "" if source.formula is None else "(nir − red)/(nir + red)",
        "" if told is None else f"codes: {told.en}",
        *(
            f"{one.cells} cells of {marked} filled by the line NPP = {one.slope:.4g} × NDVI + "
            f"{one.intercept:.4g} through {one.fitted} cells of the box (R² {one.r_squared:.2f}); "
            f"{one.unknown} stay unknown"
            for one in filled
        ),
        f"{tally.filled} cells took the nearest value within {source.fill_within_m:g} m"
        if source.fill_within_m is not None
        else "",
        "" if source.water is None else "water of the OpenStreetMap ocean is the sea, 0",
    ]
    return "; ".join(part for part in parts if part)
