"""What a theme would be made of: the first source that answers, its files, grid and size."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from shanhai.data.download import Reporter
from shanhai.data.locate import FoundItem, Wanted, find_items
from shanhai.data.regions import Box
from shanhai.data.sources import LINE_OF_NDVI, OpenSources, Source
from shanhai.data.upstream import RemoteFile, Upstream
from shanhai.errors import InvalidInput, NotFound, Unavailable
from shanhai.raster import clean
from shanhai.raster.remote import Decoding, RemoteFrame, RemoteRaster, RemoteScene, frame_of

_LOOKING = 8
"""Files that are asked for at once; a publisher that finds it too many says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
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
class FetchPlan:
    """What of which source makes a theme."""

    theme: str
    source: Source
    year: int | None
    items: tuple[FoundItem, ...]
    frame: RemoteFrame
    decoding: Decoding
    megabytes: float

    @property
    def read(self) -> list[FoundItem]:
        """The items that touch the grid."""
        used = {scene.name for scene in self.frame.scenes}
        return [item for item in self.items if scene_name(item) in used]

    @property
    def files(self) -> list[RemoteFile]:
        """The files that are read."""
        return [found.file for item in self.read for found in item.files.values()]


def plan_theme(
    theme: str, request: FetchRequest, sources: OpenSources, upstream: Upstream, reporter: Reporter
) -> FetchPlan:
    """Look at what a theme would be made of; only heads of files are read.

    The sources are tried in their order; what keeps one from being taken is told.

    Raises:
        InvalidInput: no source is known, or the one asked for does not exist.
        Unavailable: none of them can be taken; says why of each.
    """
    reasons = []
    for source in sources.chosen(theme, request.only.get(theme)):
        try:
            return _plan(theme, source, request, sources, upstream)
        except (NotFound, Unavailable, InvalidInput) as error:
            reporter.say(f"{theme}: {source.code} cannot be taken: {error.message}")
            reasons.append(f"{source.code}: {error.message}")
    raise Unavailable(
        "no source can be taken; " + "; ".join(reasons),
        message_zh="没有可用的数据源；" + "；".join(reasons),
    )


def _plan(
    theme: str, source: Source, request: FetchRequest, sources: OpenSources, upstream: Upstream
) -> FetchPlan:
    year = source.year_for(request.year)
    items = find_items(upstream, sources, source, Wanted(request.box, year, request.country))
    with ThreadPoolExecutor(_LOOKING) as pool:
        known = list(pool.map(lambda item: _is_there(item, upstream), items))
    there = [item for item, is_there in zip(items, known, strict=True) if is_there]
    if not there:
        raise NotFound(f"{source.code} has no file of the box {request.box}")
    decoding = _decoding(theme, source)
    scenes = [_scene(item, upstream) for item in there]
    frame = frame_of(scenes, request.box, decoding, resolution_m=request.resolution_m)
    used = {scene.name for scene in frame.scenes}
    size = sum(
        frame.share(found.file.label) * upstream.size(found.file)
        for item in there
        if scene_name(item) in used
        for found in item.files.values()
    )
    return FetchPlan(theme, source, year, tuple(there), frame, decoding, size / 1e6)


def _is_there(item: FoundItem, upstream: Upstream) -> bool:
    """Whether its files exist: over the sea a publisher has no tiles."""
    try:
        for found in item.files.values():
            upstream.stored(found.file)
    except NotFound:
        return False
    return True


def scene_name(item: FoundItem) -> str:
    """Tells an item from others of its source."""
    return f"{item.name} {item.moment}"


def _scene(item: FoundItem, upstream: Upstream) -> RemoteScene:
    def opened(file: RemoteFile) -> RemoteRaster:
        return RemoteRaster(file.label, lambda: upstream.open(file))

    rasters = {}
    for name, found in item.files.items():
        raster = opened(found.file)
        rasters[name] = RemoteRaster(raster.label, raster.open, found.scale, found.offset)
    return RemoteScene(scene_name(item), item.moment, rasters)


def _decoding(theme: str, source: Source) -> Decoding:
    stated: dict[str, clean.CodeValue] = {
        raw: "nodata" if value == LINE_OF_NDVI else value for raw, value in source.codes.items()
    }
    marked = frozenset(float(raw) for raw, value in source.codes.items() if value == LINE_OF_NDVI)
    return Decoding(
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
