"""Themes of open sources for a box: plan, read block by block, write with their origin."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from shapely import MultiPolygon
from shapely.geometry.base import BaseGeometry

from shanhai.data.download import Reporter
from shanhai.data.fill import FilledByLine, fill_by_line
from shanhai.data.locate import FoundItem, Wanted, find_items
from shanhai.data.regions import Box, file_sha256
from shanhai.data.sources import LINE_OF_NDVI, Source, Sources, ThemeSources
from shanhai.data.themes import COAST_SPACING_M, ODBL
from shanhai.data.upstream import RemoteFile, Upstream
from shanhai.data.vector_layers import ocean_within
from shanhai.errors import InvalidInput, NotFound, Unavailable
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
    Frame,
    Reading,
    RemoteRaster,
    Scene,
    Values,
    frame_of,
    read_blocks,
    read_onto,
)
from shanhai.science.grid import Window

FindOcean = Callable[[Box, Reporter], MultiPolygon]

THEMES = (
    *("dem", "land_cover", "population", "rainfall", "temperature", "soil", "night_lights"),
    *("ndvi", "npp"),
)
"""In this order: gaps of NPP are filled by NDVI."""

_MOST_FILLED_CELLS = 60_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for, for all themes.

    Attributes:
        region: Code of the region the files are for.
        box: West, south, east, north, WGS 84 degrees.
        resolution_m: Side of cells, metres, for sources that are finer; None leaves them as fine
            as they are.
        year: Year of the products that have years; None takes each source's own.
        country: ISO 3166-1 alpha-3, for products by country.
        only: Code of the source to take by theme; a theme that is not named takes its first one
            that answers.
    """

    region: str
    box: Box
    resolution_m: float | None = None
    year: int | None = None
    country: str = "CHN"
    only: dict[str, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """What of which source makes a theme."""

    theme: str
    source: Source
    year: int | None
    items: tuple[FoundItem, ...]
    frame: Frame
    reading: Reading
    megabytes: float

    @property
    def files(self) -> list[RemoteFile]:
        """The files that are read."""
        used = {scene.name for scene in self.frame.scenes}
        return [
            found.file
            for item in self.items
            if _scene_name(item) in used
            for found in item.files.values()
        ]


def plan_theme(
    theme: str, request: Request, sources: Sources, upstream: Upstream, reporter: Reporter
) -> Plan:
    """Look at what a theme would be made of; only heads of files are read.

    The sources are tried in their order; what keeps one from being taken is told.

    Raises:
        InvalidInput: no source is known, or the one asked for does not exist.
        Unavailable: none of them can be taken; says why of each.
    """
    entry = sources.of(theme)
    reasons = []
    for source in _chosen(theme, entry, request):
        try:
            return _plan(theme, source, request, sources, upstream)
        except (NotFound, Unavailable, InvalidInput) as error:
            reporter.say(f"{theme}: {source.code} cannot be taken: {error.message}")
            reasons.append(f"{source.code}: {error.message}")
    raise Unavailable(
        f"{theme}: no source can be taken; " + "; ".join(reasons),
        message_zh=f"{theme}：没有可用的数据源；" + "；".join(reasons),
    )


def _chosen(theme: str, entry: ThemeSources, request: Request) -> Sequence[Source]:
    wanted = request.only.get(theme)
    if wanted is None:
        return entry.sources
    found = [source for source in entry.sources if source.code == wanted]
    if not found:
        known = ", ".join(source.code for source in entry.sources)
        raise InvalidInput(
            f"source of {theme} is {wanted}; it must be one of {known}",
            message_zh=f"{theme} 的数据源为 {wanted}；可选：{known}",
            pointer="--source",
        )
    return found


def _plan(
    theme: str, source: Source, request: Request, sources: Sources, upstream: Upstream
) -> Plan:
    year = source.year_for(request.year)
    items = find_items(upstream, sources, source, Wanted(request.box, year, request.country))
    there = [item for item in items if _is_there(item, upstream)]
    if not there:
        raise NotFound(f"{source.code} has no file of the box {request.box}")
    reading = _reading(theme, source)
    scenes = [_scene(item, upstream) for item in there]
    frame = frame_of(scenes, request.box, reading, resolution_m=request.resolution_m)
    used = {scene.name for scene in frame.scenes}
    size = sum(
        frame.share(found.file.label) * upstream.size(found.file)
        for item in there
        if _scene_name(item) in used
        for found in item.files.values()
    )
    return Plan(theme, source, year, tuple(there), frame, reading, size / 1e6)


def _is_there(item: FoundItem, upstream: Upstream) -> bool:
    """Whether its files exist: over the sea a publisher has no tiles."""
    try:
        for found in item.files.values():
            upstream.stored(found.file)
    except NotFound:
        return False
    return True


def _scene_name(item: FoundItem) -> str:
    return f"{item.name} {item.moment}"


def _scene(item: FoundItem, upstream: Upstream) -> Scene:
    def opened(file: RemoteFile) -> RemoteRaster:
        return RemoteRaster(file.label, lambda: upstream.open(file))

    rasters = {}
    for name, found in item.files.items():
        raster = opened(found.file)
        rasters[name] = RemoteRaster(raster.label, raster.open, found.scale, found.offset)
    return Scene(_scene_name(item), item.moment, rasters)


def _reading(theme: str, source: Source) -> Reading:
    stated: dict[str, clean.CodeValue] = {
        raw: "nodata" if value == LINE_OF_NDVI else value for raw, value in source.codes.items()
    }
    marked = frozenset(float(raw) for raw, value in source.codes.items() if value == LINE_OF_NDVI)
    return Reading(
        bands=source.bands,
        formula=source.formula,
        mask=source.mask,
        nodata=source.nodata,
        valid=source.valid,
        scales={name: source.scales.get(name, source.scale) for name in source.named_inputs},
        offset=source.offset,
        codes=clean.codes_of(theme, stated),
        marked=marked,
        least=source.least,
        combine=source.combine,
        join=source.join,
    )


def fetch_theme(
    plan: Plan,
    request: Request,
    sources: Sources,
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
    found: dict[float, int] = {}
    path = out / f"{plan.theme}.tif"
    blocks, filled = _blocks(plan, request, out, upstream, reporter, find_ocean, found, threads)
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
        _refuse_unexplained(plan, found)
        if all(band.max is None for band in statistics):
            raise NotFound(f"{plan.source.code} holds no value inside the box")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    description = _describe(plan, request, sources.of(plan.theme), path, upstream, found, filled)
    write_description(description, out)
    return description


def is_fetched(plan: Plan, request: Request, out: Path) -> bool:
    """Whether `out` holds the theme as it would be fetched, unchanged."""
    try:
        there = read_description(out / f"{plan.theme}.json")
    except (OSError, ValueError):
        return False
    path = out / there.file
    return (
        there.origin is not None
        and _same(there.origin, plan, request)
        and path.is_file()
        and file_sha256(path) == there.sha256
    )


def _same(origin: Origin, plan: Plan, request: Request) -> bool:
    wanted = (plan.source.code, request.box, request.resolution_m, plan.year)
    files = {file.label for file in plan.files}
    return (origin.source, origin.box, origin.resolution_m, origin.year) == wanted and {
        file.address for file in origin.files
    } == files


def _tags(source: Source) -> dict[str, str]:
    return {
        "source": source.product_en,
        "licence": source.licence,
        "citation": source.citation,
        "stand_in": str(source.stand_in_en is not None).lower(),
    }


def _blocks(
    plan: Plan,
    request: Request,
    out: Path,
    upstream: Upstream,
    reporter: Reporter,
    find_ocean: FindOcean,
    found: dict[float, int],
    threads: int,
) -> tuple[Iterator[Block], list[FilledByLine]]:
    """The blocks to write, and what fills gaps, which is known once they were read."""
    frame, source = plan.frame, plan.source
    halo, change = 0, None
    if source.water is not None:
        ocean = find_ocean(request.box, reporter)
        halo = round(2 * COAST_SPACING_M / frame.resolution_m)
        change = _sea_taken_out(frame, source.water, ocean)
    read = read_blocks(frame, plan.reading, found, halo=halo, threads=threads, change=change)
    shown = reporter.blocks(plan.theme, read, frame.width * frame.height, plan.megabytes, upstream)
    filled: list[FilledByLine] = []
    if not plan.reading.marked:
        return shown, filled
    return _filled(shown, frame, out, filled), filled


def _filled(
    blocks: Iterator[Block], frame: Frame, out: Path, filled: list[FilledByLine]
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


def _sea_taken_out(
    frame: Frame, water: int, ocean: MultiPolygon
) -> Callable[[Window, Values], Values]:
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


def _refuse_unexplained(plan: Plan, found: dict[float, int]) -> None:
    unknown = clean.unexplained(plan.reading.codes, found)
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
    plan: Plan,
    request: Request,
    entry: ThemeSources,
    path: Path,
    upstream: Upstream,
    found: dict[float, int],
    filled: Sequence[FilledByLine],
) -> DatasetDescription:
    source, frame = plan.source, plan.frame
    used = {scene.name for scene in frame.scenes}
    read = [item for item in plan.items if _scene_name(item) in used]
    first, last = _observed(source, plan.year, read)
    files = tuple(
        OriginFile(
            address=file.file.label,
            item=item.name,
            moment=item.moment,
            mark=upstream.etag(file.file),
        )
        for item in read
        for file in item.files.values()
    )
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
        source=f"{source.product_en}; {_place(files)}",
        licence=licence if source.water is None else f"{licence}. Coast: {ODBL}",
        processing=_processing(plan, len(read), found, filled),
        edge_water=None if source.water is None else "inland",
        class_scheme=source.class_scheme,
        bands=source.bands if len(source.bands) > 1 else (),
        observed_from=first,
        observed_to=last,
        sha256=file_sha256(path),
        origin=Origin(
            source=source.code,
            box=request.box,
            resolution_m=request.resolution_m,
            year=plan.year,
            citation=source.citation,
            files=files,
        ),
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


def _processing(
    plan: Plan, items: int, found: dict[float, int], filled: Sequence[FilledByLine]
) -> str:
    source, reading = plan.source, plan.reading
    scales = ", ".join(sorted({f"{scale:g}" for scale in reading.scales.values()}))
    unit = "gC/m²/yr" if plan.theme.startswith("npp") else "in the theme's unit"
    meant = tuple(code for code in reading.codes if code.raw not in reading.marked)
    told = clean.explained(meant, found, unit)
    marked = ", ".join(f"{raw:.0f}" for raw in sorted(reading.marked))
    parts = [
        f"windows of {items} items, {reading.combine}, raw × {scales} + {reading.offset:g}",
        f"{plan.frame.native} × {plan.frame.native} cells joined by {reading.join}"
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
        "" if source.water is None else "water of the OpenStreetMap ocean is the sea, 0",
    ]
    return "; ".join(part for part in parts if part)
