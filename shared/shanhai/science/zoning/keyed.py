"""Cells sorted by zone and district, and what is read of a layer for each of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanhai.science.arrays import ClassArray, IntArray
from shanhai.science.zoning.patches import patch_sizes
from shanhai.science.zoning.statistics_kernels import Keys, add_classes, add_values, sort_into

_PROBABILITIES = (0.1, 0.5, 0.9)
_SHORT_KEYS = 1 << 16
_STRIP_ROWS = 512
_CLASSES = 256

Layer = Callable[[slice], NDArray[np.floating]]
"""Reads some rows of a layer when their turn comes; NaN is nodata."""

ClassLayer = Callable[[slice], ClassArray]
"""Reads some rows of a layer of classes, 0 nodata, or of a mask, 0 outside."""

KeyLayer = Callable[[slice], Keys]
"""Reads some rows of the keys."""

Keep = Callable[[Keys], KeyLayer]
"""Keeps the keys where whoever reads them by rows finds them."""


def keep_here(keys: Keys) -> KeyLayer:
    """Keys that stay in memory."""
    return keys.__getitem__


@dataclass(frozen=True, slots=True)
class Spread:
    """Distribution of a layer over the cells of a zone; NaN cells are left out."""

    mean: float
    median: float
    p10: float
    p90: float


@dataclass(frozen=True, slots=True)
class Keyed:
    """Every cell under one number for its zone and district; picklable if `keys` is.

    Attributes:
        keys: Zone times `width` plus district; 0 is nodata.
        rows: Rows of the raster.
        width: One more than the highest district.
        edges: Where each key begins among the cells sorted by it.
    """

    keys: KeyLayer
    rows: int
    width: int
    edges: IntArray

    @property
    def count(self) -> int:
        """Number of keys, nodata among them."""
        return len(self.edges) - 1

    @property
    def strips(self) -> Iterator[slice]:
        """The rows, some at a time."""
        return _strips(self.rows)


def number_cells(
    codes: ClassArray, districts: NDArray[np.integer] | None, keep: Keep = keep_here
) -> tuple[Keyed, list["Part"]]:
    """Number the cells, and tell the parts: zones everywhere, then zones by district.

    Cells outside every district keep district 0.
    """
    width = 1 if districts is None else int(districts.max(initial=0)) + 1
    count = width * (int(codes.max(initial=0)) + 1)
    keys: Keys = codes.astype(np.uint16 if count <= _SHORT_KEYS else np.uint32)
    np.multiply(keys, width, out=keys)
    if districts is not None:
        np.add(keys, districts, out=keys, where=codes > 0, casting="unsafe")
    counts = np.zeros(count, dtype=np.int64)
    for strip in _strips(len(keys)):
        counts += np.bincount(keys[strip].ravel(), minlength=count)
    counts[0] = 0
    edges = np.concatenate([[0], np.cumsum(counts)])
    parts = list(_zones_everywhere(codes, width, int(edges[-1])))
    if districts is not None:
        parts += _zones_by_district(keys, width)
    return Keyed(keep(keys), len(keys), width, edges), parts


def _strips(height: int) -> Iterator[slice]:
    for row in range(0, height, _STRIP_ROWS):
        yield slice(row, min(row + _STRIP_ROWS, height))


@dataclass(frozen=True, slots=True)
class Part:
    """One zone, everywhere or in one district: a stretch of keys.

    Attributes:
        zone: Zone code.
        district: District number; None for everywhere.
        keys: The stretch.
        cells: Number of cells.
        share: Part of the district's, or of all, valid cells.
        patch_sizes: Cells of each patch.
    """

    zone: int
    district: int | None
    keys: slice
    cells: int
    share: float
    patch_sizes: IntArray


def _zones_everywhere(codes: ClassArray, width: int, known: int) -> Iterator[Part]:
    for zone, sizes in sorted(patch_sizes(codes).items()):
        cells = int(sizes.sum())
        yield Part(zone, None, slice(zone * width, (zone + 1) * width), cells, cells / known, sizes)


def _zones_by_district(keys: Keys, width: int) -> Iterator[Part]:
    found = {key: sizes for key, sizes in patch_sizes(keys).items() if key % width}
    land = np.zeros(width, dtype=np.int64)
    for key, sizes in found.items():
        land[key % width] += sizes.sum()
    for key in sorted(found, key=lambda key: (key % width, key)):
        zone, district = divmod(key, width)
        cells = int(found[key].sum())
        share = cells / int(land[district])
        yield Part(zone, district, slice(key, key + 1), cells, share, found[key])


@dataclass(frozen=True, slots=True)
class Reading:
    """What is taken from one layer, by part: its spread and how much of it is negative."""

    spreads: list[Spread]
    negative_share: list[float]

    @classmethod
    def of(cls, layer: Layer, keyed: Keyed, parts: list[slice]) -> "Reading":
        """Read the layer once and sort its values by key."""
        first = layer(slice(0, 1))
        values = np.empty(int(keyed.edges[-1]), dtype=first.dtype)
        place = keyed.edges[:-1].copy()
        total = np.zeros(keyed.count)
        valid, negative = np.zeros((2, keyed.count), dtype=np.int64)
        for strip in keyed.strips:
            sort_into(keyed.keys(strip), layer(strip), values, place, total, valid, negative)
        spreads: dict[int, Spread] = {}
        # What belongs to a district first: sorting a whole zone mixes its districts.
        for number in reversed(range(len(parts))):
            keys = parts[number]
            stretch = values[keyed.edges[keys.start] : keyed.edges[keys.stop]]
            known = int(valid[keys].sum())
            mean = float(total[keys].sum()) / known if known else float("nan")
            spreads[number] = Spread(mean, *_quantiles_in_place(stretch, known))
        shares = [
            float(negative[keys].sum() / known) if (known := valid[keys].sum()) else np.nan
            for keys in parts
        ]
        return cls([spreads[number] for number in range(len(parts))], shares)


def _quantiles_in_place(values: NDArray[np.floating], known: int) -> tuple[float, float, float]:
    """Median, 10th and 90th percentile (linear) of the `known` numbers among NaN; reorders them."""
    if known == 0:
        return (float("nan"),) * 3
    places = [(known - 1) * probability for probability in _PROBABILITIES]
    ranks = {rank for place in places for rank in (int(place), min(int(place) + 1, known - 1))}
    # NaN sorts behind every number.
    values.partition(sorted(ranks))
    p10, median, p90 = (
        _between(
            float(values[int(place)]), float(values[min(int(place) + 1, known - 1)]), place % 1
        )
        for place in places
    )
    return median, p10, p90


def _between(low: float, high: float, share: float) -> float:
    """Linear interpolation in the two-sided form NumPy uses."""
    step = high - low
    return high - step * (1 - share) if share >= 0.5 else low + step * share


def sums_of(layer: Layer, keyed: Keyed, parts: list[slice]) -> list[float]:
    """By part the sum of a layer."""
    total = np.zeros(keyed.count)
    for strip in keyed.strips:
        add_values(keyed.keys(strip), layer(strip), total)
    return [float(total[keys].sum()) for keys in parts]


def class_counts_of(layer: ClassLayer, keyed: Keyed, parts: list[slice]) -> list[IntArray]:
    """By part the cells of every class."""
    counts = np.zeros((keyed.count, _CLASSES), dtype=np.int64)
    for strip in keyed.strips:
        add_classes(keyed.keys(strip), layer(strip), counts)
    return [counts[keys].sum(axis=0) for keys in parts]
