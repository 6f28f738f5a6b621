"""Sites that lie together: the groups of a choice, and the rule that each be large enough."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from shanhai.errors import InvalidInput
from shanhai.science.grid import BoolArray, FloatArray, IntArray
from shanhai.science.selection.rules import require_limit, require_pairs, require_quantities


@dataclass(frozen=True, slots=True)
class SiteGroups:
    """Chosen sites that are joined, directly or through others, are a group.

    Attributes:
        pairs: Two columns, sites that are joined when both are chosen, each pair once.
        sizes: Of each site, ≥ 0, such as its hectares.
        least: Size that each group of a choice must have at least, ≥ 0, in the same unit.
    """

    pairs: IntArray
    sizes: FloatArray
    least: float

    def members(self, chosen: BoolArray) -> list[IntArray]:
        """The groups of a choice, by their first sites; sites ascend in each."""
        sites = np.flatnonzero(chosen)
        inner = self.pairs[chosen[self.pairs].all(axis=1)]
        ones = np.ones(len(inner))
        graph = coo_array((ones, (inner[:, 0], inner[:, 1])), shape=(chosen.size, chosen.size))
        labels = connected_components(graph, directed=False)[1][sites]
        _, first, number = np.unique(labels, return_index=True, return_inverse=True)
        order = np.argsort(first, kind="stable")
        return [sites[number == one] for one in order.tolist()]

    def size(self, members: IntArray) -> float:
        """Size of a group, rounded to what its sites are told to: 0.1 and 0.2 are 0.3."""
        return float(f"{self.sizes[members].sum():.12g}")

    def small(self, chosen: BoolArray) -> list[IntArray]:
        """The groups of a choice that are not large enough."""
        return [one for one in self.members(chosen) if self.size(one) < self.least]

    def around(self, members: IntArray) -> IntArray:
        """Sites beside a group, ascending."""
        inside = np.zeros(self.sizes.size, dtype=np.bool_)
        inside[members] = True
        one, other = self.pairs[:, 0], self.pairs[:, 1]
        return np.unique(
            np.concatenate([other[inside[one] & ~inside[other]], one[inside[other] & ~inside[one]]])
        )

    def ways_out(self, chosen: BoolArray) -> Iterator[tuple[int, IntArray]]:
        """Each site of a group that is too small, with the sites of which it needs one.

        Whatever group it is part of, if large enough, reaches beyond these members, and so holds
        one of the sites around them.
        """
        for members in self.small(chosen):
            around = self.around(members)
            for site in members.tolist():
                yield site, around


def require_groups(groups: SiteGroups, count: int) -> None:
    """Refuse sizes and pairs that do not fit the sites."""
    require_pairs(groups.pairs, np.ones(len(groups.pairs)), 0.0, count, "/groups")
    require_quantities(groups.sizes, "/groups/sizes")
    require_limit(groups.least, "/groups/least")
    if groups.sizes.shape != (count,):
        raise InvalidInput(
            f"sizes have the shape {groups.sizes.shape}; {count} sites need one each",
            message_zh=f"sizes 形状为 {groups.sizes.shape}，{count} 个地块各需一个",
            pointer="/groups/sizes",
        )
