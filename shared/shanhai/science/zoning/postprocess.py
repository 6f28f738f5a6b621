"""From the raster of unit labels to the final zones, in the order of the method, tile by tile."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import BoolArray, ClassArray, IntArray, Window
from shanhai.science.hydrology.tiles import TILE_CELLS, Run, TileLayout
from shanhai.science.zoning.delineation import RATIO
from shanhai.science.zoning.patches import (
    add_by_patch,
    contacts,
    label_patches,
    majority_filter,
    mark_patches,
    min_patch_cells,
    recode,
    within,
)
from shanhai.science.zoning.seams import (
    ClassLayers,
    SeamGraph,
    TilePatches,
    around,
    describe_tile,
    join_tiles,
    sieve_patches,
)
from shanhai.science.zoning.zone_names import KEY_PROTECTION
from shanhai.vocabulary import Label

BY_UNIT = "zones_by_unit"
FLOOR = "protection_floor"
"""Class layer of the least protection the law asks for; zones are held to it where it exists."""
ZONES, BEFORE, OVERRIDE = "zones", "zones_before_overlay", "override_source"
"""Class layers of the outcome; the latter two only with an overlay."""
_SMOOTH, _SIEVED, _MOVED = "zones.smooth", "zones.sieved", "zones.moved"

GENERAL_PROTECTION = 3
PRIORITY_RESTORATION = 4
GENERAL_RESTORATION = 5

PERIPHERY_M = 2_000.0
ABSORB_MMU_FACTOR = 4

STRICT_PROTECTION = 1
"""Codes of the least protection the law asks for; also those of `override_source`."""


@dataclass(frozen=True, slots=True)
class PostprocessSettings:
    """What a run may change.

    Attributes:
        majority_rounds: Repetitions of the majority filter, 0–3.
        mmu_ha: Minimum mapping unit, ha.
        periphery_m: Reach of priority restoration, m.
        ring_m: Width of the restoration ring, m; 0 is off.
    """

    majority_rounds: int = 1
    mmu_ha: float = 5.0
    periphery_m: float = PERIPHERY_M
    ring_m: float = 0.0

    def __post_init__(self) -> None:
        """Refuse settings outside the method."""
        if not 0 <= self.majority_rounds <= 3:
            raise InvalidInput(
                f"majority_rounds is {self.majority_rounds}; it must lie between 0 and 3",
                message_zh=f"majority_rounds 为 {self.majority_rounds}，须在 0 与 3 之间",
                pointer="/majority_rounds",
            )
        for name in ("mmu_ha", "periphery_m", "ring_m"):
            if not getattr(self, name) >= 0:
                raise InvalidInput(
                    f"{name} is {getattr(self, name)}; it must be at least 0",
                    message_zh=f"{name} 为 {getattr(self, name)}，不得为负",
                    pointer=f"/{name}",
                )


@dataclass(frozen=True, slots=True)
class Postprocessed:
    """How the final class raster came about.

    Attributes:
        changed_cells: Cells each step changed, in order.
        override_cells: Cells whose zone the overlay raised, by the protection the law asks for: 1
            in the core of a reserve, 2 within the other red line. None without overlay.
        periphery_share: Part of the general restoration area that is peripheral, 0–1.
        detached_patches: Patches of general restoration away from priority restoration.
    """

    changed_cells: dict[str, int]
    override_cells: dict[int, int] | None
    periphery_share: float
    detached_patches: int

    @property
    def flags(self) -> tuple[ResultFlag, ...]:
        """What a planner should know."""
        return _flags(self.detached_patches)


@dataclass(frozen=True, slots=True)
class _Ground:
    """What the steps of a tile need."""

    layers: ClassLayers
    tiles: TileLayout
    cell_m: float
    settings: PostprocessSettings
    overlay: bool

    def codes(self, layer: str, window: Window) -> ClassArray:
        return self.layers.read_classes(layer, window)

    def floor(self, window: Window) -> ClassArray | None:
        return self.layers.read_classes(FLOOR, window) if self.overlay else None

    def describe(self, codes: NDArray[np.uint8], window: Window) -> TilePatches:
        return describe_tile(codes, window, self.tiles.width)[0]


def postprocess(
    layers: ClassLayers,
    shape: tuple[int, int],
    cell_m: float,
    settings: PostprocessSettings | None = None,
    *,
    overlay: bool = False,
    run: Run = map,
    tile: int = TILE_CELLS,
) -> Postprocessed:
    """Majority, sieve, periphery rule, ring, overlay, sieve; the same bytes whatever the tiles.

    Reads the layers `BY_UNIT` (labels of the units, 0 nodata, which no step fills), `RATIO` (−2…2,
    NaN nodata) and, with an overlay, `FLOOR`: 1 where the law asks for at least strict protection,
    2 for at least key protection, 0 elsewhere. Leaves `ZONES`, and with an overlay `BEFORE`, the
    zones without it, and `OVERRIDE`: where it raised a zone, what the law asks for.

    Args:
        layers: Where they are.
        shape: Rows and columns.
        cell_m: Side of a cell, m.
        settings: Defaults of the method unless given.
        overlay: Whether zones are held to `FLOOR`.
        run: Maps a picklable function over the tiles, results in order.
        tile: Side of a tile, cells; tiles are as wide as the periphery rule looks at least.
    """
    settings = settings or PostprocessSettings()
    min_cells = min_patch_cells(settings.mmu_ha, cell_m)
    reach = max(_reach(one, cell_m, shape)[0] for one in (settings.periphery_m, settings.ring_m))
    tiles = TileLayout(*shape, max(tile, tile * math.ceil(reach / tile)))
    ground = _Ground(layers, tiles, cell_m, settings, overlay)
    changed: dict[str, int] = {}

    _make(layers, _SMOOTH)
    smoothed = list(run(partial(_smooth, ground), tiles.windows))
    changed["majority"] = sum(count for count, _ in smoothed)
    graph = join_tiles(tiles, (found for _, found in smoothed))
    _make(layers, _SIEVED)
    codes = sieve_patches(graph, min_cells)
    changed["sieve"] = _recode(ground, graph.by_tile(codes, graph.codes), (_SMOOTH, _SIEVED), run)

    around_priority = list(run(partial(_restoration, ground), tiles.windows))
    restoration = join_tiles(tiles, (found.patches for found in around_priority), corners=True)
    moved = _move(restoration, around_priority, min_cells)
    _make(layers, _MOVED)
    stayed = np.full_like(moved.codes, GENERAL_RESTORATION)
    by_tile = restoration.by_tile(moved.codes, stayed)
    changed["periphery"] = _recode(ground, by_tile, (_SIEVED, _MOVED), run)

    _make(layers, BEFORE)
    overlaid = list(run(partial(_ring_and_overlay, ground), tiles.windows))
    changed["ring"] = sum(ring for ring, _, _ in overlaid)
    changed["overlay"] = sum(raised for _, raised, _ in overlaid)
    graph = join_tiles(tiles, (found for _, _, found in overlaid))
    _make(layers, ZONES, *([OVERRIDE] if overlay else []))
    by_tile = graph.by_tile(sieve_patches(graph, min_cells), graph.codes)
    finished = list(run(partial(_finish, ground), list(zip(tiles.windows, by_tile, strict=True))))
    changed["final_sieve"] = sum(count for count, _ in finished)
    layers.drop(_SMOOTH, _SIEVED, _MOVED, *([] if overlay else [BEFORE]))
    raised = np.sum([counts for _, counts in finished], axis=0)
    return Postprocessed(
        changed_cells=changed,
        override_cells=dict(enumerate(raised.tolist())) if overlay else None,
        periphery_share=moved.share,
        detached_patches=moved.detached,
    )


def _make(layers: ClassLayers, *names: str) -> None:
    for name in names:
        layers.create_classes(name)


def _smooth(ground: _Ground, window: Window) -> tuple[int, TilePatches]:
    """Majority of a tile; cells that changed, and the patches there are now."""
    outer = around(ground.tiles, window, ground.settings.majority_rounds)
    before = smooth = ground.codes(BY_UNIT, outer)
    for _ in range(ground.settings.majority_rounds):
        smooth = majority_filter(smooth)
    inner = window.slices_within(outer)
    before, smooth = before[inner], np.ascontiguousarray(smooth[inner])
    ground.layers.write_classes(_SMOOTH, window, smooth)
    return int(np.count_nonzero(before != smooth)), ground.describe(smooth, window)


def _recode(
    ground: _Ground, by_tile: Iterable[ClassArray | None], names: tuple[str, str], run: Run
) -> int:
    """Give patches their codes, from one layer to another; returns how many cells changed."""
    items = list(zip(ground.tiles.windows, by_tile, strict=True))
    return sum(run(partial(_recode_tile, ground, *names), items))


def _recode_tile(
    ground: _Ground, before: str, after: str, item: tuple[Window, ClassArray | None]
) -> int:
    window, code_of = item
    codes, changed = ground.codes(before, window), 0
    if code_of is not None:
        # Patches of general restoration alone are told apart where they may move.
        patches = label_patches(codes)[0] if after == _SIEVED else _restoration_patches(codes)
        changed = int(recode(patches, code_of, codes))
    ground.layers.write_classes(after, window, codes)
    return changed


@dataclass(frozen=True, slots=True)
class _Restoration:
    """Patches of general restoration (8-connected) of a tile, and what is around and within them.

    Attributes:
        patches: The patches.
        touches: Whether each touches priority restoration.
        others: Whether each touches anything else.
        near: Whether each has a cell within reach of priority restoration.
        sums: Upper and lower halves of the sum of the ratio, as `add_by_patch` has them.
        known: Cells with a ratio.
    """

    patches: TilePatches
    touches: BoolArray
    others: BoolArray
    near: BoolArray
    sums: IntArray
    known: IntArray


def _restoration_patches(codes: ClassArray) -> NDArray[np.int32]:
    return label_patches((codes == GENERAL_RESTORATION).view(np.uint8), 8)[0]


def _restoration(ground: _Ground, window: Window) -> _Restoration:
    shape = ground.tiles.height, ground.tiles.width
    halo, square = _reach(ground.settings.periphery_m, ground.cell_m, shape)
    outer = around(ground.tiles, window, max(halo, 1))
    codes = ground.codes(_SIEVED, outer)
    inner = window.slices_within(outer)
    mask = np.ascontiguousarray(codes[inner] == GENERAL_RESTORATION).view(np.uint8)
    found, patches = describe_tile(mask, window, ground.tiles.width, corners=True)
    count = len(found.sizes) - 1
    touches, others, near = np.zeros((3, count + 1), dtype=np.bool_)
    sums, known = np.zeros((2, count + 1), dtype=np.int64), np.zeros(count + 1, dtype=np.int64)
    if count:
        at = window.row - outer.row, window.col - outer.col
        touches, others = contacts(patches, codes, *at, count, PRIORITY_RESTORATION)
        mark_patches(patches, within(codes, PRIORITY_RESTORATION, square)[inner], near)
        add_by_patch(patches, ground.layers.read_stored(RATIO, window), sums, known)
    return _Restoration(found, touches, others, near, sums, known)


@dataclass(frozen=True, slots=True)
class _Moved:
    """What becomes of the patches of general restoration.

    Attributes:
        codes: New code of each.
        share: Part of the general restoration area that is peripheral, 0–1; 1 without such area.
        detached: Patches far from priority restoration that stay for their deficit.
    """

    codes: IntArray
    share: float
    detached: int


def _move(graph: SeamGraph, found: Sequence[_Restoration], min_cells: int) -> _Moved:
    """Move patches of general restoration (8-connected) to where the plan's wording puts them.

    Small patches (below four minimum mapping units) with only priority restoration around them
    join it. Patches farther than the periphery from it become general protection when their mean
    ratio is not negative; with a deficit they stay and are flagged as detached. Cells without a
    ratio do not count in a mean, and a patch of only such cells has no surplus.
    """
    touches = graph.gathered([one.touches for one in found]) > 0
    others = graph.gathered([one.others for one in found]) > 0
    enclosed = touches & ~others & (graph.sizes < ABSORB_MMU_FACTOR * min_cells)
    near = (graph.gathered([one.near for one in found]) > 0) & ~enclosed
    upper, lower = (graph.gathered([one.sums[half] for one in found]) for half in (0, 1))
    surplus = (upper + (lower >> 32) >= 0) & (graph.gathered([one.known for one in found]) > 0)
    codes = np.full(len(graph.sizes), GENERAL_RESTORATION)
    codes[enclosed] = PRIORITY_RESTORATION
    codes[~enclosed & ~near & surplus] = GENERAL_PROTECTION
    stays = codes == GENERAL_RESTORATION
    stays[0] = False
    area = int(graph.sizes[stays].sum())
    share = float(graph.sizes[stays & near].sum() / area) if area else 1.0
    return _Moved(codes, share, int((stays & ~near).sum()))


def _flags(detached: int) -> tuple[ResultFlag, ...]:
    if not detached:
        return ()
    text = Label(
        f"{detached} 个一般修复与功能提升区图斑远离优先修复区，因供不应求而保留，请规划人员核定。",
        f"General restoration has {detached} {'patch' if detached == 1 else 'patches'} away from "
        "priority restoration, kept for a deficit of their own; a planner should confirm them.",
    )
    return (ResultFlag("detached", text),)


def _reach(reach_m: float, cell_m: float, shape: tuple[int, int]) -> tuple[int, int]:
    """Whole cells of a distance between cell centres, and the square of all its cells, at most."""
    cells = min(reach_m / cell_m, math.hypot(*shape))
    # A hair of tolerance, lest 2000 m at 0.1 m lose its last cell to rounding.
    square = math.floor(cells * cells * (1 + 1e-12))
    return math.isqrt(square), square


def _ring_and_overlay(ground: _Ground, window: Window) -> tuple[int, int, TilePatches]:
    """Let general protection with a deficit around priority restoration join restoration.

    Off in the default settings (`ring_m` = 0). Returns the cells that joined, those the law raises
    afterwards, and the patches there are then.
    """
    ringed = ground.codes(_MOVED, window)
    joined = 0
    if ground.settings.ring_m > 0:
        joins = _near_ring(ground, window) & (ringed == GENERAL_PROTECTION)
        joins &= ground.layers.read_stored(RATIO, window) < 0
        ringed[joins] = GENERAL_RESTORATION
        joined = int(np.count_nonzero(joins))
    ground.layers.write_classes(BEFORE, window, ringed)
    overlaid = overlay_protection(ringed, ground.floor(window))
    return joined, int(np.count_nonzero(overlaid != ringed)), ground.describe(overlaid, window)


def _near_ring(ground: _Ground, window: Window) -> BoolArray:
    shape = ground.tiles.height, ground.tiles.width
    halo, square = _reach(ground.settings.ring_m, ground.cell_m, shape)
    outer = around(ground.tiles, window, halo)
    near = within(ground.codes(_MOVED, outer), PRIORITY_RESTORATION, square)
    return np.asarray(near[window.slices_within(outer)])


def _finish(ground: _Ground, item: tuple[Window, ClassArray | None]) -> tuple[int, IntArray]:
    """Sieve once more; cells that changed since the overlay, and those it raised, by protection."""
    window, code_of = item
    floor, before = ground.floor(window), ground.codes(BEFORE, window)
    overlaid = overlay_protection(before, floor)
    final = overlaid.copy()
    if code_of is not None:
        recode(label_patches(overlaid)[0], code_of, final)
    # A red-line patch below the mapping unit must outlive the last sieve: law before looks.
    final = overlay_protection(final, floor)
    ground.layers.write_classes(ZONES, window, final)
    raised = np.zeros(KEY_PROTECTION + 1, dtype=np.int64)
    if floor is not None:
        override = np.where(overlaid != before, floor, np.uint8(0))
        ground.layers.write_classes(OVERRIDE, window, override)
        raised += np.bincount(override.ravel(), minlength=len(raised))
    return int(np.count_nonzero(final != overlaid)), raised


def protection_floor(red_line: BoolArray, reserve_core: BoolArray) -> ClassArray:
    """The least protection the law asks for in each cell.

    Args:
        red_line: Within the ecological red line.
        reserve_core: Within the core of a nature reserve.

    Returns:
        1, strict protection, in the core; 2, key protection, in the other red line; 0 elsewhere.
    """
    floor = np.where(red_line, np.uint8(KEY_PROTECTION), np.uint8(0))
    return np.where(reserve_core, np.uint8(STRICT_PROTECTION), floor)


def overlay_protection(codes: ClassArray, floor: ClassArray | None) -> ClassArray:
    """Raise zones to the protection the law asks for; never lower one, never fill nodata."""
    if floor is None:
        return codes.copy()
    # Codes rise as protection falls, and nodata is 0, so one comparison says it all.
    return np.where((floor > 0) & (codes > floor), floor, codes)
