"""Few large planning units: cuts in the tree that spans the units by their likeness."""

import math
from dataclasses import dataclass

import numpy as np

from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.zoning.contiguity import Contiguity
from shanhai.science.zoning.graph_kernels import (
    best_cut,
    components,
    spanning_tree,
    tree_order,
)

MIN_SHARE = 0.005
"""Least part of the units a cluster keeps."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """The spanning tree and the edges to cut, best first.

    Attributes:
        tree: Pairs of units, the edges of the tree.
        cuts: Edge numbers in the order of cutting; fewer than asked for where no cut would leave
            both parts their least size.
        units: Number of units.
    """

    tree: IntArray
    cuts: IntArray
    units: int

    def labels(self, k: int) -> IntArray:
        """Cluster of every unit after the first k − 1 cuts, or all there are."""
        whole = np.ones(len(self.tree), dtype=bool)
        whole[self.cuts[: k - 1]] = False
        root = components(self.tree[whole], self.units)
        return np.unique(root, return_inverse=True)[1].astype(np.int64)


def skater_cuts(
    features: FloatArray, contiguity: Contiguity, k: int, min_share: float = MIN_SHARE
) -> Cuts:
    """Cut the least spanning tree k − 1 times where it lowers the sum of squares most.

    Args:
        features: One row per unit, standardised.
        contiguity: Of the units, connected.
        k: Number of clusters.
        min_share: Least part of the units in a cluster, 0–1.

    Source: Assunção, Neves, Câmara and Freitas 2006 (SKATER).
    """
    units = len(features)
    tree = _least_tree(features, contiguity.pairs)
    least = max(1, math.ceil(min_share * units))
    starts, neighbours = _by_unit(tree, units)
    cut = np.zeros(len(tree), dtype=bool)
    parent = np.full(units, -1, dtype=np.int64)

    def cut_of(root: int) -> tuple[int, float]:
        order = tree_order(root, starts, neighbours, cut, parent)
        return best_cut(order, parent, tree, features, least)

    candidates, cuts = {0: cut_of(0)}, list[int]()
    while len(cuts) < k - 1:
        root, (edge, _) = max(candidates.items(), key=lambda entry: (entry[1][1], -entry[1][0]))
        if edge < 0:
            break
        cut[edge] = True
        cuts.append(edge)
        del candidates[root]
        candidates |= {int(end): cut_of(int(end)) for end in tree[edge]}
    return Cuts(tree, np.array(cuts, dtype=np.int64), units)


def _least_tree(features: FloatArray, pairs: IntArray) -> IntArray:
    """Pairs of the tree of least summed distance; of equal ones the lowest units."""
    one, other = pairs.T
    distance = np.square(features[one] - features[other]).sum(axis=1)
    ordered = pairs[np.argsort(distance, kind="stable")]
    return ordered[spanning_tree(ordered, len(features))]


def _by_unit(tree: IntArray, units: int) -> tuple[IntArray, IntArray]:
    """Starts of each unit's edges, and the other end and number of each edge."""
    number = np.tile(np.arange(len(tree)), 2)
    ends = np.concatenate([tree, tree[:, ::-1]])
    order = np.argsort(ends[:, 0], kind="stable")
    starts = np.searchsorted(ends[order, 0], np.arange(units + 1)).astype(np.int64)
    return starts, np.stack([ends[order, 1], number[order]], axis=1)
