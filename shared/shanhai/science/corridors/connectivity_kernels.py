"""Compiled loops of the connectivity indices: shortest ways without one patch, or without one link.

To know all shortest ways that avoid a patch, for every patch, one need not search anew for each:
ways through the patches of one half are allowed for while the other half is settled, and so on down
to a single patch. All patches together take as long as log₂ n searches (Floyd 1962, by halves).
"""

import numpy as np
from numba import njit

from shanhai.science.arrays import FloatArray, IntArray

HOPS, DISPERSAL = 0, 1
"""How a way counts: `1/(1 + links)`, or `exp(−k·metres)`."""


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def _weight(way: float, measure: int, rate: float) -> float:
    if measure == HOPS:
        return 1.0 / (1.0 + way)
    return float(np.exp(-rate * way))


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
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
