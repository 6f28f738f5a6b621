"""Where sources may lie: how much all services give together, and what is habitat anyway."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import BoolArray, FloatArray
from shanhai.science.corridors.patches import core_patches

CANDIDATE_QUANTILE = 0.80
"""Cells from this quantile of the importance on are candidates."""

Layers = Mapping[str, FloatArray]
"""Supply of each service, normalised to 0–1; NaN is nodata."""


def entropy_weights(supplies: Layers) -> dict[str, float]:
    """Weights by how unevenly a service is spread: `w = (1 − e)/Σ(1 − e)`.

    `e = −Σ p·ln p/ln N`, `p = Ê/ΣÊ`, over the N cells that are valid in all layers.

    Args:
        supplies: At least one layer.

    Returns:
        Weight by service, ≥ 0, sum 1; a constant layer has 0.

    Raises:
        InvalidInput: every layer is constant, or fewer than two cells are valid.

    Source: Shannon 1948; entropy weight method.
    """
    valid = _valid(supplies)
    count = int(np.count_nonzero(valid))
    if count < 2:
        raise InvalidInput(
            f"{count} cells are valid in all {len(supplies)} services; entropy needs at least two",
            message_zh=f"{len(supplies)} 项服务共同有效的像元为 {count} 个，熵权法至少需两个",
            pointer="/supplies",
        )
    contrast = {name: _contrast(layer[valid]) for name, layer in supplies.items()}
    whole = sum(contrast.values())
    if whole <= 0:
        raise InvalidInput(
            f"all services are constant ({', '.join(supplies)}); entropy tells none from another",
            message_zh=f"各项服务均为常数（{'、'.join(supplies)}），熵权法无法赋权",
            pointer="/supplies",
        )
    return {name: one / whole for name, one in contrast.items()}


def _contrast(values: FloatArray) -> float:
    """1 − e of a layer; 0 where all values are equal."""
    if values.min() == values.max():
        return 0.0
    positive = values[values > 0] / values.sum()
    entropy = -float(np.sum(positive * np.log(positive))) / math.log(values.size)
    return max(1.0 - entropy, 0.0)


def importance_index(
    supplies: Layers,
    weights: Mapping[str, float] | None = None,
    sensitivity: FloatArray | None = None,
) -> FloatArray:
    """Importance of each cell, `I = Σ w·Ê`.

    Args:
        supplies: At least one layer.
        weights: By service, ≥ 0, divided by their sum; equal without them.
        sensitivity: 0–1, as of erosion or the coast; it lifts a cell to its own value, by the
            maximum, and is passed over where it is NaN.

    Returns:
        0–1; NaN where any supply is.

    Raises:
        InvalidInput: there is no layer, a service has no weight or a weight no service, a weight is
            negative or all are 0.
    """
    shares = _shares(supplies, weights)
    index = np.zeros(next(iter(supplies.values())).shape)
    for name, layer in supplies.items():
        index += shares[name] * layer
    if sensitivity is not None:
        index = np.where(np.isnan(index), np.nan, np.fmax(index, sensitivity))
    return index


def candidate_cells(
    importance: FloatArray,
    *,
    quantile: float = CANDIDATE_QUANTILE,
    protected: Sequence[BoolArray] = (),
    habitats: Sequence[BoolArray] = (),
    min_area_ha: float = 0.0,
    cell_m: float = 1.0,
) -> BoolArray:
    """Cells in which sources may lie.

    Args:
        importance: I of the land; NaN off it.
        quantile: Cells of at least this quantile of I are candidates, 0–1.
        protected: Red line, nature reserves: candidates whatever they give.
        habitats: Water bodies, mangrove: candidates where a connected piece of the same kind is
            at least `min_area_ha` large.
        min_area_ha: Least area of a habitat, ha.
        cell_m: Side of a cell, m.

    Raises:
        InvalidInput: no cell of the importance is valid, or the quantile is not one.
    """
    land = ~np.isnan(importance)
    if not land.any() or not 0 <= quantile <= 1:
        raise InvalidInput(
            f"the quantile {quantile} of {int(land.sum())} valid cells is asked for; "
            "it must lie between 0 and 1, with at least one valid cell",
            message_zh=f"要求 {int(land.sum())} 个有效像元的 {quantile} 分位数；"
            "分位数须在 0 与 1 之间且至少有一个有效像元",
            pointer="/quantile",
        )
    candidates: BoolArray = land & (importance >= np.quantile(importance[land], quantile))
    for mask in protected:
        candidates |= mask
    for habitat in habitats:
        candidates |= core_patches(habitat, cell_m, min_area_ha).labels > 0
    return candidates


def _valid(supplies: Layers) -> BoolArray:
    _require_layers(supplies)
    return np.asarray(~np.isnan(np.stack(list(supplies.values()))).any(axis=0))


def _shares(supplies: Layers, weights: Mapping[str, float] | None) -> dict[str, float]:
    _require_layers(supplies)
    given = dict.fromkeys(supplies, 1.0) if weights is None else dict(weights)
    whole = sum(given.values())
    if set(given) != set(supplies) or min(given.values()) < 0 or not 0 < whole < np.inf:
        raise InvalidInput(
            f"weights are {given} for the services {', '.join(supplies)}; "
            "every service needs one, none negative, not all 0",
            message_zh=f"权重 {given} 与服务 {'、'.join(supplies)} 不符；"
            "每项服务须有权重，不得为负或全为 0",
            pointer="/weights",
        )
    return {name: weight / whole for name, weight in given.items()}


def _require_layers(supplies: Layers) -> None:
    if not supplies:
        raise InvalidInput(
            "there is no service; the importance needs at least one",
            message_zh="没有任何服务图层，重要性至少需要一项",
            pointer="/supplies",
        )
