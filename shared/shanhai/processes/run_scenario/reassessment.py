"""The services of a region after edits of its land: only what an edit can reach is made anew.

Every number of the whole area, such as the limits of a normalisation or the cap of a ratio, is that
before the edits: what differs then comes from the edits, and no cell out of their reach changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from shanhai.errors import Fault, InvalidInput
from shanhai.processes.assess_ecoservices.alignment import COVER, SHARES
from shanhai.processes.assess_ecoservices.assessed import Assessment
from shanhai.processes.assess_ecoservices.source_layers import (
    SourceLayers,
    Stores,
    bands_of,
    extent,
    make_room,
    read_layer,
    work_out_tiled,
    write_layer,
)
from shanhai.processes.build_network.resistance import COVER_EDITS, ROAD_EDITS
from shanhai.processes.kit.region import windows_of
from shanhai.processes.run_scenario.edits import Edited
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.ecoservices.computation import Array, PlanComputation
from shanhai.science.ecoservices.plan import ComputationPlan, plan_of, reaches
from shanhai.science.grid import BoolArray, FloatArray, Window
from shanhai.science.landcover import LandCover

ROADS: Mapping[str, tuple[str, ...]] = {"roads": ("main", "minor"), "main_roads": ("main",)}
"""Kinds of roads that are drawn in the layer of each theme."""


def write_leaves(
    base: Assessment, edits: ScratchStore, stores: Stores, runner: WindowRunner
) -> tuple[str, ...]:
    """Write what is read of cover and roads after the edits, on the wide grid.

    An edited cell is wholly of its new class; a road is in every cell it touches.

    Args:
        base: The assessment before the edits.
        edits: Holds the edits.
        stores: For the layers after the edits.
        runner: Runs the windows.

    Returns:
        Names of the layers that change.
    """
    names = [name for name in _edited(edits) if name in base.plan.leaves]
    for name in names:
        stores.wide.create(name)
    windows = windows_of(stores.wide.grid)
    run = partial(_write, names, edits, stores, base.layers.stores.wide)
    for _ in runner.run(run, windows):
        pass
    return tuple(names)


def edited_cells(edits: ScratchStore, window: Window) -> BoolArray:
    """Cells of the analysis grid in which cover or roads are edited."""
    found = np.zeros((window.height, window.width), dtype=bool)
    for layer in (COVER_EDITS, *ROAD_EDITS.values()):
        if edits.has(layer):
            found |= edits.read_classes(layer, window) > 0
    return found


def within_region(stores: Stores, window: Window) -> tuple[Window, tuple[slice, slice]] | None:
    """The cells of a window of the wide grid that lie on the analysis grid.

    Returns:
        Their window of the analysis grid, and their place in the window; None without any.
    """
    grid, pad = stores.own.grid, stores.pad
    row, col = max(window.row - pad, 0), max(window.col - pad, 0)
    height = min(window.row - pad + window.height, grid.height) - row
    width = min(window.col - pad + window.width, grid.width) - col
    if height <= 0 or width <= 0:
        return None
    own = Window(row, col, height, width)
    return own, stores.on_wide(own).slices_within(window)


def _edited(edits: ScratchStore) -> list[str]:
    covers = [COVER, *SHARES] if edits.has(COVER_EDITS) else []
    roads = [
        theme for theme, kinds in ROADS.items() if any(edits.has(ROAD_EDITS[one]) for one in kinds)
    ]
    return [*covers, *roads]


def _write(
    names: Sequence[str], edits: ScratchStore, stores: Stores, former: ScratchStore, window: Window
) -> None:
    inner = within_region(stores, window)
    for name in names:
        values = former.read(name, window)
        if inner is not None:
            own, place = inner
            values[place] = _with_edits(name, values[place], edits, own)
        stores.wide.write(name, window, values)


def _with_edits(name: str, values: FloatArray, edits: ScratchStore, own: Window) -> FloatArray:
    if name in ROADS:
        for kind in ROADS[name]:
            if edits.has(ROAD_EDITS[kind]):
                values = np.where(edits.read_classes(ROAD_EDITS[kind], own) > 0, 1.0, values)
        return values
    codes = edits.read_classes(COVER_EDITS, own)
    shown = codes == SHARES[name] if name in SHARES else codes
    return np.where(codes > 0, shown.astype(np.float64), values)


TOUCHED = "touched"
"""Class layer on the wide grid: 1 where something changes that others rest on."""


@dataclass(frozen=True, slots=True)
class NearEdits:
    """Reads layers after the edits; of what is written only cells within reach are taken.

    Attributes:
        layers: The layers after the edits.
        former: Results before them.
        reach_cells: Cells around what is touched within which each layer may be another.
    """

    layers: SourceLayers
    former: ScratchStore
    reach_cells: Mapping[str, int]

    def leaf(self, name: str, window: Window) -> Array:
        """A layer that is read, as it is after the edits."""
        return self.layers.leaf(name, window)

    def read(self, key: str, window: Window) -> Array:
        """A layer that was kept, or worked out for the whole raster."""
        return self.layers.read(key, window)

    def write(self, key: str, window: Window, values: Array) -> None:
        """Keep what lies within reach of an edit; the rest stays to the byte.

        Sums over neighbourhoods are taken block by block, so that an edit may round a cell of its
        block otherwise which it does not reach.
        """
        near = self.cells(window, self.reach_cells[key])
        kept = np.where(near, values, read_layer(self.former, key, window))
        self.layers.write(key, window, kept)

    def land(self, window: Window) -> BoolArray:
        """Cells of the region that are not sea."""
        return self.layers.land(window)

    def unknown(self, window: Window) -> Mapping[str, BoolArray]:
        """By theme, where it has no value."""
        return self.layers.unknown(window)

    def notes(self, window: Window) -> Any:
        """What the window holds of the region."""
        return self.layers.notes(window)

    def cells(self, window: Window, reach: int) -> BoolArray:
        """Cells of a window of the analysis grid within some cells of what is touched."""
        wide = self.layers.stores.wide
        place = self.layers.stores.on_wide(window)
        around = place.expanded(reach, wide.grid)
        touched = wide.read_classes(TOUCHED, around)
        if not touched.any():
            return np.zeros((window.height, window.width), dtype=bool)
        grown = ndimage.maximum_filter(touched, size=2 * reach + 1, mode="constant")
        return np.asarray(grown[place.slices_within(around)] > 0)


@dataclass(frozen=True, slots=True)
class Reassessed:
    """The services before and after the edits.

    Attributes:
        assessment: Before them.
        store: Layers after them; those that no edit alters are the assessment's own.
        changed: Layers that are read, and that the edits change.
        reach_cells: Cells around an edit within which each altered layer may be another.
        whole: Layers that know no distance and were worked out anew as a whole.
        windows: Windows made anew, and all of them.
    """

    assessment: Assessment
    store: ScratchStore
    changed: tuple[str, ...]
    reach_cells: Mapping[str, int]
    whole: tuple[str, ...]
    windows: tuple[int, int]

    @property
    def altered(self) -> tuple[str, ...]:
        """Services whose ratio the edits can alter, in the order of the assessment."""
        methods = self.assessment.assembled.methods
        return tuple(one for one in methods if f"ratio.{one}" in self.reach_cells)

    @property
    def held(self) -> tuple[str, ...]:
        """Themes the services rest on, of which the edits say nothing."""
        leaves = self.assessment.plan.leaves
        edited = {leaves[name].theme for name in self.changed}
        return tuple(sorted(self.assessment.place.sources.keys() - edited))


def reassess(
    base: Assessment, edited: Edited, folder: Path, runner: WindowRunner, *, complete: bool = False
) -> Reassessed:
    """The services after the edits.

    Args:
        base: The services before them.
        edited: The edits, on the grid of the assessment.
        folder: For the layers after the edits.
        runner: Runs the windows.
        complete: Make every window and cell anew, to prove that the rest would have been the same.

    Raises:
        InvalidInput: an edit makes a land cover of which a method has no parameters.
    """
    _require_rows(base, edited)
    former = base.layers.stores
    stores = Stores(
        ScratchStore(folder / "grid", former.own.grid, former.own),
        ScratchStore(folder / "wide", former.wide.grid, former.wide),
        former.pad,
    )
    changed = write_leaves(base, edited.scene.store, stores, runner)
    whole = [key for key in base.plan.tiled if base.assembled.graph.above(key) & set(changed)]
    work_out_tiled(replace(base.plan, tiled=tuple(whole)), stores, runner)
    _write_touched(base, edited, stores, whole, runner)
    reach = reaches(base.plan.nodes, [*changed, *whole], base.plan.cell_m)
    results = [key for key in base.assembled.results if key in reach]
    done = (0, 0)
    if results:
        plan = _plan_of_results(base, results, reach)
        layers = replace(base.layers, stores=stores)
        done = _compute(base, plan, layers, None if complete else reach, runner)
    return Reassessed(base, stores.own, changed, reach, tuple(whole), done)


def _require_rows(base: Assessment, edited: Edited) -> None:
    """Refuse covers without parameters: they do not occur in the region before the edits."""
    absent = {LandCover(code).name.lower() for code in base.layers.rowless}
    faults = [
        Fault(
            f"/inputs/edits/{number}/cover",
            f"a method of the assessment has no parameters for {one.edit.cover}; assess with rows "
            "for it in the tables of the method",
            f"评估所用方法没有 {one.edit.cover} 的参数；请在评估的地类参数表中补充该类",
        )
        for number, one in enumerate(edited.burnt)
        if one.edit.cover in absent
    ]
    if faults:
        raise InvalidInput(
            faults[0].detail, message_zh=faults[0].detail_zh or faults[0].detail, faults=faults
        )


def _write_touched(
    base: Assessment, edited: Edited, stores: Stores, whole: Sequence[str], runner: WindowRunner
) -> None:
    """Note where something that is read changes, or what was worked out as a whole."""
    stores.wide.create_classes(TOUCHED)
    windows = windows_of(stores.wide.grid)
    run = partial(_write_window_touched, edited.scene.store, stores, base.layers.stores.wide, whole)
    for _ in runner.run(run, windows):
        pass


def _write_window_touched(
    edits: ScratchStore, stores: Stores, former: ScratchStore, whole: Sequence[str], window: Window
) -> None:
    touched = np.zeros((window.height, window.width), dtype=bool)
    inner = within_region(stores, window)
    if inner is not None:
        own, place = inner
        touched[place] = edited_cells(edits, own)
    for key in whole:
        was, will_be = former.read_stored(key, window), stores.wide.read_stored(key, window)
        touched |= ~((was == will_be) | (np.isnan(was) & np.isnan(will_be)))
    stores.wide.write_classes(TOUCHED, window, touched.astype(np.uint8))


def _plan_of_results(
    base: Assessment, results: Sequence[str], reach: Mapping[str, int]
) -> ComputationPlan:
    """One pass to the results, since all numbers of the area are known.

    Layers the assessment kept are read where no edit alters them, and rounded as it rounded them
    where one does.
    """
    nodes, leaves = dict(base.plan.nodes), dict(base.plan.leaves)
    plan = plan_of(
        replace(base.assembled.graph, nodes=nodes, leaves=leaves),
        base.plan.cell_m,
        results=results,
        decisive=(),
        given=(base.plan.kept & nodes.keys()) - reach.keys(),
        known=base.figures,
    )
    wide = tuple(name for name, leaf in leaves.items() if leaf.theme in base.layers.wide)
    # The first pass of the assessment told where it is valid; this one comes after it.
    passes = tuple(replace(one, stage=one.stage + 1) for one in plan.passes)
    return replace(plan, passes=passes, wide=wide, kept=base.plan.kept)


def _compute(
    base: Assessment,
    plan: ComputationPlan,
    layers: SourceLayers,
    reach: Mapping[str, int] | None,
    runner: WindowRunner,
) -> tuple[int, int]:
    """Make the results anew near the edits; returns the windows that took, and all of them."""
    kept = sorted({key for step in plan.passes for key in step.keeps})
    for key in kept:
        make_room(layers.stores.own, key, plan.unit_of(key), bands_of(key))
    windows = windows_of(layers.stores.own.grid)
    near = None if reach is None else NearEdits(layers, base.place.store, reach)
    stale = windows
    if near is not None:
        farthest = max(near.reach_cells[key] for key in kept)
        stale = [window for window in windows if near.cells(window, farthest).any()]
        left = [window for window in windows if window not in set(stale)]
        for _ in runner.run(partial(_take_over, base.place.store, layers.stores.own, kept), left):
            pass
    keeping = runner.remembered()
    computation = PlanComputation(plan, near or layers, keeping, extent(base.place.area), stale)
    for _ in computation.passes(dict(base.figures), lambda _share: None):
        pass
    return len(stale), len(windows)


def _take_over(
    former: ScratchStore, store: ScratchStore, keys: Sequence[str], window: Window
) -> None:
    for key in keys:
        write_layer(store, key, window, read_layer(former, key, window))
