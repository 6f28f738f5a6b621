"""Costs accumulated from single sources, held while there is room and found again when not."""

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.corridors.cost_kernels import Labels, Reach
from shanhai.science.corridors.incremental_links import LinkNotes
from shanhai.science.corridors.surface import Surface, spread
from shanhai.science.grid import Window


@dataclass(frozen=True, slots=True)
class CostField:
    """Costs from one source in the rectangle it reaches.

    Attributes:
        window: The rectangle.
        padded: Cost-weighted metres with the margin of the surface around the rectangle, two
            dimensions; +∞ beyond the limit.
        limit: Cost up to which they were sought.
    """

    window: Window
    padded: FloatArray
    limit: float

    @property
    def cost(self) -> FloatArray:
        """Without the margin; a view."""
        margin = (self.padded.shape[0] - self.window.height) // 2
        return self.padded[margin:-margin, margin:-margin]

    def read(self, window: Window) -> FloatArray:
        """Costs in a window; +∞ outside the rectangle."""
        costs = np.full((window.height, window.width), np.inf)
        shared = overlap(self.window, window)
        costs[shared.slices_within(window)] = self.cost[shared.slices_within(self.window)]
        return costs


class CostFields:
    """The fields of all sources over one surface.

    Of more than `keep_bytes` the least recently used go. A field that is gone, or is needed
    farther, is computed again and comes out the same. Where `notes` are taken, each search notes
    from which cost on it may meet the cells they watch.
    """

    def __init__(
        self,
        surface: Surface,
        labels: Labels,
        reaches: dict[int, Reach],
        keep_bytes: int,
        notes: LinkNotes | None = None,
    ) -> None:
        self._surface = surface
        self._labels = np.pad(labels, surface.steps.margin).ravel()
        self._starts = {
            number: surface.positions(cells) for number, cells in grouped(labels).items()
        }
        self._reaches = dict(reaches)
        self._keep_bytes = keep_bytes
        self._held: OrderedDict[int, CostField] = OrderedDict()
        self._notes = notes
        self.searches = 0

    def get(self, number: int, limit: float = 0.0) -> CostField:
        """The field of a source, up to at least `limit`."""
        held = self._held.get(number)
        if held is None or held.limit < limit:
            held = self._search(number, limit)
        self._held[number] = held
        self._held.move_to_end(number)
        while len(self._held) > 1 and self._bytes() > self._keep_bytes:
            self._held.popitem(last=False)
        return held

    def _search(self, number: int, limit: float) -> CostField:
        reach = self._reaches[number]
        self._reaches[number] = reach = reach._replace(limit=max(limit, reach.limit))
        self._held.pop(number, None)
        cost, found = spread(self._surface, self._starts[number], reach, self._labels)
        self.searches += 1
        field = _cropped(self._surface, cost, found)
        if self._notes is not None:
            met = field.cost[self._notes.watched[field.window.slices]]
            self._notes.clear[number] = float(met.min(initial=field.limit))
        return field

    def _bytes(self) -> int:
        return sum(field.padded.nbytes for field in self._held.values())


def overlap(one: Window, other: Window) -> Window:
    """The cells of both windows; without extent when there are none."""
    row, col = max(one.row, other.row), max(one.col, other.col)
    height = min(one.row + one.height, other.row + other.height) - row
    width = min(one.col + one.width, other.col + other.width) - col
    return Window(row, col, max(height, 0), max(width, 0))


def grouped(labels: Labels) -> dict[int, IntArray]:
    """Rows and columns of the cells of each number above 0, shape (n, 2), row-major."""
    cells = np.argwhere(labels)
    numbers = labels[cells[:, 0], cells[:, 1]]
    order = np.argsort(numbers, kind="stable")
    different, starts = np.unique(numbers[order], return_index=True)
    # Of no cell at all one empty part would come.
    parts = np.split(cells[order], starts[1:])[: len(different)]
    return dict(zip(different.tolist(), parts, strict=True))


def _cropped(surface: Surface, cost: FloatArray, limit: float) -> CostField:
    """The rectangle of known costs; a copy unless it is the whole raster."""
    margin = surface.steps.margin
    known = np.isfinite(surface.inner(cost))
    rows, cols = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
    window = Window(
        int(rows[0]), int(cols[0]), int(rows[-1] - rows[0]) + 1, int(cols[-1] - cols[0]) + 1
    )
    padded = cost.reshape(-1, surface.steps.width)[
        window.row : window.row + window.height + 2 * margin,
        window.col : window.col + window.width + 2 * margin,
    ]
    return CostField(window, padded if padded.size == cost.size else padded.copy(), limit)
