"""What each patch and each link adds to the connectivity of all, and what a restoration does."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.corridors.connectivity_graph import PatchGraph, dispersal_graph
from shanhai.science.corridors.connectivity_kernels import (
    allow_through,
    worth_without_links,
    worth_without_patches,
)

Link = tuple[int, int]
"""Two patches, from 0."""


@dataclass(frozen=True, slots=True)
class Importance:
    """What each patch adds to an index, % of the whole; `total = intra + flux + connector`.

    Attributes:
        total: `100·(X − X without the patch)/X`; of a removed patch the links go too.
        intra: For the area within it.
        flux: For the ways that begin or end in it.
        connector: For the ways of others through it, ≥ 0.

    Source: Saura and Rubio 2010.
    """

    total: FloatArray
    intra: FloatArray
    flux: FloatArray
    connector: FloatArray


@dataclass(frozen=True, slots=True)
class Gain:
    """What a change of patches does.

    Attributes:
        connected: Relative change of ECA.
        area: Relative change of the summed amounts.
    """

    connected: float
    area: float

    @property
    def improves_connectivity(self) -> bool:
        """Whether more is gained than the area alone (Saura et al. 2011)."""
        return self.connected > self.area


def patch_importance(graph: PatchGraph) -> Importance:
    """What each patch adds: dPC or dIIC in its three parts.

    Exact: of every patch as if the shortest ways had been sought anew without it.
    """
    without = worth_without_patches(
        graph.direct, graph.amounts, graph.measure, np.array([graph.rate])
    )
    return _parts(graph, without[:, 0])


def importance_by_dispersal(
    amounts: FloatArray, distances: FloatArray, d50s: Sequence[float]
) -> dict[float, Importance]:
    """dPC for several distances d50 at once: the shortest ways are the same for all.

    Raises:
        InvalidInput: as for `dispersal_graph`.
    """
    graphs = {d50: dispersal_graph(amounts, distances, d50) for d50 in d50s}
    one, rates = next(iter(graphs.values())), [graph.rate for graph in graphs.values()]
    without = worth_without_patches(one.direct, one.amounts, one.measure, np.array(rates))
    return {d50: _parts(graph, without[:, i]) for i, (d50, graph) in enumerate(graphs.items())}


def _parts(graph: PatchGraph, without: FloatArray) -> Importance:
    whole = graph.total
    total = 100.0 * (whole - without) / whole
    intra = 100.0 * graph.amounts**2 / whole
    flux = 200.0 * graph.amounts * (graph.connected @ graph.amounts - graph.amounts) / whole
    # What rounding leaves below 0 where nobody passes through is no part of it.
    return Importance(total, intra, flux, np.maximum(total - intra - flux, 0.0))


def link_importance(graph: PatchGraph, links: Sequence[Link]) -> FloatArray:
    """What each direct way adds, % of the index: dPC or dIIC without it.

    Args:
        graph: Patches.
        links: Pairs of patches, from 0.

    Returns:
        One value a link, ≥ 0; 0 where the pair has no direct way or a shorter one through others.

    Raises:
        InvalidInput: a pair names no two different patches, or is named twice.
    """
    pairs = _pairs(links, len(graph.amounts))
    lengths = graph.direct[pairs[:, 0], pairs[:, 1]]
    best = graph.shortest[pairs[:, 0], pairs[:, 1]]
    # A way that is longer than the shortest of its pair lies on no shortest way at all.
    needed = np.isfinite(lengths) & (lengths <= best)
    result = np.zeros(len(pairs))
    if needed.any():
        ways = graph.direct.copy()
        ways[pairs[needed, 0], pairs[needed, 1]] = np.inf
        ways[pairs[needed, 1], pairs[needed, 0]] = np.inf
        allow_through(ways, 0, len(ways))
        without = worth_without_links(
            ways, pairs[needed], lengths[needed], graph.amounts, graph.measure, graph.rate
        )
        result[needed] = np.maximum(100.0 * (graph.total - without) / graph.total, 0.0)
    return result


def _pairs(links: Sequence[Link], count: int) -> IntArray:
    pairs = np.sort(np.array(links, dtype=np.int64).reshape(-1, 2), axis=1)
    wrong = (pairs[:, 0] == pairs[:, 1]) | (pairs[:, 0] < 0) | (pairs[:, 1] >= count)
    if wrong.any() or len(np.unique(pairs, axis=0)) < len(pairs):
        raise InvalidInput(
            f"links must name two different of the {count} patches, each pair once; "
            f"{int(wrong.sum())} name none such",
            message_zh=f"连接须为 {count} 个斑块中两个不同者且不重复；"
            f"其中 {int(wrong.sum())} 条无效",
            pointer="/links",
        )
    return pairs
