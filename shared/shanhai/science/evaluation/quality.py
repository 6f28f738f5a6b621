"""Ecosystem quality and resilience: how near a cell comes to the best, and how it recovers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shanhai.science.grid import ClassArray, FloatArray, IntArray
from shanhai.science.landcover import LandCover
from shanhai.science.quantiles import exact_layer_quantiles

LEAST_CELLS = 30
"""Cells below which a group has no reference of its own."""

ROBUST_PROBABILITY = 0.95
QUALITY_BREAKS = (75.0, 55.0, 35.0, 20.0)
"""Lowest index of the classes 1–4, of five; HJ 1172-2021, status L."""

VARIABLES = ("lai", "fvc", "gpp")
TYPES = 16
"""Room for vegetation types in the number of a group."""

WHOLE = 0
"""The region number of the whole area, parent of all regions."""

Reference = Literal["max", "p95"]
Groups = NDArray[np.uint16]
_BATCH = 64


def group_numbers(region: ClassArray, vegetation: ClassArray) -> Groups:
    """Number of the group of every cell, 0 where region or vegetation type is unknown.

    Args:
        region: Ecological function region, 1–255.
        vegetation: Vegetation type, 1–15, such as a land-cover class.
    """
    numbers = region.astype(np.uint16) * TYPES + vegetation
    return np.where((region == 0) | (vegetation == 0), np.uint16(0), numbers)


def _chain(group: int, parents: Mapping[int, int]) -> list[int]:
    """A group and its ancestors, the whole area last."""
    region, vegetation = divmod(group, TYPES)
    found = []
    while region != WHOLE and region * TYPES + vegetation not in found:
        found.append(region * TYPES + vegetation)
        region = parents.get(region, WHOLE)
    return [*found, vegetation]


@dataclass(frozen=True, slots=True)
class References:
    """Best values of every group that occurs.

    Attributes:
        values: By variable, then by group number.
        cells: Cells of a group with the variable, by variable, then by group number.
        taken_from: The group whose reference a group uses, by variable, then by group number.
    """

    values: Mapping[str, Mapping[int, float]]
    cells: Mapping[str, Mapping[int, int]]
    taken_from: Mapping[str, Mapping[int, int]]

    def table(self, variable: str, size: int = 256 * TYPES) -> FloatArray:
        """The reference by group number, NaN for groups that do not occur."""
        found = np.full(size, np.nan)
        for group, value in self.values[variable].items():
            found[group] = value
        return found


GroupedBlock = tuple[Groups, Mapping[str, NDArray[np.floating]]]
"""Group numbers of a block, and each variable on the same cells."""


def reference_values(
    blocks: Callable[[], Iterable[GroupedBlock]],
    variables: Sequence[str] = VARIABLES,
    *,
    reference: Reference = "p95",
    parents: Mapping[int, int] | None = None,
) -> References:
    """Reference of each group and variable, read block by block.

    Args:
        blocks: Called several times; each call yields the blocks in the same order.
        variables: Names of the variables.
        reference: The maximum, or the 95th percentile, which single faulty cells do not move.
        parents: Parent region by region number; the whole area where none is told.
    """
    kinship = parents or {}
    counts = _count(blocks, variables)
    values: dict[str, dict[int, float]] = {}
    taken: dict[str, dict[int, int]] = {}
    for variable in variables:
        own = _with_ancestors(counts[variable], kinship)
        taken[variable] = {
            group: next(
                (one for one in _chain(group, kinship) if own[one] >= LEAST_CELLS), group % TYPES
            )
            for group in np.flatnonzero(counts[variable]).tolist()
        }
        wanted = sorted(set(taken[variable].values()))
        found = _quantiles(blocks, variable, wanted, kinship, reference)
        values[variable] = {group: found[own] for group, own in taken[variable].items()}
    cells = {
        name: {int(group): int(count[group]) for group in np.flatnonzero(count)}
        for name, count in counts.items()
    }
    return References(values, cells, taken)


def _count(
    blocks: Callable[[], Iterable[GroupedBlock]], variables: Sequence[str]
) -> dict[str, IntArray]:
    counts = {name: np.zeros(256 * TYPES, dtype=np.int64) for name in variables}
    for groups, layers in blocks():
        for name in variables:
            known = np.isfinite(layers[name]) & (groups > 0)
            counts[name] += np.bincount(groups[known], minlength=256 * TYPES)
    return counts


def _with_ancestors(counts: IntArray, parents: Mapping[int, int]) -> dict[int, int]:
    """Cells of each group, those of its descendants included."""
    found: dict[int, int] = {}
    for group in np.flatnonzero(counts).tolist():
        for one in _chain(group, parents):
            found[one] = found.get(one, 0) + int(counts[group])
    return found


def _quantiles(
    blocks: Callable[[], Iterable[GroupedBlock]],
    variable: str,
    wanted: Sequence[int],
    parents: Mapping[int, int],
    reference: Reference,
) -> dict[int, float]:
    """The reference of the wanted groups, a batch of them in each two passes."""
    probability = 1.0 if reference == "max" else ROBUST_PROBABILITY
    found: dict[int, float] = {}
    for start in range(0, len(wanted), _BATCH):
        batch = set(wanted[start : start + _BATCH])

        def members(batch: set[int] = batch) -> Iterable[dict[str, NDArray[np.floating]]]:
            for groups, layers in blocks():
                yield _members(groups, layers[variable], batch, parents)

        quantiles = exact_layer_quantiles(members, [probability])
        found |= {int(name): value for name, (value,) in quantiles.items()}
    return found


def _members(
    groups: Groups, values: NDArray[np.floating], batch: set[int], parents: Mapping[int, int]
) -> dict[str, NDArray[np.floating]]:
    """Values of the cells that belong to each group of the batch, directly or by descent."""
    known = np.isfinite(values) & (groups > 0)
    kept, own = values[known], groups[known]
    parts: dict[int, list[NDArray[np.floating]]] = {}
    for group in np.unique(own).tolist():
        for one in batch.intersection(_chain(group, parents)):
            parts.setdefault(one, []).append(kept[own == group])
    return {str(one): np.concatenate(held) for one, held in parts.items()}


def relative_value(values: FloatArray, reference: FloatArray) -> FloatArray:
    """`X / X_ref`, at most 1; 0 where the reference is 0 or less, NaN stays NaN."""
    share = np.divide(values, reference, out=np.zeros_like(values), where=reference > 0)
    unknown = np.isnan(values) | np.isnan(reference)
    return np.where(unknown, np.nan, np.clip(share, 0.0, 1.0))


def quality_index(relative: Sequence[FloatArray]) -> FloatArray:
    """Ecosystem quality index, `100·mean(relative densities)`.

    Args:
        relative: Relative density of leaf area, vegetation cover and productivity, 0–1 each.

    Returns:
        0–100; NaN where any of them is.

    Source: HJ 1172-2021, idea of the relative density; status L.
    """
    return np.asarray(100 * np.mean(np.stack(list(relative)), axis=0))


def quality_class(index: FloatArray) -> ClassArray:
    """Class 1 (high) to 5 (low) of the index, 0 where NaN."""
    classes = np.select([index >= least for least in QUALITY_BREAKS], [1, 2, 3, 4], 5)
    return np.where(np.isnan(index), 0, classes).astype(np.uint8)


RESILIENCE: Mapping[LandCover, float] = MappingProxyType(
    {
        LandCover.CROPLAND: 0.4,
        LandCover.FOREST: 0.9,
        LandCover.SHRUBLAND: 0.7,
        LandCover.GRASSLAND: 0.6,
        LandCover.WETLAND: 0.7,
        LandCover.MANGROVE: 0.7,
        LandCover.WATER: 0.6,
        LandCover.BUILT_UP: 0.1,
        LandCover.BARE: 0.2,
    }
)
"""Resilience coefficient Rc by class, 0–1; status E."""

RESILIENCE_BREAKS = (80.0, 60.0, 40.0, 20.0)
"""Lowest index of the classes 1–4, of five; medium and above is 40; status E."""


def resilience_index(
    *,
    coefficient: FloatArray,
    npp_n: FloatArray,
    condition_n: FloatArray,
    memory_n: FloatArray | None = None,
) -> FloatArray:
    """Resilience of every cell, `100·mean(Rc, N(NPP), N(condition), 1 − N(AR1))`.

    Args:
        coefficient: Rc of the land cover, 0–1.
        npp_n: Normalised net primary productivity, 0–1.
        condition_n: Normalised habitat quality or ecosystem quality index, 0–1.
        memory_n: Normalised lag-1 autocorrelation of a yearly series, 0–1; without a series the
            term drops out, which a result must say.

    Returns:
        0–100; NaN where any term is.
    """
    terms = [coefficient, npp_n, condition_n]
    if memory_n is not None:
        terms.append(1 - memory_n)
    return np.asarray(100 * np.mean(np.stack(terms), axis=0))


def resilience_class(index: FloatArray) -> ClassArray:
    """Class 1 (high) to 5 (low) of the index, 0 where NaN."""
    classes = np.select([index >= least for least in RESILIENCE_BREAKS], [1, 2, 3, 4], 5)
    return np.where(np.isnan(index), 0, classes).astype(np.uint8)
