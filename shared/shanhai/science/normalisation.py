"""Normalisation between percentile limits, the only one the method allows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanhai.science.grid import FloatArray

LIMIT_PROBABILITIES = (0.005, 0.995)
"""Quantiles of the valid cells that become the limits of a layer."""


@dataclass(frozen=True, slots=True)
class NormalisationLimits:
    """The values that become 0 and 1; recorded with a result and reused by its scenarios."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LeastSpan:
    """The span below which a layer counts as constant: what it shows then is noise.

    Attributes:
        absolute: In the unit of the layer; ≥ 0.
        relative: Part of the layer's size, ≥ 0; 0 where its zero means nothing, as in °C.
        unit: Unit of the layer, as messages tell it.
        reason: Why so much, with its source.
    """

    absolute: float
    relative: float
    unit: str
    reason: str

    def of(self, limits: NormalisationLimits) -> float:
        """The least span of a layer with these limits, in its unit; NaN where they are.

        The size of the layer is the middle of its limits: the median lies between them, and where
        they are so close that this span matters the two are the same but for a hair.
        """
        return max(self.absolute, self.relative * abs(limits.low + limits.high) / 2)


def settled(limits: NormalisationLimits, least: LeastSpan) -> NormalisationLimits:
    """The limits; both the lower one where they are closer than the least span, status E.

    `normalise` takes such a layer for constant. NaN limits stay as they are.
    """
    if limits.high - limits.low < least.of(limits):
        return NormalisationLimits(limits.low, limits.low)
    return limits


def limits_of(values: NDArray[np.floating]) -> NormalisationLimits:
    """Limits of a layer held in memory, NaN skipped; NaN limits when nothing is valid."""
    valid = values[np.isfinite(values)]
    if valid.size == 0:
        return NormalisationLimits(float("nan"), float("nan"))
    low, high = np.quantile(valid.astype(np.float64), LIMIT_PROBABILITIES)
    return NormalisationLimits(float(low), float(high))


def normalise(values: FloatArray, limits: NormalisationLimits) -> FloatArray:
    """`clip((x − low)/(high − low), 0, 1)`.

    Args:
        values: Any unit.
        limits: In the unit of `values`.

    Returns:
        0–1; 0 everywhere when high ≤ low (a constant layer), NaN stays NaN.
    """
    span = limits.high - limits.low
    # A constant layer tells nothing; multiplying by zero keeps its NaN cells NaN.
    scaled = (values - limits.low) / span if span > 0 else np.multiply(values, 0.0)
    return np.asarray(np.clip(scaled, 0.0, 1.0))


def log1p_positive(values: FloatArray) -> FloatArray:
    """`ln(1 + max(x, 0))` for heavy-tailed layers; ≥ 0, NaN stays NaN."""
    return np.asarray(np.log1p(np.maximum(values, 0.0)))
