"""A plan carried out, pass by pass: in each window the layers are calculated, counted and kept."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np

from shanhai.science.ecoservices.figures import (
    FigureAccumulator,
    Subject,
    WindowFigures,
    count_finely,
    count_window,
    measured,
    subjects,
)
from shanhai.science.ecoservices.graph import AreaFigure, LayerNode
from shanhai.science.ecoservices.plan import ComputationPlan, Pass, reach_cells
from shanhai.science.focal import WindowFrame
from shanhai.science.grid import BoolArray, Window
from shanhai.science.quantiles import Counts

Array = np.ndarray[tuple[int, ...], np.dtype[Any]]
CLASS_UNITS = frozenset({"class", "bool"})
"""Units of layers that hold codes or masks, kept as bytes."""


class Layers(Protocol):
    """What a computation reads and writes; windows are of the area, and may begin beyond it."""

    def leaf(self, name: str, window: Window) -> Array:
        """A layer that is read, NaN or code 0 where it is unknown."""
        ...

    def read(self, key: str, window: Window) -> Array:
        """A layer that was kept, or worked out for the whole raster, as it was written."""
        ...

    def write(self, key: str, window: Window, values: Array) -> None:
        """Keep a window of a layer."""
        ...

    def land(self, window: Window) -> BoolArray:
        """Cells of the area that are land."""
        ...

    def unknown(self, window: Window) -> Mapping[str, BoolArray]:
        """By theme, the cells of a window in which what was read of it is unknown."""
        ...

    def notes(self, window: Window) -> Any:
        """What else was learnt in reading a window, for whoever made the layers."""
        ...


@dataclass(frozen=True, slots=True)
class Counted:
    """What a window of a pass says.

    Attributes:
        parts: Of the numbers of the whole area.
        valid: Cells in which everything decisive is known, from the first pass.
        missing: By theme or layer, land cells that are not valid because it is unknown there.
        notes: What the layers noted in the first pass.
    """

    parts: Mapping[Subject, WindowFigures]
    valid: int = 0
    missing: Mapping[str, int] = field(default_factory=dict)
    notes: Any = None


VALID = "valid"
"""Key of the mask of the valid cells, written by the first pass."""


def run_window(
    plan: ComputationPlan,
    step: Pass,
    layers: Layers,
    figures: Mapping[AreaFigure, float],
    around: Window,
    window: Window,
) -> Counted:
    """Calculate a window of a pass, keep what is to be kept and count what is to be counted.

    Args:
        plan: The plan.
        step: The pass.
        layers: Where layers are read and written.
        figures: The numbers of the whole area known so far.
        around: All cells there are, those beyond the area included.
        window: A window of the area.
    """
    held = _Evaluation(plan, step, layers, figures, around, window).run()
    if step.stage == 0:
        valid, missing = _write_valid(plan, layers, held, window)
    else:
        valid, missing = layers.read(VALID, window) == 1, {}
    for key in step.keeps:
        layers.write(key, window, _masked(plan, key, held[key], valid))
    wanted = measured(step.figures)
    parts = {
        subject: count_window(
            held[subject[0]], _cells(held, subject, valid), histogram=subject in wanted
        )
        for subject in subjects(step.figures)
    }
    notes = layers.notes(window) if step.stage == 0 else None
    return Counted(parts, int(np.count_nonzero(valid)), missing, notes)


def count_again(
    plan: ComputationPlan, layers: Layers, bins: Mapping[Subject, tuple[int, ...]], window: Window
) -> dict[Subject, Counts]:
    """The second pass of the quantiles, over layers that were kept."""
    valid = layers.read(VALID, window) == 1
    keys = {key for subject in bins for key in subject if key is not None}
    held = {key: _kept(plan, layers, key, window) for key in keys}
    return {
        subject: count_finely(held[subject[0]], _cells(held, subject, valid), wanted)
        for subject, wanted in bins.items()
    }


def _kept(plan: ComputationPlan, layers: Layers, key: str, window: Window) -> Array:
    unread = key in plan.leaves and (key not in plan.kept or key in plan.wide)
    return layers.leaf(key, window) if unread else layers.read(key, window)


def _cells(held: Mapping[str, Array], subject: Subject, valid: BoolArray) -> BoolArray:
    where = subject[1]
    return valid if where is None else valid & (held[where] != 0)


def _masked(plan: ComputationPlan, key: str, values: Array, valid: BoolArray) -> Array:
    if plan.unit_of(key) in CLASS_UNITS:
        return np.where(valid, values, 0).astype(np.uint8)
    return np.where(valid, values, np.nan)


def _write_valid(
    plan: ComputationPlan, layers: Layers, held: Mapping[str, Array], window: Window
) -> tuple[BoolArray, dict[str, int]]:
    """Write where everything decisive is known; returns it, and what is missing on land."""
    land = layers.land(window)
    unknown = layers.unknown(window)
    undefined = {key: _unknown(plan, key, held[key]) for key in plan.frontier}
    valid = land.copy()
    for mask in undefined.values():
        valid &= ~mask
    lost: BoolArray = land & ~valid
    missing = {theme: int(np.count_nonzero(lost & mask)) for theme, mask in unknown.items()}
    unread: BoolArray = lost.copy()
    for mask in unknown.values():
        unread &= ~mask
    for key, mask in undefined.items():
        missing[key] = missing.get(key, 0) + int(np.count_nonzero(unread & mask))
    layers.write(VALID, window, valid.astype(np.uint8))
    return valid, missing


def _unknown(plan: ComputationPlan, key: str, values: Array) -> BoolArray:
    unknown: BoolArray = values == 0 if plan.unit_of(key) == "class" else np.isnan(values)
    return np.asarray(unknown.any(axis=0)) if unknown.ndim > 2 else unknown


class _Evaluation:
    """Holds the layers of one window while they are needed."""

    def __init__(
        self,
        plan: ComputationPlan,
        step: Pass,
        layers: Layers,
        figures: Mapping[AreaFigure, float],
        around: Window,
        window: Window,
    ) -> None:
        self.plan = plan
        self.step = step
        self.layers = layers
        self.figures = figures
        self.around = around
        self.window = window
        self.held: dict[str, tuple[Window, Array]] = {}
        self.ends = _last_uses(plan, step)

    def run(self) -> dict[str, Array]:
        """The layers that are kept or counted, on the window itself."""
        for key in self.step.steps:
            self._calculate(self.plan.nodes[key])
            for done in self.ends.get(key, ()):
                del self.held[done]
        wanted = {*self.step.keeps, *(self.plan.frontier if self.step.stage == 0 else ())}
        wanted |= {key for subject in subjects(self.step.figures) for key in subject if key}
        return {key: self._get(key, self.window) for key in sorted(wanted)}

    def _calculate(self, node: LayerNode) -> None:
        halo = self.step.halos.get(node.key, 0)
        place = self._grown(halo)
        work = self._grown(halo + reach_cells(node, self.plan.cell_m))
        given: dict[str, Any] = {
            keyword: self._get(key, work) for keyword, key in node.inputs.items()
        }
        given |= {keyword: self.figures[figure] for keyword, figure in node.figures.items()}
        if node.takes_cell:
            given["cell_m"] = self.plan.cell_m
        if node.takes_frame:
            given["frame"] = WindowFrame(work, place)
        values = node.function(**given, **node.constants)
        self._hold(node.key, place, values[(..., *place.slices_within(work))])

    def _get(self, key: str, window: Window) -> Array:
        if key not in self.held:
            place = self._grown(self.step.halos.get(key, 0))
            self._hold(key, place, self._fetch(key, place))
        place, values = self.held[key]
        return values if place == window else values[(..., *window.slices_within(place))]

    def _fetch(self, key: str, place: Window) -> Array:
        plan, first = self.plan, self.step.stage == 0
        if key in plan.leaves and (first or key not in plan.kept or key in plan.wide):
            return self.layers.leaf(key, place)
        values = self.layers.read(key, place)
        return values != 0 if self.plan.unit_of(key) == "bool" else values

    def _hold(self, key: str, place: Window, values: Array) -> None:
        """Keep a layer at hand, rounded as others will read it."""
        if key in self.plan.kept and values.dtype == np.float64:
            values = values.astype(np.float32).astype(np.float64)
        self.held[key] = (place, values)

    def _grown(self, halo: int) -> Window:
        window, around = self.window, self.around
        top, left = max(around.row, window.row - halo), max(around.col, window.col - halo)
        bottom = min(around.row + around.height, window.row + window.height + halo)
        right = min(around.col + around.width, window.col + window.width + halo)
        return Window(top, left, bottom - top, right - left)


def _last_uses(plan: ComputationPlan, step: Pass) -> dict[str, tuple[str, ...]]:
    """By calculated layer, what no later one of the pass needs; what is wanted at the end stays."""
    wanted = {*step.keeps, *(key for subject in subjects(step.figures) for key in subject if key)}
    wanted |= set(plan.frontier) if step.stage == 0 else set()
    last: dict[str, str] = {}
    for key in step.steps:
        for name in (key, *plan.nodes[key].inputs.values()):
            last[name] = key
    ends: dict[str, tuple[str, ...]] = {}
    for name, key in last.items():
        if name not in wanted:
            ends[key] = (*ends.get(key, ()), name)
    return ends


Item = TypeVar("Item")
Result = TypeVar("Result")


class PassRunner(Protocol):
    """Maps a function over windows, results in their order."""

    def run(self, function: Callable[[Item], Result], items: Sequence[Item]) -> Iterable[Result]:
        """Results of `function` in the order of `items`."""
        ...


@dataclass(frozen=True, slots=True)
class PassResult:
    """What a pass over all windows found.

    Attributes:
        valid: Cells in which everything decisive is known.
        missing: By theme or layer, land cells that are not valid because it is unknown there.
        notes: What the layers noted of each window.
    """

    valid: int
    missing: Mapping[str, int]
    notes: Sequence[Any]


@dataclass(frozen=True, slots=True)
class PlanComputation:
    """A plan and the place it is carried out in.

    Attributes:
        plan: The plan.
        layers: Where layers are read and written; picklable where the runner needs it.
        runner: Runs the windows.
        around: All cells there are, those beyond the area included.
        windows: Windows that cover the area.
    """

    plan: ComputationPlan
    layers: Layers
    runner: PassRunner
    around: Window
    windows: Sequence[Window]

    def passes(
        self, figures: dict[AreaFigure, float], told: Callable[[float], None]
    ) -> Iterator[tuple[Pass, PassResult]]:
        """Carry out pass after pass; what was found of each comes when it is over.

        Args:
            figures: Numbers that are given beforehand; those that are taken are added to it.
            told: Hears the share done of the pass in hand, 0–1.
        """
        for step in self.plan.passes:
            yield step, self._carry_out(step, figures, told)

    def _carry_out(
        self, step: Pass, figures: dict[AreaFigure, float], told: Callable[[float], None]
    ) -> PassResult:
        taken = FigureAccumulator(tuple(one for one in step.figures if one not in figures))
        work = partial(run_window, self.plan, step, self.layers, dict(figures), self.around)
        valid, missing, notes = 0, dict[str, int](), list[Any]()
        for done, counted in enumerate(self.runner.run(work, self.windows)):
            taken.add(counted.parts)
            valid += counted.valid
            notes.append(counted.notes)
            for name, cells in counted.missing.items():
                missing[name] = missing.get(name, 0) + cells
            told((done + 1) / len(self.windows))
        bins = taken.open_bins()
        if bins:
            again = partial(count_again, self.plan, self.layers, bins)
            for parts in self.runner.run(again, self.windows):
                taken.add_fine(parts)
        figures |= taken.values()
        return PassResult(valid, missing, notes)
