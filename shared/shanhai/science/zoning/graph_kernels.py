"""Compiled loops over graphs of zoning units: union–find, spanning tree, best cut of a tree."""

import numpy as np
from numba import njit

from shanhai.science.arrays import BoolArray, FloatArray, IntArray


@njit(cache=True, nogil=True)
def find(parent: IntArray, item: int) -> int:
    """Root of an item; halves the path on the way."""
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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
