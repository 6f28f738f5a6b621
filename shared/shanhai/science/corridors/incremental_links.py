"""Links found again after a change, from what an earlier run noted and still holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from shanhai.science.corridors.cost_kernels import Labels
from shanhai.science.corridors.pairs import GIB, LinkSettings, Pair
from shanhai.science.corridors.paths import LeastCostPath
from shanhai.science.corridors.swaths import Swath, Width
from shanhai.science.grid import BoolArray, FloatArray

_ROUNDING = 1e-9
"""Share of a cost by which one counts as less than another: what differs by less is rounding."""


@dataclass(frozen=True, slots=True)
class Matching:
    """Which source after a change is which one before.

    Attributes:
        before_of: Number before, by number after, of those that share cells; one to one.
        same: Numbers after of sources that have the very cells they had.
    """

    before_of: Mapping[int, int]
    same: frozenset[int]

    def before(self, number: int) -> int | None:
        """The number before of a source that is as it was."""
        return self.before_of[number] if number in self.same else None


def match_sources(before: NDArray[np.integer], after: NDArray[np.integer]) -> Matching:
    """Match sources by the cells they share: the largest overlap first, then the lower numbers.

    Args:
        before: Number of the source of each cell, from 1; 0 is none.
        after: The same after a change.
    """
    pairs, shared = np.unique(
        np.stack([before.ravel(), after.ravel()]).astype(np.int64), axis=1, return_counts=True
    )
    cells_before, cells_after = np.bincount(before.ravel()), np.bincount(after.ravel())
    found: dict[int, int] = {}
    same: set[int] = set()
    for place in np.lexsort((pairs[1], pairs[0], -shared)):
        old, new = int(pairs[0, place]), int(pairs[1, place])
        if not old or not new or new in found or old in found.values():
            continue
        found[new] = old
        if shared[place] == cells_before[old] == cells_after[new]:
            same.add(new)
    return Matching(dict(sorted(found.items())), frozenset(same))


def changed_ground(
    resistance: tuple[FloatArray, FloatArray],
    sources: tuple[Labels, Labels],
    matching: Matching,
    settings: LinkSettings,
) -> BoolArray:
    """Cells from which a step may cost something else than it did, or meet another source.

    Args:
        resistance: Before and after; NaN and infinite are barriers.
        sources: Before and after, barriers among them left out.
        matching: Of the sources.
        settings: Of the run; the more neighbours, the farther a step reads.
    """
    one, other = (np.where(np.isfinite(values), values, np.inf) for values in resistance)
    number = np.arange(max(int(sources[1].max()), 1) + 1)
    # A source that was not there before bears a number none had.
    told = np.array([matching.before_of.get(new, -1) if new else 0 for new in number.tolist()])
    changed = (one != other) | (sources[0] != told[sources[1]])
    side = 5 if settings.neighbours == 16 else 3
    return np.asarray(ndimage.binary_dilation(changed, np.ones((side, side), dtype=bool)))


Corridor = tuple[Swath, Width, FloatArray]
"""Swath of a link, its widths and the excess of the cells of its window."""


@dataclass(slots=True)
class LinkNotes:
    """What a run leaves for the one after a change.

    Attributes:
        watched: Cells the change will touch, from `changed_ground`.
        keep_bytes: Of the excess of corridors, 8 for each of their cells; those beyond are found
            again, the same.
        clear: Cost below which none of them is reached, by source.
        least: Least costs between sources as far as they were sought, if they were.
        paths: Least-cost path and straight distance of candidate links.
        corridors: Swath and widths of links, and the excess of the cells that have one.
    """

    watched: BoolArray
    keep_bytes: int = GIB
    clear: dict[int, float] = field(default_factory=dict)
    least: FloatArray | None = None
    paths: dict[Pair, tuple[LeastCostPath, float]] = field(default_factory=dict)
    corridors: dict[Pair, Corridor] = field(default_factory=dict)

    def keep(self, pair: Pair, corridor: Corridor) -> None:
        """Note a corridor while there is room."""
        swath, width, excess = corridor
        known = excess[np.isfinite(excess)]
        if known.nbytes <= self.keep_bytes:
            self.keep_bytes -= known.nbytes
            self.corridors[pair] = (swath, width, known)


@dataclass(frozen=True, slots=True)
class FormerLinks:
    """What of a former run holds after a change, by the numbers that sources have then.

    Attributes:
        notes: Of the former run.
        matching: Of its sources with those after the change.
        settings: Of both runs.
    """

    notes: LinkNotes
    matching: Matching
    settings: LinkSettings

    def row(self, number: int, nearest: int) -> FloatArray | None:
        """Least costs from a source to its nearest others; +∞ for those farther off.

        None where they may have changed: the source is another, or changed ground is nearer than
        one of as many others as are asked for.
        """
        before = self.matching.before(number)
        if before is None or self.notes.least is None or self._is_anew:
            return None
        costs = self.notes.least[before]
        held = costs * (1 + _ROUNDING) < self._clear(before)
        if np.count_nonzero(np.delete(held, before)) < nearest:
            return None
        found = np.full(self._size, np.inf)
        for new, old in self.matching.before_of.items():
            if held[old]:
                found[new] = costs[old]
        return found

    def path(self, pair: Pair) -> tuple[LeastCostPath, float] | None:
        """Path and straight distance of a candidate link that the change does not reach."""
        before = self._before(pair)
        return None if before is None else self.notes.paths.get(before)

    def corridor(self, pair: Pair) -> Corridor | None:
        """Swath, widths and excess of a link that the change does not reach."""
        before = self.kept(pair)
        if before is None:
            return None
        swath, width, known = self.notes.corridors[before]
        excess = np.full(swath.inside.shape, np.nan)
        # All cells of a swath have an excess but in one of fixed width, which is never kept.
        excess[swath.inside] = known
        return swath, width, excess

    def kept(self, pair: Pair) -> Pair | None:
        """The pair before of a link that is as it was in all but its place in the network."""
        before = self._before(pair)
        return before if before in self.notes.corridors else None

    def _before(self, pair: Pair) -> Pair | None:
        """The pair before, where the change reaches no way of it that its corridor holds."""
        if self._is_anew:
            return None
        one, other = (self.matching.before(number) for number in pair)
        # Paths run from the lower number; seen from the other end a tie may go another way.
        if one is None or other is None or one > other or (one, other) not in self.notes.paths:
            return None
        path, _ = self.notes.paths[one, other]
        clear = self._clear(one) + self._clear(other)
        return (one, other) if clear > self.settings.needed(path.cost) else None

    def _clear(self, before: int) -> float:
        return self.notes.clear.get(before, 0.0)

    @property
    def _is_anew(self) -> bool:
        """Corridors of fixed width show how far searches went, and are all found anew."""
        return self.settings.swath.kind == "fixed_width_m"

    @property
    def _size(self) -> int:
        return max(self.matching.before_of, default=0) + 1
