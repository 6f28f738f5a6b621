"""Which sources are linked, by touching zones, a spanning tree or all with all, and settings."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.corridors.spacing import Neighbours
from shanhai.science.corridors.swaths import SwathRule
from shanhai.science.grid import FloatArray

Pair = tuple[int, int]
"""Numbers of two sources, the smaller first."""

_DIGITS = 12
"""Costs that agree to so many digits are equal: what differs is the rounding of their sums."""


def rounded(cost: float) -> float:
    """The cost as it is compared with others."""
    return float(f"{cost:.{_DIGITS}g}")


def touching_pairs(contacts: FloatArray) -> dict[Pair, float]:
    """Pairs whose zones meet, with the cost of the cheapest way that crosses their border once.

    Args:
        contacts: From the kernel `contacts`; entry 0 is no source.
    """
    one, other = np.nonzero(np.triu(np.isfinite(contacts), 1))
    return {(int(i), int(j)): float(contacts[i, j]) for i, j in zip(one, other, strict=True)}


def spanning_links(costs: Mapping[Pair, float], joined: Iterable[Pair] = ()) -> tuple[Pair, ...]:
    """The links of the cheapest forest, ascending; of equal costs the lower pair comes first.

    Args:
        costs: Finite cost of each link.
        joined: Links that are there already and cost nothing; they are not returned.

    Source: Kruskal (1956).
    """
    groups = _Groups()
    for pair in joined:
        groups.join(pair)
    by_cost = sorted(costs, key=lambda pair: (rounded(costs[pair]), pair))
    return tuple(sorted(pair for pair in by_cost if groups.join(pair)))


def components(numbers: Iterable[int], links: Iterable[Pair]) -> tuple[tuple[int, ...], ...]:
    """Numbers that links join, each part ascending, parts by their first number."""
    groups = _Groups()
    for pair in links:
        groups.join(pair)
    parts: dict[int, list[int]] = {}
    for number in sorted(numbers):
        parts.setdefault(groups.root(number), []).append(number)
    return tuple(sorted(tuple(part) for part in parts.values()))


def separated_pairs(parts: Iterable[tuple[int, ...]]) -> tuple[Pair, ...]:
    """Pairs that lie in different parts, ascending."""
    found = [
        (min(i, j), max(i, j))
        for part, other in combinations(list(parts), 2)
        for i in part
        for j in other
    ]
    return tuple(sorted(found))


def nearest_pairs(costs: FloatArray, nearest: int) -> tuple[Pair, ...]:
    """Each source with its `nearest` cheapest others, ascending; ties by the smaller number.

    Args:
        costs: Least costs, shape (count + 1, count + 1), row i from source i; entry 0 is no
            source; infinite where there is no way or none was sought.
        nearest: How many, at least 0.
    """
    pairs: set[Pair] = set()
    for own in range(1, len(costs)):
        others = [j for j in range(1, len(costs)) if j != own and np.isfinite(costs[own, j])]
        others.sort(key=lambda j: (rounded(costs[own, j]), j))
        pairs.update((min(own, j), max(own, j)) for j in others[:nearest])
    return tuple(sorted(pairs))


def crossed_sources(numbers: NDArray[np.integer], pair: Pair) -> tuple[int, ...]:
    """Numbers of the sources a path goes through besides its own two, ascending.

    Args:
        numbers: Number of the source of each of its cells, 0 none.
        pair: The two it joins.
    """
    return tuple(int(number) for number in np.unique(numbers) if number not in (0, *pair))


class _Groups:
    """Which numbers have been joined."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}

    def root(self, number: int) -> int:
        """The number that stands for the group."""
        while (parent := self._parent.get(number, number)) != number:
            self._parent[number] = self._parent.get(parent, parent)
            number = parent
        return number

    def join(self, pair: Pair) -> bool:
        """Join the groups of two numbers; False when they were one."""
        one, other = self.root(pair[0]), self.root(pair[1])
        self._parent[max(one, other)] = min(one, other)
        return one != other


PairMode = Literal["neighbour", "mst", "all_pairs"]

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Which sources are linked, and what belongs to their corridors.

    Attributes:
        mode: `neighbour` links sources whose zones of least cost touch, and each with its nearest;
            `mst` the cheapest tree; `all_pairs` every two.
        nearest: Others that each source is linked with in any case, by cost; for `neighbour`.
        max_cost: Least-cost distance beyond which a link is dropped, cost-weighted metres.
        max_euclid_m: Straight distance beyond which a link is dropped, m.
        drop_crossing: Drop a link whose path goes through a third source.
        join_components: Bring back the cheapest dropped links that join what is apart.
        swath: What belongs to a swath.
        neighbours: Of a cell: 4, 8 or 16.
        forbid_corner_cutting: Refuse diagonal steps beside a barrier.
        keep_bytes: Of costs from single sources held at once; with less the same links take longer.
    """

    mode: PairMode = "neighbour"
    nearest: int = 2
    max_cost: float = math.inf
    max_euclid_m: float = math.inf
    drop_crossing: bool = True
    join_components: bool = True
    swath: SwathRule = field(default_factory=SwathRule)
    neighbours: Neighbours = 8
    forbid_corner_cutting: bool = False
    keep_bytes: int = GIB

    def __post_init__(self) -> None:
        """Refuse settings outside the method."""
        if self.nearest < 0:
            raise InvalidInput(
                f"nearest is {self.nearest}; it must be at least 0",
                message_zh=f"nearest 为 {self.nearest}，不得为负",
                pointer="/nearest",
            )
        for name in ("max_cost", "max_euclid_m"):
            if not getattr(self, name) > 0:
                raise InvalidInput(
                    f"{name} is {getattr(self, name)}; it must be above 0",
                    message_zh=f"{name} 为 {getattr(self, name)}，须大于 0",
                    pointer=f"/{name}",
                )

    def needed(self, cost: float) -> float:
        """Cost up to which the costs from both sources of a link are needed.

        The same distance summed from the other end differs by its rounding, which is allowed for.
        """
        return (self.swath.stretch * cost + self.swath.allowance) * (1 + 1e-9)
