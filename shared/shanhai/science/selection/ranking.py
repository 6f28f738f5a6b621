"""Which land to give up last: ranks by removing the least valuable site again and again."""

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Literal

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.grid import BoolArray, FloatArray, IntArray
from shanhai.science.kernels import compiled
from shanhai.science.selection.rules import require_pairs, require_quantities

RemovalRule = Literal["caz", "abf"]
"""Core-area Zonation, and the additive benefit function."""


@dataclass(frozen=True, slots=True)
class OuterEdge:
    """Where land can be given up from outside, so that what is left stays compact.

    Attributes:
        pairs: Two columns, sites that share a border, each pair once.
        outer: Sites at the edge of the whole land.
    """

    pairs: IntArray
    outer: BoolArray


@dataclass(frozen=True, slots=True)
class RankedLand:
    """Sites, what they hold, and what holding them takes.

    Attributes:
        amounts: q, features by sites, ≥ 0, in the unit of each feature; each feature is somewhere.
        sizes: Land of each site, above 0, in one unit of area.
        costs: cᵢ, above 0, by which the value of a site is divided, such as its land or its price.
        weights: w of each feature, ≥ 0, not all 0.

    Raises:
        InvalidInput: a value is out of range, or arrays do not fit each other.
    """

    amounts: FloatArray
    sizes: FloatArray
    costs: FloatArray
    weights: FloatArray

    def __post_init__(self) -> None:
        """Refuse values out of range."""
        shapes = self.amounts.shape, self.sizes.shape, self.costs.shape, self.weights.shape
        features, sites = self.weights.size, self.sizes.size
        if shapes != ((features, sites), (sites,), (sites,), (features,)) or not sites * features:
            raise InvalidInput(
                "amounts, sizes, costs and weights have the shapes "
                f"{', '.join(map(str, shapes))}; they must be features by sites, sites, sites and "
                "features, at least one of each",
                message_zh=f"amounts、sizes、costs、weights 形状为 {'、'.join(map(str, shapes))}，"
                "须依次为 指标 × 地块、地块、地块、指标，且均不为空",
                pointer="/amounts",
            )
        require_quantities(self.amounts, "/amounts")
        require_quantities(self.weights, "/weights")
        for name, values in (
            ("sizes", self.sizes),
            ("costs", self.costs),
            ("amounts", self.amounts.sum(axis=1)),
            ("weights", np.atleast_1d(self.weights.sum())),
        ):
            _require_above_0(values, name)


@dataclass(frozen=True, slots=True)
class Removal:
    """How sites are removed.

    Attributes:
        rule: `caz` keeps the best places of every feature, `abf` places rich in all of them.
        exponent: z of `abf`, above 0, at most 1; the smaller, the more what is rare counts. 0.25
            is that of species–area curves (Moilanen 2007).
        warp: Sites removed before values are reckoned again, ≥ 1; 1 is exact.

    Raises:
        InvalidInput: exponent or warp are out of range.
    """

    rule: RemovalRule = "caz"
    exponent: float = 0.25
    warp: int = 1

    def __post_init__(self) -> None:
        """Refuse an exponent or a warp that is none."""
        if not 0 < self.exponent <= 1 or self.warp < 1:
            raise InvalidInput(
                f"exponent is {self.exponent} and warp {self.warp}; the exponent must be above 0 "
                "and at most 1, the warp at least 1",
                message_zh=f"exponent 为 {self.exponent}、warp 为 {self.warp}；"
                "exponent 须大于 0 且不大于 1，warp 须不小于 1",
                pointer="/exponent" if self.warp >= 1 else "/warp",
            )


@dataclass(frozen=True, slots=True)
class LandRanks:
    """In which order land is given up.

    Attributes:
        order: Sites as they are removed, the first given up first.
        ranks: Of each site the share of all land that is gone with it, above 0, at most 1: what is
            above 0.9 is the best tenth.
    """

    order: IntArray
    ranks: FloatArray


def rank_land(land: RankedLand, removal: Removal, edge: OuterEdge | None = None) -> LandRanks:
    """Remove the site of the least value until none is left.

    With R_j the part of feature j that is left, and q_ij the part of it in site i, the value is

    - `caz`: `max over j of w_j·q_ij/R_j / cᵢ` (Moilanen et al. 2005),
    - `abf`: `Σ over j of w_j·(R_j^z − (R_j − q_ij)^z) / cᵢ` (Moilanen 2007).

    Of sites with the same value the one with the lowest number is removed first.

    Args:
        land: Sites and features.
        removal: The rule.
        edge: Only sites at the edge of what is left are removed; None for any site. Where nothing
            that is left has an edge, all of it may be removed.

    Raises:
        InvalidInput: pairs do not fit the sites.
    """
    sites = land.sizes.size
    first, beside = _neighbours(edge, sites)
    # By sites, since a value is read at once; parts of a whole, so that units do not matter.
    parts = np.ascontiguousarray((land.amounts / land.amounts.sum(axis=1, keepdims=True)).T)
    weights = land.weights / land.weights.sum()
    costs = land.costs / land.costs.max()
    kinds = np.unique(np.column_stack([parts, costs]), axis=0, return_inverse=True)[1]
    order = _remove_all(
        parts,
        kinds.astype(np.int64),
        weights,
        costs,
        0.0 if removal.rule == "caz" else removal.exponent,
        removal.warp,
        np.ones(sites, dtype=np.bool_) if edge is None else edge.outer,
        first,
        beside,
    )
    gone = np.cumsum(land.sizes[order])
    ranks = np.empty(sites)
    ranks[order] = gone / gone[-1]
    return LandRanks(order, ranks)


def _neighbours(edge: OuterEdge | None, sites: int) -> tuple[IntArray, IntArray]:
    """Where the neighbours of each site begin, and all neighbours one after the other."""
    if edge is None:
        return np.zeros(sites + 1, dtype=np.int64), np.zeros(0, dtype=np.int64)
    require_pairs(edge.pairs, np.ones(len(edge.pairs)), 0.0, sites, "/edge")
    if edge.outer.shape != (sites,):
        raise InvalidInput(
            f"outer has the shape {edge.outer.shape}; {sites} sites need one each",
            message_zh=f"outer 形状为 {edge.outer.shape}，{sites} 个地块各需一个",
            pointer="/edge/outer",
        )
    one = np.concatenate([edge.pairs[:, 0], edge.pairs[:, 1]])
    other = np.concatenate([edge.pairs[:, 1], edge.pairs[:, 0]])
    counts = np.bincount(one, minlength=sites)
    first = np.concatenate([[0], np.cumsum(counts)])
    return first.astype(np.int64), other[np.argsort(one, kind="stable")].astype(np.int64)


def _require_above_0(values: FloatArray, name: str) -> None:
    wrong = int(np.count_nonzero(~((values > 0) & np.isfinite(values))))
    if wrong:
        what = " in all" if name in ("amounts", "weights") else ""
        raise InvalidInput(
            f"{wrong} of {values.size} {name} are not finite and above 0{what}",
            message_zh=f"{values.size} 个 {name} 中有 {wrong} 个{'合计' if what else ''}"
            "不是大于 0 的有限数",
            pointer=f"/{name}",
        )


@compiled
def _value(
    part: FloatArray, weights: FloatArray, left: FloatArray, exponent: float, cost: float
) -> float:
    """Value of a site; an exponent of 0 stands for the core-area rule."""
    found = 0.0
    for j in range(len(weights)):
        # Where a site has a part, some is left: its own.
        if part[j] > 0.0 and exponent == 0.0:
            found = max(found, weights[j] * (part[j] / left[j]))
        elif part[j] > 0.0:
            without = max(left[j] - part[j], 0.0)
            found += weights[j] * (left[j] ** exponent - without**exponent)
    return found / cost


@compiled
def _add(high: FloatArray, low: FloatArray, part: FloatArray, sign: float) -> None:
    """Add to sums of which the rounding errors are kept (Knuth's two-sum)."""
    for j in range(len(part)):
        more = sign * part[j]
        total = high[j] + more
        back = total - high[j]
        low[j] += (high[j] - (total - back)) + (more - back)
        high[j] = total


@compiled
def _remove_all(
    parts: FloatArray,
    kinds: IntArray,
    weights: FloatArray,
    costs: FloatArray,
    exponent: float,
    warp: int,
    outer: BoolArray,
    first: IntArray,
    beside: IntArray,
) -> IntArray:
    """Sites in the order of their removal.

    Values only rise as less is left, so that a former value is a lower bound: the lowest bound of
    the heap is reckoned anew until the lowest is one that is up to date. Sites that are alike have
    one value, and one place in the heap: the first of them that may be removed.
    """
    sites, features = parts.shape
    high, low = np.zeros(features), np.zeros(features)
    for i in range(sites):
        _add(high, low, parts[i], 1.0)
    order, done = np.empty(sites, dtype=np.int64), 0
    seen, dated = np.zeros(sites, dtype=np.bool_), np.full(sites, -1, dtype=np.int64)
    # Numba takes the type of a list from what is in it.
    heap, alike, new = [(0.0, 0)], [[0] for _ in range(kinds.max() + 1)], [0]
    heap.clear()
    new.clear()
    for members in alike:
        members.clear()
    while done < sites:
        left, start = high + low, done
        if len(heap) == 0:
            # The edge of the whole; where what is left has none, all of it.
            new.extend([i for i in range(sites) if outer[i] and not seen[i]])
            if len(new) == 0:
                new.extend([i for i in range(sites) if not seen[i]])
        for i in new:
            seen[i] = True
            members = alike[kinds[i]]
            heappush(members, i)
            if members[0] == i:
                heappush(heap, (0.0, i))
        new.clear()
        while len(heap) > 0 and done - start < warp:
            value, i = heappop(heap)
            members = alike[kinds[i]]
            if len(members) == 0 or members[0] != i:
                continue
            if dated[i] != start:
                dated[i] = start
                heappush(heap, (_value(parts[i], weights, left, exponent, costs[i]), i))
                continue
            order[done] = heappop(members)
            done += 1
            if len(members) > 0:
                heappush(heap, (value, members[0]))
        for i in order[start:done]:
            _add(high, low, parts[i], -1.0)
            for other in beside[first[i] : first[i + 1]]:
                if not seen[other]:
                    seen[other] = True
                    new.append(other)
    return order


@dataclass(frozen=True, slots=True)
class PerformanceCurves:
    """What is held of each feature while land is given up.

    Attributes:
        land: Shares of the land that is left, ascending.
        held: Features by shares: the part of each that is left in it, 0–1.
        weighted: Mean of the parts by the weights of the features.
    """

    land: FloatArray
    held: FloatArray
    weighted: FloatArray

    @property
    def mean(self) -> FloatArray:
        """Mean over the features, all alike."""
        return np.asarray(self.held.mean(axis=0))

    @property
    def least(self) -> FloatArray:
        """Part of the feature that is left least of."""
        return np.asarray(self.held.min(axis=0))


def performance_curves(land: RankedLand, found: LandRanks, shares: FloatArray) -> PerformanceCurves:
    """The part of each feature in the best land.

    Args:
        land: Sites and features.
        found: Their ranks.
        shares: Of all land, 0–1, ascending; of a site that such a share cuts, the part within it
            counts.

    Raises:
        InvalidInput: shares do not ascend from 0 to 1 at most.
    """
    if shares.ndim != 1 or not ((shares >= 0) & (shares <= 1)).all() or (np.diff(shares) < 0).any():
        raise InvalidInput(
            f"shares of the land are {shares.tolist()}; they must ascend within 0–1",
            message_zh=f"土地占比为 {shares.tolist()}，须在 0–1 之间升序排列",
            pointer="/shares",
        )
    best = found.order[::-1]
    taken = np.concatenate([[0.0], np.cumsum(land.sizes[best])])
    held = np.empty((len(land.amounts), len(shares)))
    for number, amounts in enumerate(land.amounts):
        sums = np.concatenate([[0.0], np.cumsum(amounts[best])])
        held[number] = np.interp(shares, taken / taken[-1], sums / sums[-1])
    return PerformanceCurves(shares, held, land.weights @ held / land.weights.sum())
