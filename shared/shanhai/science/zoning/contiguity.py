"""Which zoning units touch, and loops over their graph: union–find, spanning tree, best cut."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from shanhai.science.flags import ResultFlag
from shanhai.science.grid import BoolArray, FloatArray, IntArray
from shanhai.science.kernels import compiled
from shanhai.science.zoning.units import UnitTable
from shanhai.vocabulary import Label


@compiled
def find(parent: IntArray, item: int) -> int:
    """Root of an item; halves the path on the way."""
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item


@compiled
def components(pairs: IntArray, count: int) -> IntArray:
    """For every item the lowest number it is connected with."""
    parent = np.arange(count)
    for one, other in pairs:
        a, b = find(parent, one), find(parent, other)
        if a != b:
            parent[max(a, b)] = min(a, b)
    for item in range(count):
        parent[item] = find(parent, item)
    return parent


@compiled
def spanning_tree(pairs: IntArray, count: int) -> BoolArray:
    """Which pairs, shortest first, make the tree that spans each component (Kruskal 1956)."""
    parent = np.arange(count)
    kept = np.zeros(len(pairs), dtype=np.bool_)
    for number in range(len(pairs)):
        a, b = find(parent, pairs[number, 0]), find(parent, pairs[number, 1])
        if a != b:
            parent[max(a, b)] = min(a, b)
            kept[number] = True
    return kept


@compiled
def tree_order(
    root: int, starts: IntArray, neighbours: IntArray, cut: BoolArray, parent: IntArray
) -> IntArray:
    """Items of the tree of `root`, each after its parent, and the place of the edge to it.

    Args:
        root: Where to begin.
        starts: Where the neighbours of each item begin.
        neighbours: Neighbour and edge number of each, in two columns.
        cut: Edges not to be crossed.
        parent: Filled with the edge by which each item was reached, −1 for the root.
    """
    order = np.empty(len(starts) - 1, dtype=np.int64)
    order[0] = root
    parent[root] = -1
    last = 1
    at = 0
    while at < last:
        item = order[at]
        at += 1
        for place in range(starts[item], starts[item + 1]):
            other, edge = neighbours[place, 0], neighbours[place, 1]
            if not cut[edge] and edge != parent[item]:
                parent[other] = edge
                order[last] = other
                last += 1
    return order[:last].copy()


@compiled
def best_cut(
    order: IntArray, parent: IntArray, edges: IntArray, features: FloatArray, least: int
) -> tuple[int, float]:
    """Edge whose removal lowers the sum of squared deviations most, and by how much.

    Removing an edge parts the tree in two; with n and m items of mean a and b it gains
    nm/(n + m)·|a − b|². Both parts must keep `least` items; −1 when no edge allows it.
    """
    items, width = len(order), features.shape[1]
    size = np.zeros(len(features), dtype=np.int64)
    total = np.zeros((len(features), width))
    for place in range(items - 1, -1, -1):
        item = order[place]
        size[item] += 1
        for column in range(width):
            total[item, column] += features[item, column]
        edge = parent[item]
        if edge >= 0:
            above = edges[edge, 0] if edges[edge, 1] == item else edges[edge, 1]
            size[above] += size[item]
            for column in range(width):
                total[above, column] += total[item, column]
    root = order[0]
    chosen, most = -1, -1.0
    for place in range(1, items):
        item = order[place]
        inside, outside = size[item], items - size[item]
        if inside < least or outside < least:
            continue
        gap = 0.0
        for column in range(width):
            rest = total[root, column] - total[item, column]
            gap += (total[item, column] / inside - rest / outside) ** 2
        gain = inside * outside / items * gap
        if gain > most or (gain == most and parent[item] < chosen):
            chosen, most = parent[item], gain
    return chosen, most


_STRIP_ROWS = 512
_SAME_DISTANCE = 1 + 1e-9


@dataclass(frozen=True, slots=True)
class Contiguity:
    """Pairs of units that touch (queen), made into one connected graph.

    Attributes:
        pairs: Two columns, the lower unit first, sorted; the joined ones are among them.
        joined: Pairs that do not touch but tie an island to its nearest neighbour.
    """

    pairs: IntArray
    joined: IntArray

    @property
    def flags(self) -> tuple[ResultFlag, ...]:
        """`joined_islands` when the area was not connected."""
        count = len(self.joined)
        if count == 0:
            return ()
        text = Label(
            f"区域不连通：{count} 处岛屿或飞地在聚类时与最近的分区单元相连。",
            f"The area is not connected: {count} {'island' if count == 1 else 'islands'} took part "
            "in the clustering as a neighbour of the nearest unit.",
        )
        return (ResultFlag("joined_islands", text),)


def lattice_contiguity(units: UnitTable) -> Contiguity:
    """Contiguity of the units of a fishnet."""
    numbers = np.full(units.shape[0] * units.shape[1], -1, dtype=np.int64)
    numbers[units.index] = np.arange(len(units.index))
    pairs = _queen_pairs(numbers.reshape(units.shape), none=-1)
    return connect(pairs, lattice_points(units))


def lattice_points(units: UnitTable) -> FloatArray:
    """Column and row of every unit of a fishnet, in units."""
    rows, cols = np.divmod(units.index, units.shape[1])
    return np.stack([cols, rows], axis=1).astype(np.float64)


def label_contiguity(
    labels: NDArray[np.integer], units: UnitTable, points: FloatArray
) -> Contiguity:
    """Contiguity of units that are polygons.

    Args:
        labels: Number of the polygon in each cell, from 1; 0 is none.
        units: Those that take part; `index` is the number of the polygon less one.
        points: x and y of every unit, m.
    """
    return connect(label_pairs(labels, units), points)


def label_pairs(labels: NDArray[np.integer], units: UnitTable) -> IntArray:
    """Pairs of polygons that touch, the lower first, sorted; see `label_contiguity`."""
    numbers = np.full(int(labels.max(initial=0)) + 1, -1, dtype=np.int64)
    numbers[units.index + 1] = np.arange(len(units.index))
    found = [
        _queen_pairs(labels[row : row + _STRIP_ROWS + 1], none=0)
        for row in range(0, labels.shape[0], _STRIP_ROWS)
    ]
    pairs = numbers[np.concatenate(found)]
    return np.unique(np.sort(pairs[(pairs >= 0).all(axis=1)], axis=1), axis=0)


def connect(pairs: IntArray, points: FloatArray) -> Contiguity:
    """Tie every component to its nearest neighbour, the smallest first, until there is one.

    Args:
        pairs: Units that touch.
        points: Place of every unit; of equally near ones the lowest numbers are tied.
    """
    count = len(points)
    joined: list[tuple[int, int]] = []
    component = components(pairs.reshape(-1, 2), count)
    while (roots := np.unique(component)).size > 1:
        sizes = np.bincount(component, minlength=count)[roots]
        inside = component == roots[np.argmin(sizes)]
        one, other = _nearest(points, np.flatnonzero(inside), np.flatnonzero(~inside))
        joined.append((min(one, other), max(one, other)))
        component[inside] = component[other]
    ties = np.array(joined, dtype=np.int64).reshape(-1, 2)
    ordered = np.unique(np.concatenate([pairs.reshape(-1, 2), ties]), axis=0)
    return Contiguity(ordered, ties)


def _nearest(points: FloatArray, inside: IntArray, outside: IntArray) -> tuple[int, int]:
    """The pair of units, one from each set, that are nearest; the lowest numbers of a tie."""
    tree = KDTree(points[outside])
    distance: FloatArray = np.asarray(tree.query(points[inside])[0])
    reach = float(distance.min()) * _SAME_DISTANCE
    one = int(inside[distance <= reach][0])
    others = tree.query_ball_point(points[one], reach)
    return one, int(outside[min(others)])


def _queen_pairs(numbers: NDArray[np.integer], none: int) -> IntArray:
    """Pairs of different numbers in cells that share a side or a corner, the lower first."""
    height, width = numbers.shape
    found = []
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        one = numbers[: height - down, max(0, -right) : width - max(0, right)]
        other = numbers[down:, max(0, right) : width + min(0, right)]
        meet = (one != other) & (one != none) & (other != none)
        found.append(np.stack([one[meet], other[meet]], axis=1).astype(np.int64))
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)
