"""What a computation reads and keeps: its land, sources as they are needed, scratch rasters."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from shapely.geometry.base import BaseGeometry

from shanhai.processes.kit.region import StudyArea, Tally, possible
from shanhai.raster.cells import cells_within
from shanhai.raster.resampling import CellCentres
from shanhai.raster.store import ScratchStore
from shanhai.raster.themes import MONTHS, THEME_RULES
from shanhai.raster.warp import RasterQuantity, RasterSource, align
from shanhai.raster.windows import WindowRunner
from shanhai.science.ecoservices.computation import CLASS_UNITS, Array
from shanhai.science.ecoservices.graph import LayerNode
from shanhai.science.ecoservices.inputs import LEAVES, Leaf
from shanhai.science.ecoservices.plan import ComputationPlan
from shanhai.science.grid import BoolArray, ClassArray, FloatArray, Grid, Window
from shanhai.science.landcover import NODATA

LAND_LAYER = "land"
SEA, LAND = 1, 2
"""Codes of the land layer on the wide grid; 0 lies outside the region."""

MARINE = 0
"""The land-cover code of the sea; NaN lies outside the land-cover raster."""

_BORDER_CELLS = 2.0
"""Within so many cells of the border a class may come from either side of it."""


@dataclass(frozen=True, slots=True)
class _Borders:
    """The region, what is surely inside it, and what is not surely outside."""

    outline: BaseGeometry
    core: BaseGeometry
    reach: BaseGeometry


def write_land(
    area: StudyArea,
    wide: ScratchStore,
    runner: WindowRunner,
    windows: list[Window],
    source_m: float,
) -> bool:
    """Write the land layer; without land cover the whole region is land.

    Land cover that was cut along the border of an inland region holds 0 beyond it, as the sea
    does. Where it knows no class beyond the border and no sea within, its 0 is unknown, not sea.

    Args:
        area: The study area.
        wide: The store of the wide grid, where land cover is already aligned if there is any.
        runner: Runs the windows.
        windows: Windows that cover the wide grid.
        source_m: Cell of the land-cover raster, m.

    Returns:
        Whether land cover turned out to be cut along the border.
    """
    wide.create_classes(LAND_LAYER)
    margin = _BORDER_CELLS * max(area.grid.cell_m, source_m)
    borders = _Borders(area.outline, area.outline.buffer(-margin), area.outline.buffer(margin))
    found = list(runner.run(partial(_write_land, borders, wide), windows))
    knows_beyond = any(telling for telling, _ in found)
    has_sea = any(sea for _, sea in found)
    if knows_beyond or not has_sea:
        return False
    for _ in runner.run(partial(_forget_sea, wide), windows):
        pass
    return True


def _write_land(borders: _Borders, wide: ScratchStore, window: Window) -> tuple[bool, bool]:
    """Write a window.

    Returns:
        Whether land cover proves to know what lies beyond the border, and whether there is any sea.
    """
    inside = cells_within(borders.outline, wide.grid, window)
    if not wide.has("land_cover"):
        wide.write_classes(LAND_LAYER, window, np.where(inside, np.uint8(LAND), np.uint8(0)))
        return False, False
    cover = wide.read("land_cover", window)
    sea = cover == MARINE
    codes = np.where(sea, np.uint8(SEA), np.uint8(LAND))
    wide.write_classes(LAND_LAYER, window, np.where(inside, codes, np.uint8(0)))
    beyond: BoolArray = ~cells_within(borders.reach, wide.grid, window)
    within = np.zeros_like(sea)
    if not borders.core.is_empty:
        within = cells_within(borders.core, wide.grid, window)
    telling = bool((beyond & (cover > MARINE)).any() or (within & sea).any())
    return telling, bool(sea.any())


def _forget_sea(wide: ScratchStore, window: Window) -> None:
    cover, land = wide.read("land_cover", window), wide.read_classes(LAND_LAYER, window)
    sea = cover == MARINE
    wide.write("land_cover", window, np.where(sea, np.nan, cover))
    wide.write_classes(LAND_LAYER, window, np.where(land == SEA, np.uint8(LAND), land))


FILLED_THEMES = frozenset({"night_lights", "population"})
"""Themes whose gaps may be taken for 0."""

_LON_LAT = "EPSG:4490"


@dataclass(frozen=True, slots=True)
class Stores:
    """Scratch layers on the analysis grid and on the wide one."""

    own: ScratchStore
    wide: ScratchStore
    pad: int

    def on_wide(self, window: Window) -> Window:
        """The window of the wide grid that covers the same cells."""
        return Window(window.row + self.pad, window.col + self.pad, window.height, window.width)

    def land_codes(self, window: Window) -> ClassArray:
        """Codes of the land layer in a window of the analysis grid."""
        return self.wide.read_classes(LAND_LAYER, self.on_wide(window))


@dataclass(frozen=True, slots=True)
class Noted:
    """What reading the sources told in one window.

    Attributes:
        inside: Cells of the region.
        sea: Those of them that are sea.
        tallies: What each theme holds on land.
        totals: Sum of the counted quantities over all cells of the window, by theme.
    """

    inside: int
    sea: int
    tallies: Mapping[str, Tally]
    totals: Mapping[str, float]


@dataclass(slots=True)
class _Opened:
    """The themes that were aligned for one window."""

    window: Window | None = None
    bands: dict[str, FloatArray] = field(default_factory=dict)
    unknown: dict[str, BoolArray] = field(default_factory=dict)
    noted: dict[str, Tally] = field(default_factory=dict)
    totals: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SourceLayers:
    """The layers of a study area; windows are of the analysis grid, and may begin beyond it.

    Attributes:
        stores: Scratch layers.
        sources: Rasters by theme.
        wide: Themes that were aligned beforehand, on the wide grid.
        fill_zero: Whether gaps of night lights and population are 0.
        rowless: Land-cover classes without parameters, which do not occur in the region.
    """

    stores: Stores
    sources: Mapping[str, RasterSource]
    wide: frozenset[str]
    fill_zero: bool
    rowless: tuple[int, ...] = ()
    _opened: _Opened = field(default_factory=_Opened)

    def leaf(self, name: str, window: Window) -> Array:
        """A layer that is read: from the wide grid, or aligned for this window."""
        leaf = LEAVES[name]
        if leaf.theme is None:
            return self._latitude(window)
        if leaf.theme in self.wide:
            return self._wide(leaf, window)
        return _typed(leaf, leaf.take(self._bands(leaf.theme, window)))

    def read(self, key: str, window: Window) -> Array:
        """A layer that was kept, or worked out on the wide grid."""
        own = self.stores.own
        if own.has(key) or own.has(_part(key, 0)):
            return read_layer(own, key, window)
        return read_layer(self.stores.wide, key, self.stores.on_wide(window))

    def write(self, key: str, window: Window, values: Array) -> None:
        """Keep a window; the room for it was made before."""
        write_layer(self.stores.own, key, window, values)

    def land(self, window: Window) -> BoolArray:
        """Cells of the region that are not sea."""
        return np.asarray(self.stores.land_codes(window) == LAND)

    def unknown(self, window: Window) -> Mapping[str, BoolArray]:
        """By theme, where it has no value; where gaps are filled there is none."""
        found = dict(self._opened.unknown)
        for theme in sorted(self.wide):
            if THEME_RULES[theme].quantity is not RasterQuantity.PRESENCE:
                found[theme] = self._wide_unknown(theme, window)
        return found

    def notes(self, window: Window) -> Noted:
        """What the window holds of the region, and of the themes that were aligned for it."""
        codes = self.stores.land_codes(window)
        inside, sea = int(np.count_nonzero(codes)), int(np.count_nonzero(codes == SEA))
        return Noted(inside, sea, dict(self._opened.noted), dict(self._opened.totals))

    def _wide_unknown(self, theme: str, window: Window) -> BoolArray:
        names = wide_layers(theme, self.stores.wide)
        place = self.stores.on_wide(window)
        return np.asarray(np.isnan(self.stores.wide.read_stored(names[0], place)))

    def _wide(self, leaf: Leaf, window: Window) -> Array:
        place, wide = self.stores.on_wide(window), self.stores.wide
        if leaf.theme != "land_cover" or leaf.of_class is not None:
            return _typed(leaf, read_layer(wide, leaf.name, place))
        cover = wide.read("land_cover", place)
        if leaf.unit == "bool":
            return np.asarray(cover == NODATA)
        codes = _codes(cover)
        # Beyond the region there may be classes without parameters; they count as unknown.
        return np.where(np.isin(codes, self.rowless), np.uint8(NODATA), codes)

    def _latitude(self, window: Window) -> FloatArray:
        grid, place = self.stores.wide.grid, self.stores.on_wide(window)
        centres = CellCentres(grid.transform, grid.cell_m, f"EPSG:{grid.epsg}", _LON_LAT)
        return centres.within(place)[1]

    def _bands(self, theme: str, window: Window) -> FloatArray:
        opened = self._opened
        if opened.window != window:
            _reset(opened, window)
        if theme not in opened.bands:
            opened.bands[theme] = self._open(theme, window)
        return opened.bands[theme]

    def _open(self, theme: str, window: Window) -> FloatArray:
        """Align a theme for a window, and note what it holds."""
        found, impossible = possible(
            theme, align(self.sources[theme], self.stores.own.grid, window)
        )
        opened, rule = self._opened, THEME_RULES[theme]
        known = known_cells(theme, found)
        opened.noted[theme] = tally(theme, found, known, impossible, self.land(window))
        if rule.quantity is RasterQuantity.EXTENSIVE:
            opened.totals[theme] = float(np.nansum(found))
        if self.fill_zero and theme in FILLED_THEMES:
            return np.nan_to_num(found, nan=0.0)
        if rule.quantity is not RasterQuantity.PRESENCE:
            opened.unknown[theme] = ~known
        return found


def _reset(opened: _Opened, window: Window) -> None:
    opened.window = window
    for part in (opened.bands, opened.unknown, opened.noted, opened.totals):
        part.clear()


def known_cells(theme: str, bands: FloatArray) -> BoolArray:
    """Cells in which every band of a theme has a value; class 0 is none, but for land cover."""
    known: BoolArray = np.logical_not(np.isnan(bands).any(axis=0))
    if THEME_RULES[theme].quantity is RasterQuantity.CATEGORICAL and theme != "land_cover":
        known &= bands[0] != NODATA
    return known


def tally(
    theme: str, bands: FloatArray, known: BoolArray, impossible: BoolArray, land: BoolArray
) -> Tally:
    """What a window holds on land, before gaps are filled; classes have no mean.

    Twelve months are told as the year they make.
    """
    shown = bands
    if THEME_RULES[theme].categorical:
        shown = bands[:0]
    elif len(bands) == MONTHS and theme in LEAVES:
        shown = LEAVES[theme].take(bands)
        shown = shown if shown.ndim > 2 else shown[np.newaxis]
    return Tally.of(shown, known, impossible, land)


def wide_layers(theme: str, store: ScratchStore) -> list[str]:
    """Names of a theme's layers on the wide grid."""
    names = [name for name, leaf in LEAVES.items() if leaf.theme == theme]
    return [part for name in names for part in (name, _part(name, 0)) if store.has(part)]


def leaves_of(theme: str, leaves: Mapping[str, Leaf]) -> Iterator[Leaf]:
    """What is read of a theme."""
    return (leaf for leaf in leaves.values() if leaf.theme == theme)


def write_layer(store: ScratchStore, key: str, window: Window, values: Array) -> None:
    """Store a window of a layer, band by band where it has several."""
    if values.dtype == np.uint8:
        store.write_classes(key, window, values)
    elif values.ndim == 2:
        store.write(key, window, values)
    else:
        for number, band in enumerate(values):
            store.write(_part(key, number), window, band)


def make_room(store: ScratchStore, key: str, unit: str, bands: int) -> None:
    """Make room for a layer in a store."""
    if unit in CLASS_UNITS:
        store.create_classes(key)
    elif bands == 1:
        store.create(key)
    else:
        for number in range(bands):
            store.create(_part(key, number))


def bands_of(key: str) -> int:
    """Layers that a key is stored in: twelve for the months, else one."""
    return MONTHS if key in LEAVES and LEAVES[key].bands == (MONTHS,) else 1


def read_layer(store: ScratchStore, key: str, window: Window) -> Array:
    """A window of a layer as it was written."""
    if store.has_classes(key):
        return store.read_classes(key, window)
    if store.has(key):
        return store.read(key, window)
    return np.stack([store.read(_part(key, number), window) for number in range(MONTHS)])


def _part(key: str, number: int) -> str:
    return f"{key}@{number}"


def _typed(leaf: Leaf, values: FloatArray) -> Array:
    return _codes(values) if leaf.unit == "class" else values


def _codes(values: FloatArray) -> ClassArray:
    return np.nan_to_num(values, nan=float(NODATA)).astype(np.uint8)


def extent(area: StudyArea) -> Window:
    """All cells of the wide grid, as a window of the analysis grid."""
    grid: Grid = area.wide
    return Window(-area.pad, -area.pad, grid.height, grid.width)


@dataclass(frozen=True, slots=True)
class _Named:
    """Layers of a store under the names a tiled function knows them by."""

    store: ScratchStore
    keys: Mapping[str, str]

    def read(self, name: str, window: Window) -> FloatArray:
        """Values of a window; NaN is nodata."""
        return self.store.read(self.keys.get(name, name), window)

    def write(self, name: str, window: Window, values: FloatArray) -> None:
        """Store the values of a window."""
        self.store.write(self.keys.get(name, name), window, values)


def work_out_tiled(plan: ComputationPlan, stores: Stores, runner: WindowRunner) -> None:
    """Write every such layer on the wide grid, each after those it rests on."""
    for key in plan.tiled:
        _work_out(plan.nodes[key], plan.cell_m, stores.wide, runner)


def _work_out(node: LayerNode, cell_m: float, store: ScratchStore, runner: WindowRunner) -> None:
    tiled = node.tiled
    if tiled is None:
        return
    scratch = {name: f"{node.key}~{name}" for name in tiled.scratch}
    for key in (node.key, *scratch.values()):
        store.create(key)
    layers = _Named(store, dict(node.inputs) | scratch | {node.name: node.key})
    given = {"cell_m": cell_m} if node.takes_cell else {}
    tiled.function(layers, store.grid.shape, run=runner.run, **given, **node.constants)
    store.drop(*scratch.values())
