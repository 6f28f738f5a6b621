"""Cells sorted by zone and district, and what is read of a layer for each of them."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanhai.science.grid import ClassArray, FloatArray, IntArray
from shanhai.science.kernels import compiled
from shanhai.science.quantiles import interpolate
from shanhai.science.zoning.seams import patch_sizes

Keys = NDArray[np.unsignedinteger]
"""Key of each cell; 0 is nodata and is passed over."""

Values = NDArray[np.floating]


@compiled
def sort_into(
    keys: Keys,
    strip: Values,
    values: Values,
    place: IntArray,
    total: FloatArray,
    valid: IntArray,
    negative: IntArray,
) -> None:
    """Put the values of a strip where their keys go; add up sums, valid and negative cells.

    Args:
        keys: Keys of the strip.
        strip: Its values; NaN is put in place but counts nothing.
        values: All values sorted by key, filled strip by strip.
        place: Where the next value of each key goes.
        total: Sum by key, in the order of the cells.
        valid: Valid cells by key.
        negative: Cells below 0 by key.
    """
    for row in range(keys.shape[0]):
        for col in range(keys.shape[1]):
            key = keys[row, col]
            if key == 0:
                continue
            value = strip[row, col]
            values[place[key]] = value
            place[key] += 1
            if not math.isnan(value):
                total[key] += value
                valid[key] += 1
                negative[key] += value < 0


@compiled
def add_values(keys: Keys, strip: Values, total: FloatArray) -> None:
    """Add the values of a strip up by key; NaN counts nothing."""
    for row in range(keys.shape[0]):
        for col in range(keys.shape[1]):
            value = strip[row, col]
            if keys[row, col] > 0 and not math.isnan(value):
                total[keys[row, col]] += value


@compiled
def add_classes(keys: Keys, strip: ClassArray, counts: IntArray) -> None:
    """Count the classes of a strip by key."""
    for row in range(keys.shape[0]):
        for col in range(keys.shape[1]):
            if keys[row, col] > 0:
                counts[keys[row, col], strip[row, col]] += 1


_PROBABILITIES = (0.1, 0.5, 0.9)
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
class KeyedCells:
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
) -> tuple[KeyedCells, list["ZonePart"]]:
    """Number the cells, and tell the parts: zones everywhere, then zones by district.

    Cells outside every district keep district 0.
    """
    width = 1 if districts is None else int(districts.max(initial=0)) + 1
    count = width * (int(codes.max(initial=0)) + 1)
    keys: Keys = codes.astype(np.min_scalar_type(count))
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
    return KeyedCells(keep(keys), len(keys), width, edges), parts


def _strips(height: int) -> Iterator[slice]:
    for row in range(0, height, _STRIP_ROWS):
        yield slice(row, min(row + _STRIP_ROWS, height))


@dataclass(frozen=True, slots=True)
class ZonePart:
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


def _zones_everywhere(codes: ClassArray, width: int, known: int) -> Iterator[ZonePart]:
    for zone, sizes in sorted(patch_sizes(codes).items()):
        cells = int(sizes.sum())
        yield ZonePart(
            zone, None, slice(zone * width, (zone + 1) * width), cells, cells / known, sizes
        )


def _zones_by_district(keys: Keys, width: int) -> Iterator[ZonePart]:
    found = {key: sizes for key, sizes in patch_sizes(keys).items() if key % width}
    land = np.zeros(width, dtype=np.int64)
    for key, sizes in found.items():
        land[key % width] += sizes.sum()
    for key in sorted(found, key=lambda key: (key % width, key)):
        zone, district = divmod(key, width)
        cells = int(found[key].sum())
        share = cells / int(land[district])
        yield ZonePart(zone, district, slice(key, key + 1), cells, share, found[key])


@dataclass(frozen=True, slots=True)
class LayerReading:
    """What is taken from one layer, by part: its spread and how much of it is negative."""

    spreads: list[Spread]
    negative_share: list[float]

    @classmethod
    def of(cls, layer: Layer, keyed: KeyedCells, parts: list[slice]) -> "LayerReading":
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
        interpolate(
            float(values[int(place)]), float(values[min(int(place) + 1, known - 1)]), place % 1
        )
        for place in places
    )
    return median, p10, p90


def sums_of(layer: Layer, keyed: KeyedCells, parts: list[slice]) -> list[float]:
    """By part the sum of a layer."""
    total = np.zeros(keyed.count)
    for strip in keyed.strips:
        add_values(keyed.keys(strip), layer(strip), total)
    return [float(total[keys].sum()) for keys in parts]


def class_counts_of(layer: ClassLayer, keyed: KeyedCells, parts: list[slice]) -> list[IntArray]:
    """By part the cells of every class."""
    counts = np.zeros((keyed.count, _CLASSES), dtype=np.int64)
    for strip in keyed.strips:
        add_classes(keyed.keys(strip), layer(strip), counts)
    return [counts[keys].sum(axis=0) for keys in parts]
