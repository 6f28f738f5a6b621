"""The services of a region after edits of its land: only what an edit can reach is made anew.

Every number of the whole area, such as the limits of a normalisation or the cap of a ratio, is that
before the edits: what differs then comes from the edits, and no cell out of their reach changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from shanhai.errors import Fault, InvalidInput
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
from shanhai.processes.kit.region import windows_of
from shanhai.processes.run_scenario.edited_layers import (
    TOUCHED,
    NearEdits,
    edited_cells,
    within_region,
    write_leaves,
)
from shanhai.processes.run_scenario.edits import Edited
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.ecoservices.computation import PlanComputation
from shanhai.science.ecoservices.plan import ComputationPlan, plan_of, reaches
from shanhai.science.grid import Window
from shanhai.science.landcover import LandCover


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
    base: Assessment,
    edited: Edited,
    folder: Path,
    runner: WindowRunner,
    *,
    complete: bool = False,
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
    edits: ScratchStore,
    stores: Stores,
    former: ScratchStore,
    whole: Sequence[str],
    window: Window,
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
