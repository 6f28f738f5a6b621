"""Compact zones: Ward's clustering of units, joining only what touches."""

import numpy as np
from scipy import sparse
from sklearn.cluster import ward_tree

from shanhai.errors import InvalidInput
from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.zoning.contiguity import Contiguity

MAX_UNITS = 50_000


def ward_merges(features: FloatArray, contiguity: Contiguity) -> IntArray:
    """The n − 1 merges, in order: two columns of nodes, units first, then merges as they come.

    Args:
        features: One row per unit, standardised.
        contiguity: Of the units, connected.

    Raises:
        InvalidInput: there are more than `MAX_UNITS` units.

    Source: Ward 1963.
    """
    count = len(features)
    if count > MAX_UNITS:
        raise InvalidInput(
            f"ward_contig clusters at most {MAX_UNITS} units and the area has {count}; "
            "use a larger unit_m, or kmeans or skater",
            message_zh=f"ward_contig 至多处理 {MAX_UNITS} 个单元，本区域有 {count} 个；"
            "请增大 unit_m，或改用 kmeans 或 skater",
            pointer="/algorithm",
        )
    one, other = contiguity.pairs.T
    touch = sparse.coo_matrix((np.ones(len(one), dtype=np.int8), (one, other)), (count, count))
    merges = ward_tree(features, connectivity=touch + touch.T)[0]
    return np.asarray(merges, dtype=np.int64)


def labels_of_merges(merges: IntArray, k: int) -> IntArray:
    """Cluster of every unit when the last k − 1 merges are undone."""
    units = len(merges) + 1
    root = np.arange(2 * units - 1)
    kept = merges[: units - k]
    root[kept] = (np.arange(len(kept)) + units)[:, np.newaxis]
    while not np.array_equal(root, root[root]):
        root = root[root]
    return np.unique(root[:units], return_inverse=True)[1].astype(np.int64)
