"""Sums and maxima of the currents of many flows over one raster, and what is known of the rest."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.corridors.circuit.graph import Circuit, Regions
from shanhai.science.corridors.circuit.ports import Flow
from shanhai.science.corridors.resistance import require_resistance
from shanhai.science.corridors.surface import require_shape

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class CurrentMaps:
    """Current of every cell over all flows, A; NaN in barriers.

    Attributes:
        cumulative: Sum.
        maximum: Largest.
    """

    cumulative: FloatArray
    maximum: FloatArray


class Gathered:
    """Currents by node of one circuit, as the flows come in."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self._cumulative = np.zeros(circuit.size)
        self._maximum = np.zeros(circuit.size)

    def add(self, flow: Flow) -> None:
        """Take in a flow."""
        self._cumulative[flow.nodes] += flow.current
        self._maximum[flow.nodes] = np.maximum(self._maximum[flow.nodes], flow.current)

    def maps(self) -> CurrentMaps:
        """Currents by cell."""
        raster = self._circuit.raster
        return CurrentMaps(raster(self._cumulative), raster(self._maximum))


def merged(one: CurrentMaps, other: CurrentMaps) -> CurrentMaps:
    """The maps of all flows of two; a barrier may be a cell of a source in one of them only."""
    cumulative = np.where(np.isnan(one.cumulative), other.cumulative, one.cumulative)
    both = ~np.isnan(one.cumulative) & ~np.isnan(other.cumulative)
    cumulative[both] += other.cumulative[both]
    return CurrentMaps(cumulative, np.fmax(one.maximum, other.maximum))


def by_cell(circuit: Circuit, nodes: IntArray, values: FloatArray) -> FloatArray:
    """Values of some nodes in their cells, 0 in those of others, NaN where there is no node."""
    whole = np.zeros(circuit.size)
    whole[nodes] = values
    return circuit.raster(whole)


def read_sources(
    resistance: NDArray[np.floating | np.integer], sources: Regions, least: int = 2
) -> tuple[FloatArray, tuple[int, ...]]:
    """The checked resistance and the numbers of the sources, ascending.

    Raises:
        InvalidInput: `require_resistance` refuses the resistance, the shapes differ, there are
            fewer than `least` sources, or one of them has no passable cell (all such are named).
    """
    checked = require_resistance(resistance)
    require_shape("sources", sources.shape, (checked.shape[0], checked.shape[1]))
    numbers = np.unique(sources[sources > 0])
    if len(numbers) < least:
        raise InvalidInput(
            f"there are {len(numbers)} sources; currents need at least {least}",
            message_zh=f"源地数为 {len(numbers)}，电流计算至少需要 {least} 个",
            pointer="/sources",
        )
    lost = np.setdiff1d(numbers, sources[np.isfinite(checked)]).tolist()
    if lost:
        raise InvalidInput(
            f"sources {lost} lie on barriers only; each needs a passable cell",
            message_zh=f"源地 {lost} 全部位于障碍上；每个源地至少需一个可通行像元",
            pointer="/sources",
        )
    return checked, tuple(numbers.tolist())


def require_pairs(
    pairs: Collection[Pair] | None, numbers: tuple[int, ...]
) -> frozenset[frozenset[int]] | None:
    """The pairs that are asked for, in no order; None for all.

    Raises:
        InvalidInput: a pair names a source that is not there, or one source twice.
    """
    if pairs is None:
        return None
    for pair in pairs:
        if not set(pair) <= set(numbers) or len(set(pair)) != 2:
            raise InvalidInput(
                f"pairs holds {pair}; a pair names two different sources of {numbers}",
                message_zh=f"pairs 中有 {pair}；每对须为 {numbers} 中两个不同的源地",
                pointer="/pairs",
            )
    return frozenset(frozenset(pair) for pair in pairs)


def require_strengths(
    strengths: Mapping[int, float] | None, numbers: tuple[int, ...]
) -> dict[int, float]:
    """Amperes that each source sends, 1 where none are given.

    Raises:
        InvalidInput: a source is not there, or its strength is negative or not finite.
    """
    given = dict(strengths or {})
    for number, amperes in given.items():
        if number not in numbers or not 0 <= amperes < np.inf:
            raise InvalidInput(
                f"strengths gives source {number} {amperes} A; "
                f"it must be one of {numbers} and get a finite number of at least 0",
                message_zh=f"strengths 中源地 {number} 为 {amperes} A；须为 {numbers} 之一，"
                "且为不小于 0 的有限数",
                pointer="/strengths",
            )
    return {number: given.get(number, 1.0) for number in numbers}
