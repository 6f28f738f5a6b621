"""What a run may change about the links between sources."""

import math
from dataclasses import dataclass, field
from typing import Literal

from shanhai.errors import InvalidInput
from shanhai.science.corridors.steps import Neighbours
from shanhai.science.corridors.swaths import SwathRule

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
