"""The inputs of which more is needed than one window: aligned beforehand, beyond the region too."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from shanhai.processes.assess_ecoservices import source_layers
from shanhai.processes.kit.region import Place, Tally, possible, windows_of
from shanhai.raster.store import ScratchStore
from shanhai.raster.themes import THEME_RULES
from shanhai.raster.warp import RasterQuantity, RasterSource, align, align_classes
from shanhai.science.ecoservices.inputs import Leaf
from shanhai.science.grid import BoolArray, IntArray, Window
from shanhai.science.landcover import NODATA, LandCover

COVER = "land_cover"
SHARES: Mapping[str, LandCover] = {"built_up": LandCover.BUILT_UP, "cropland": LandCover.CROPLAND}
"""Leaves that are the share of a class, as `align_classes` gives them."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """What alignment found out.

    Attributes:
        tallies: What each theme that was aligned holds on the land of the region.
        totals: Sum of the counted quantities over the wide grid, by theme.
        classes: Land cells of the region by land-cover class.
        cover_cut: Whether land cover ends at the region's border, see `write_land`.
    """

    tallies: Mapping[str, Tally]
    totals: Mapping[str, float]
    classes: Mapping[int, int]
    cover_cut: bool


def align_wide(
    place: Place,
    leaves: Mapping[str, Leaf],
    themes: frozenset[str],
    stores: source_layers.Stores,
    *,
    fill_zero: bool,
    told: Callable[[float], None],
) -> Aligned:
    """Write land, and every leaf of the themes, on the wide grid; `told` hears the share done.

    Args:
        place: The region with its rasters.
        leaves: What is read, by name.
        themes: Themes to be aligned; land cover is among them wherever it is given.
        stores: Where the layers go.
        fill_zero: Whether gaps of night lights and population are 0.
        told: Hears the share done, 0–1.
    """
    sources, runner = place.sources, place.runner
    windows = windows_of(place.area.wide)
    told(0.0)
    cover_cut = _align_land(place, stores, windows)
    tallies: dict[str, Tally] = {}
    classes: dict[int, int] = {}
    if COVER in sources:
        tallies[COVER], classes = _look_at_cover(place, stores)
    totals: dict[str, float] = {}
    others = sorted(themes - {COVER})
    for done, theme in enumerate(others):
        told((done + 1) / (len(others) + 1))
        wanted = tuple(source_layers.leaves_of(theme, leaves))
        for leaf in wanted:
            source_layers.make_room(stores.wide, leaf.name, "1", source_layers.bands_of(leaf.name))
        filled = fill_zero and theme in source_layers.FILLED_THEMES
        run = partial(_align_theme, sources[theme], theme, wanted, stores.wide, filled)
        parts = list(runner.remembered().run(run, windows))
        tallies[theme] = Tally.together(part for part, _ in parts)
        if THEME_RULES[theme].quantity is RasterQuantity.EXTENSIVE:
            totals[theme] = sum(total for _, total in parts)
    return Aligned(tallies, totals, classes, cover_cut)


def _align_land(place: Place, stores: source_layers.Stores, windows: list[Window]) -> bool:
    """Land cover, if there is any, and the land layer; see `write_land` for the result."""
    runner, source = place.runner, place.sources.get(COVER)
    if source is not None:
        for layer in (COVER, *SHARES):
            stores.wide.create(layer)
        for _ in runner.remembered().run(partial(_align_cover, source, stores.wide), windows):
            pass
    cell_m = source.resolution if source else 0.0
    return source_layers.write_land(place.area, stores.wide, runner, windows, cell_m)


def _align_cover(source: RasterSource, store: ScratchStore, window: Window) -> None:
    """Land cover, and beside its commonest class the share of some classes in each cell."""
    classes, *shares = align_classes(source, store.grid, window, *SHARES.values())
    store.write(COVER, window, classes)
    for layer, share in zip(SHARES, shares, strict=True):
        store.write(layer, window, share)


def _look_at_cover(place: Place, stores: source_layers.Stores) -> tuple[Tally, dict[int, int]]:
    parts = list(place.runner.run(partial(_tally_cover, stores), list(place.windows())))
    counts = np.sum([counts for _, counts in parts], axis=0)
    classes = {code: int(cells) for code, cells in enumerate(counts) if code != NODATA and cells}
    return Tally.together(part for part, _ in parts), classes


def _tally_cover(stores: source_layers.Stores, window: Window) -> tuple[Tally, IntArray]:
    """What land cover holds in a window of the region, and the land cells of each class."""
    cover = stores.wide.read(COVER, stores.on_wide(window))[np.newaxis]
    land: BoolArray = stores.land_codes(window) == source_layers.LAND
    known = source_layers.known_cells(COVER, cover)
    codes = cover[0][land & known].astype(np.int64)
    counts = np.bincount(codes, minlength=len(LandCover) + 1)
    return source_layers.tally(COVER, cover, known, np.zeros_like(land), land), counts


def _align_theme(
    source: RasterSource,
    theme: str,
    leaves: tuple[Leaf, ...],
    store: ScratchStore,
    filled: bool,
    window: Window,
) -> tuple[Tally, float]:
    """Align a window; returns what it holds on land, and the sum of its first band."""
    bands, impossible = possible(theme, align(source, store.grid, window))
    land: BoolArray = store.read_classes(source_layers.LAND_LAYER, window) == source_layers.LAND
    part = source_layers.tally(
        theme, bands, source_layers.known_cells(theme, bands), impossible, land
    )
    total = float(np.nansum(bands[0]))
    shown = np.nan_to_num(bands, nan=0.0) if filled else bands
    for leaf in leaves:
        source_layers.write_layer(store, leaf.name, window, leaf.take(shown))
    return part, total
