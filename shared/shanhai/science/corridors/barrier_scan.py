"""Barriers of all links of a network, as its links are found."""

import math

import numpy as np

from shanhai.science.arrays import BoolArray, FloatArray
from shanhai.science.corridors.barriers import (
    DEFAULT_BARRIER_SETTINGS,
    BarrierScores,
    BarrierSettings,
    barrier_scores,
    no_scores,
    require_radii,
    take_better,
)
from shanhai.science.corridors.circuit.settings import require_square
from shanhai.science.corridors.cost_kernels import Labels
from shanhai.science.corridors.fields import Field, overlap
from shanhai.science.corridors.pairs import Pair
from shanhai.science.corridors.paths import Path
from shanhai.science.corridors.spacing import Spacing
from shanhai.science.grid import Window

_BYTES_PER_CELL = 24
_BYTES_PER_CELL_OF_LINK = 112


class BarrierScan:
    """Scores over all links; `link_sources(…, visit=scan.visit)` fills it.

    Each link is looked at in the rectangle in which both its sources are near enough. Costs up to
    the least-cost distance are enough for every gain.

    Args:
        sources: Number of the source of each cell, from 1; 0 is none.
        spacing: Square cells in metres.
        settings: Radii, combination and restored ground.

    Raises:
        InvalidInput: the cells are not square metres, there is no radius, or one is below a cell.
    """

    def __init__(
        self,
        sources: Labels,
        spacing: Spacing,
        settings: BarrierSettings = DEFAULT_BARRIER_SETTINGS,
    ) -> None:
        self._sources = sources
        self._cell_m = require_square(spacing)
        self._settings = settings
        require_radii(settings.radii_m, self._cell_m)
        self._total = no_scores(sources.shape)

    @property
    def scores(self) -> BarrierScores:
        """Scores above 0, NaN elsewhere and within sources.

        With `maximum` the percentage and the radius are those of the link that gains most; with
        `sum` scores and percentages are added, and the radius is that of the first link to gain.
        """
        return self._total

    def visit(self, pair: Pair, path: Path, one: Field, other: Field) -> None:
        """Take in a link.

        Args:
            pair: Its sources.
            path: Its least-cost path.
            one: Costs from its first source.
            other: Costs from its second source.
        """
        window = overlap(self._grown(one.window), self._grown(other.window))
        found = barrier_scores(
            one.read(window), other.read(window), path.cost, self._cell_m, self._settings
        )
        self._add(found, window)

    def _grown(self, window: Window) -> Window:
        """The cells whose disc may reach into a window."""
        reach = math.ceil(max(self._settings.radii_m) / self._cell_m)
        row, col = max(window.row - reach, 0), max(window.col - reach, 0)
        end_row = min(window.row + window.height + reach, self._sources.shape[0])
        end_col = min(window.col + window.width + reach, self._sources.shape[1])
        return Window(row, col, end_row - row, end_col - col)

    def _add(self, found: BarrierScores, window: Window) -> None:
        _without(found, ~(found.score > 0) | (self._sources[window.slices] > 0))
        here = BarrierScores(*(values[window.slices] for values in _arrays(self._total)))
        (_add_up if self._settings.combine == "sum" else take_better)(here, found)


def memory_needed(shape: tuple[int, int], largest_link: tuple[int, int] | None = None) -> int:
    """Bytes that a scan takes at most besides the network.

    Args:
        shape: Rows and columns of the raster.
        largest_link: Rows and columns of the largest rectangle of a link; the raster if not given.
    """
    link = largest_link or shape
    return _BYTES_PER_CELL * math.prod(shape) + _BYTES_PER_CELL_OF_LINK * math.prod(link)


def _arrays(scores: BarrierScores) -> tuple[FloatArray, FloatArray, FloatArray]:
    return scores.score, scores.percent, scores.radius_m


def _without(scores: BarrierScores, mask: BoolArray) -> None:
    for values in _arrays(scores):
        values[mask] = np.nan


def _add_up(total: BarrierScores, found: BarrierScores) -> None:
    known = ~np.isnan(found.score)
    np.copyto(total.radius_m, found.radius_m, where=known & np.isnan(total.radius_m))
    for kept, new in ((total.score, found.score), (total.percent, found.percent)):
        kept[known & np.isnan(kept)] = 0.0
        np.add(kept, new, out=kept, where=known)
