"""Connectivity of patches by the indices PC and IIC, and what each patch, link and site adds to it.

To know all shortest ways that avoid a patch, for every patch, one need not search anew for each:
ways through the patches of one half are allowed for while the other half is settled, and so on down
to a single patch. All patches together take as long as log₂ n searches (Floyd 1962, by halves).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.grid import BoolArray, FloatArray, IntArray
from shanhai.science.kernels import compiled

HOPS, DISPERSAL = 0, 1
"""How a way counts: `1/(1 + links)`, or `exp(−k·metres)`."""


@compiled
def allow_through(ways: FloatArray, first: int, last: int) -> None:
    """Shorten all ways by those through the patches from `first` to before `last`, in place."""
    count = len(ways)
    for through in range(first, last):
        onward = ways[through]
        for start in range(count):
            so_far = ways[start, through]
            if so_far == np.inf:
                continue
            own = ways[start]
            for end in range(count):
                way = so_far + onward[end]
                own[end] = way if way < own[end] else own[end]


@compiled
def worth(ways: FloatArray, amounts: FloatArray, measure: int, rate: float, without: int) -> float:
    """Σᵢ Σⱼ aᵢ·aⱼ·f(way), over ordered pairs with i = j, all but one patch (−1: over all)."""
    count = len(ways)
    total = 0.0
    for one in range(count):
        if one == without:
            continue
        part = 0.0
        for other in range(one + 1, count):
            if other != without and ways[one, other] < np.inf:
                part += amounts[other] * _weight(ways[one, other], measure, rate)
        total += amounts[one] * (amounts[one] + 2.0 * part)
    return total


@compiled
def _weight(way: float, measure: int, rate: float) -> float:
    if measure == HOPS:
        return 1.0 / (1.0 + way)
    return float(np.exp(-rate * way))


@compiled
def worth_without_patches(
    direct: FloatArray, amounts: FloatArray, measure: int, rates: FloatArray
) -> FloatArray:
    """`worth` without each patch and the ways through it: a row a patch, a column a rate."""
    count = len(direct)
    result = np.empty((count, len(rates)))
    waiting = [(0, count, direct.copy())]
    while waiting:
        first, last, ways = waiting.pop()
        if last - first == 1:
            for number in range(len(rates)):
                result[first, number] = worth(ways, amounts, measure, rates[number], first)
            continue
        middle = (first + last) // 2
        other = ways.copy()
        allow_through(ways, first, middle)
        waiting.append((middle, last, ways))
        allow_through(other, middle, last)
        waiting.append((first, middle, other))
    return result


@compiled
def worth_without_links(
    ways: FloatArray,
    links: IntArray,
    lengths: FloatArray,
    amounts: FloatArray,
    measure: int,
    rate: float,
) -> FloatArray:
    """`worth` without each link, given all shortest ways without any of them."""
    result = np.empty(len(links))
    waiting = [(0, len(links), ways.copy())]
    while waiting:
        first, last, ways = waiting.pop()
        if last - first == 1:
            result[first] = worth(ways, amounts, measure, rate, -1)
            continue
        middle = (first + last) // 2
        other = ways.copy()
        _allow_over(ways, links[first:middle], lengths[first:middle])
        waiting.append((middle, last, ways))
        _allow_over(other, links[middle:last], lengths[middle:last])
        waiting.append((first, middle, other))
    return result


@compiled
def _allow_over(ways: FloatArray, links: IntArray, lengths: FloatArray) -> None:
    """Shorten all ways by those over the links, in place."""
    count = len(ways)
    for number in range(len(links)):
        one, other = links[number]
        from_one, from_other = ways[one].copy(), ways[other].copy()
        for start in range(count):
            via_one = from_one[start] + lengths[number]
            via_other = from_other[start] + lengths[number]
            if min(via_one, via_other) == np.inf:
                continue
            own = ways[start]
            for end in range(count):
                way = min(via_one + from_other[end], via_other + from_one[end])
                own[end] = way if way < own[end] else own[end]


DISPERSAL_M = 2500.0
"""d50, the distance that half of those who set out cover, m; status E."""

SENSITIVITY_DISPERSAL_M = (1000.0, 2500.0, 5000.0)
"""Distances d50 that are always told side by side."""


@dataclass(frozen=True, slots=True)
class PatchGraph:
    """Patches and the ways between them, ready for one index.

    Attributes:
        amounts: aᵢ, area or area times quality of each patch, ≥ 0.
        direct: Length of the direct way, of ordered pairs; 0 on the diagonal, +∞ without one.
        shortest: Length of the shortest way through any patches.
        measure: `HOPS` or `DISPERSAL`.
        rate: k of `exp(−k·way)`.
    """

    amounts: FloatArray
    direct: FloatArray
    shortest: FloatArray
    measure: int
    rate: float

    @property
    def total(self) -> float:
        """PCnum or IICnum: `Σᵢ Σⱼ aᵢ·aⱼ·f(way)`, in squares of the unit of the amounts."""
        return float(worth(self.shortest, self.amounts, self.measure, self.rate, -1))

    @property
    def equivalent_area(self) -> float:
        """ECA: size of the one patch that would connect as much, `√total` (Saura et al. 2011)."""
        return math.sqrt(self.total)

    @property
    def connected(self) -> FloatArray:
        """How well each pair is connected over the best way: p* of PC, `1/(1 + nl)` of IIC."""
        if self.measure == HOPS:
            return 1.0 / (1.0 + self.shortest)
        return np.asarray(np.exp(-self.rate * self.shortest))

    def index(self, landscape: float) -> float:
        """PC or IIC, 0–1.

        Args:
            landscape: A_L, size of the whole area, in the unit of the amounts.

        Raises:
            InvalidInput: it is not above 0.
        """
        if not landscape > 0:
            raise InvalidInput(
                f"landscape is {landscape}; the size of the area must be above 0",
                message_zh=f"景观总面积 landscape 为 {landscape}，须大于 0",
                pointer="/landscape",
            )
        return self.total / landscape**2


def dispersal_graph(
    amounts: FloatArray,
    distances: FloatArray,
    d50: float = DISPERSAL_M,
    least_probability: float = 0.0,
) -> PatchGraph:
    """Patches that are reached with the probability `p = exp(−k·d)`, `k = ln 2/d50`: for PC.

    A way through patches has the product of its probabilities, so the best is the shortest.

    Args:
        amounts: aᵢ, finite, ≥ 0.
        distances: dᵢⱼ, symmetric, in m or, with `d50` alike, in units of cost; +∞ without a way.
        d50: Distance with p = 0.5, > 0.
        least_probability: Direct ways of a lower probability do not count.

    Raises:
        InvalidInput: a value is out of range, or there is no patch with an amount.

    Source: Saura and Pascual-Hortal 2007.
    """
    direct = _checked(amounts, distances)
    if not (math.isfinite(d50) and d50 > 0):
        raise InvalidInput(
            f"d50 is {d50}; it must be a distance above 0",
            message_zh=f"扩散距离 d50 为 {d50}，须大于 0",
            pointer="/d50",
        )
    if not 0 <= least_probability < 1:
        raise InvalidInput(
            f"least_probability is {least_probability}; it must be at least 0 and below 1",
            message_zh=f"最小概率为 {least_probability}，须不小于 0 且小于 1",
            pointer="/least_probability",
        )
    rate = math.log(2) / d50
    direct[np.exp(-rate * direct) < least_probability] = np.inf
    return _settled(amounts, direct, DISPERSAL, rate)


def link_graph(amounts: FloatArray, distances: FloatArray, threshold: float) -> PatchGraph:
    """Patches linked where they lie within the threshold, counted by links: for IIC.

    Args:
        amounts: aᵢ, finite, ≥ 0.
        distances: dᵢⱼ, symmetric; +∞ without a way.
        threshold: Longest link, in the unit of the distances, > 0.

    Raises:
        InvalidInput: a value is out of range, or there is no patch with an amount.

    Source: Pascual-Hortal and Saura 2006.
    """
    direct = _checked(amounts, distances)
    if not threshold > 0:
        raise InvalidInput(
            f"threshold is {threshold}; the longest link must be above 0",
            message_zh=f"连接阈值 threshold 为 {threshold}，须大于 0",
            pointer="/threshold",
        )
    hops = np.where((direct <= threshold) & np.isfinite(direct), 1.0, np.inf)
    np.fill_diagonal(hops, 0.0)
    return _settled(amounts, hops, HOPS, 1.0)


def _settled(amounts: FloatArray, direct: FloatArray, measure: int, rate: float) -> PatchGraph:
    shortest = direct.copy()
    allow_through(shortest, 0, len(shortest))
    return PatchGraph(np.asarray(amounts, dtype=np.float64), direct, shortest, measure, rate)


def _checked(amounts: FloatArray, distances: FloatArray) -> FloatArray:
    """A copy of the distances with a diagonal of 0."""
    if distances.shape != (amounts.size, amounts.size) or amounts.ndim != 1:
        raise InvalidInput(
            f"distances have the shape {distances.shape}; {amounts.size} patches need a square",
            message_zh=f"距离矩阵形状为 {distances.shape}，{amounts.size} 个斑块需方阵",
            pointer="/distances",
        )
    if not (np.isfinite(amounts).all() and (amounts >= 0).all() and (amounts > 0).any()):
        raise InvalidInput(
            f"amounts run from {amounts.min(initial=0):g} to {amounts.max(initial=0):g}; they must "
            "be finite and at least 0, one above it",
            message_zh="斑块数量须为有限数且不小于 0，至少一个大于 0",
            pointer="/amounts",
        )
    direct = np.array(distances, dtype=np.float64, order="C")
    np.fill_diagonal(direct, 0.0)
    wrong = int(np.count_nonzero(~(direct >= 0) | (direct != direct.T)))
    if wrong:
        raise InvalidInput(
            f"{wrong} distances are NaN, negative or differ from those of the way back",
            message_zh=f"有 {wrong} 个距离为 NaN、负值或往返不等",
            pointer="/distances",
        )
    return direct


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


def patches_holding(graph: PatchGraph, order: IntArray, share: float, least: int = 1) -> BoolArray:
    """The patches that are taken, one by one, until they hold a share of the index by themselves.

    Ways through patches that are not taken do not count.

    Args:
        graph: Patches.
        order: Numbers of all patches, from 0, in which they are taken.
        share: Of the index of all patches, above 0 and at most 1.
        least: Patches that are taken at least, as far as there are so many.

    Returns:
        Whether each patch is taken.

    Raises:
        InvalidInput: the share is out of range.
    """
    if not 0 < share <= 1:
        raise InvalidInput(
            f"share is {share}; it must lie above 0 and at most at 1",
            message_zh=f"比例 share 为 {share}，须大于 0 且不大于 1",
            pointer="/share",
        )
    ways = np.full(graph.direct.shape, np.inf)
    needed = share * graph.total * (1 - 1e-12)
    for last, patch in enumerate(order.tolist()):
        former, inside = order[:last], slice(last + 1)
        ways[last, last] = 0.0
        if last:
            new = (graph.direct[patch, former][:, np.newaxis] + ways[:last, :last]).min(axis=0)
            ways[last, :last] = ways[:last, last] = new
            np.minimum(ways[:last, :last], new[:, np.newaxis] + new, out=ways[:last, :last])
        so_far = np.ascontiguousarray(ways[inside, inside])
        held = worth(so_far, graph.amounts[order[inside]], graph.measure, graph.rate, -1)
        if last + 1 >= least and held >= needed:
            break
    taken: BoolArray = np.isin(np.arange(len(order)), order[inside])
    return taken


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
