"""A plan carried out: its passes one after the other, each over all windows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from shanhai.science.ecoservices.evaluation import Layers, count_again, run_window
from shanhai.science.ecoservices.figures import FigureAccumulator
from shanhai.science.ecoservices.graph import AreaFigure
from shanhai.science.ecoservices.plan import ComputationPlan, Pass
from shanhai.science.grid import Window

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
