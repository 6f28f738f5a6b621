"""Numbers of the whole area, gathered window by window; no division into windows changes them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shanhai.science.ecoservices.graph import AreaFigure
from shanhai.science.grid import BoolArray
from shanhai.science.quantiles import (
    Counts,
    ExactMoments,
    QuantileSketch,
    lower_counts,
    upper_counts,
)

Subject = tuple[str, str | None]
"""A layer, and the mask that narrows its cells down."""


@dataclass(frozen=True, slots=True)
class WindowFigures:
    """What one window says of a subject; the histogram only where quantiles are wanted."""

    moments: ExactMoments
    upper: Counts | None = None


@dataclass(slots=True)
class FigureAccumulator:
    """The numbers a pass takes: fed with the parts of its windows, then asked.

    Attributes:
        figures: The numbers that are wanted.
    """

    figures: Sequence[AreaFigure]
    _moments: dict[Subject, ExactMoments] = field(default_factory=dict)
    _sketches: dict[Subject, QuantileSketch] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make room for every subject."""
        for subject in subjects(self.figures):
            self._moments[subject] = ExactMoments()
        for subject in measured(self.figures):
            wanted = dict.fromkeys(
                one.probability
                for one in self.figures
                if subject_of(one) == subject and one.probability is not None
            )
            self._sketches[subject] = QuantileSketch(tuple(wanted))

    def add(self, parts: Mapping[Subject, WindowFigures]) -> None:
        """Take a window of the first pass; what no number is taken of is passed over."""
        for subject, part in parts.items():
            if subject in self._moments:
                self._moments[subject] = self._moments[subject].joined(part.moments)
            if part.upper is not None and subject in self._sketches:
                self._sketches[subject].add_upper(part.upper)

    def open_bins(self) -> dict[Subject, tuple[int, ...]]:
        """What must be counted more finely, by subject, when the first pass is over."""
        opened = {subject: sketch.open_bins() for subject, sketch in self._sketches.items()}
        return {subject: bins for subject, bins in opened.items() if bins}

    def add_fine(self, parts: Mapping[Subject, Counts]) -> None:
        """Take a window of the second pass."""
        for subject, counts in parts.items():
            self._sketches[subject].add_lower(counts)

    def values(self) -> dict[AreaFigure, float]:
        """Every number; NaN where no cell was known, but for sums and counts, which are 0."""
        # Each sketch is asked once: of ranks there are twenty-one quantiles.
        quantiles = {
            subject: dict(zip(sketch.probabilities, sketch.quantiles(), strict=True))
            for subject, sketch in self._sketches.items()
        }
        return {
            one: quantiles[subject_of(one)][one.probability or 0.0]
            if one.kind == "quantile"
            else _OF_MOMENTS[one.kind](self._moments[subject_of(one)])
            for one in self.figures
        }


def _highest(moments: ExactMoments) -> float:
    return moments.high if moments.count else float("nan")


def _lowest(moments: ExactMoments) -> float:
    return moments.low if moments.count else float("nan")


_OF_MOMENTS: Mapping[str, Callable[[ExactMoments], float]] = {
    "sum": lambda moments: moments.sum,
    "mean": lambda moments: moments.mean,
    "sd": lambda moments: moments.sd,
    "count": lambda moments: float(moments.count),
    "max": _highest,
    "min": _lowest,
}


def subject_of(figure: AreaFigure) -> Subject:
    """What a number is taken of."""
    return (figure.of, figure.where)


def subjects(figures: Iterable[AreaFigure]) -> tuple[Subject, ...]:
    """What some numbers are taken of, each once."""
    return tuple(dict.fromkeys(subject_of(one) for one in figures))


def measured(figures: Iterable[AreaFigure]) -> tuple[Subject, ...]:
    """What quantiles are taken of, each once."""
    return subjects(one for one in figures if one.kind == "quantile")


def count_window(
    values: NDArray[np.floating], cells: BoolArray, *, histogram: bool
) -> WindowFigures:
    """What a window says of a layer in some cells."""
    known = np.asarray(values[cells], dtype=np.float32)
    return WindowFigures(ExactMoments.of(known), upper_counts(known) if histogram else None)


def count_finely(values: NDArray[np.floating], cells: BoolArray, bins: Sequence[int]) -> Counts:
    """What a window says in the second pass."""
    return lower_counts(values[cells], bins)
