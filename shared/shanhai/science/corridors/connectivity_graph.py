"""Patches and the ways between them, as the indices PC and IIC see them."""

import math
from dataclasses import dataclass

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import FloatArray
from shanhai.science.corridors.connectivity_kernels import DISPERSAL, HOPS, allow_through, worth

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
