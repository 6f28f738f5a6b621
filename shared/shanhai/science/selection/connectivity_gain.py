"""What sites do for connectivity, alone and all together, which is not the sum of it."""

from dataclasses import dataclass

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import BoolArray, FloatArray
from shanhai.science.corridors.connectivity_graph import DISPERSAL_M, dispersal_graph
from shanhai.science.selection.checks import require_sites


@dataclass(frozen=True, slots=True)
class Opening:
    """A way that a site makes shorter.

    Attributes:
        site: Which site, from 0.
        pair: The two patches it joins, from 0.
        distance: Of the way when the site is restored, ≥ 0, in the unit of the other distances.
    """

    site: int
    pair: tuple[int, int]
    distance: float


@dataclass(frozen=True, slots=True)
class Restoration:
    """Patches, and the ways between them as they are and as sites could make them.

    Attributes:
        amounts: aᵢ of each patch, ≥ 0.
        distances: dᵢⱼ of all of them, before any site is restored; +∞ without a way.
        openings: Ways that become shorter.
        d50: Distance with a dispersal probability of 0.5.
    """

    amounts: FloatArray
    distances: FloatArray
    openings: tuple[Opening, ...] = ()
    d50: float = DISPERSAL_M

    def __post_init__(self) -> None:
        """Refuse patches that do not exist and distances that are none."""
        count = self.amounts.size
        for number, opening in enumerate(self.openings):
            require_sites(opening.pair, count, f"/openings/{number}/pair")
            if not opening.distance >= 0:
                raise InvalidInput(
                    f"the distance of opening {number} is {opening.distance}; "
                    "it must be at least 0",
                    message_zh=f"第 {number} 处连通的距离为 {opening.distance}，须不小于 0",
                    pointer=f"/openings/{number}/distance",
                )


@dataclass(frozen=True, slots=True)
class ConnectivityGain:
    """Gain of a plan in equivalent connected area, in the unit of the amounts.

    Attributes:
        before: ECA without any site.
        after: ECA with all chosen sites.
        added_up: Sum of the gains of the chosen sites one by one, which a programme reckons with.
    """

    before: float
    after: float
    added_up: float

    @property
    def together(self) -> float:
        """What the plan truly gains."""
        return self.after - self.before


def equivalent_area(restoration: Restoration, chosen: BoolArray) -> float:
    """ECA when some sites are restored; 0 when there is no patch at all.

    Source: Saura et al. 2011.
    """
    distances = restoration.distances.copy()
    for opening in restoration.openings:
        if chosen[opening.site]:
            one, other = opening.pair
            shorter = min(distances[one, other], opening.distance)
            distances[one, other] = distances[other, one] = shorter
    if not restoration.amounts.any():
        return 0.0
    return dispersal_graph(restoration.amounts, distances, restoration.d50).equivalent_area


def single_gains(restoration: Restoration, sites: int) -> FloatArray:
    """ECA that each site gains when it is the only one, ≥ 0: its amount in a programme."""
    none = np.zeros(sites, dtype=np.bool_)
    before = equivalent_area(restoration, none)
    gains = np.zeros(sites)
    for site in sorted({one.site for one in restoration.openings}):
        alone = none.copy()
        alone[site] = True
        gains[site] = max(equivalent_area(restoration, alone) - before, 0.0)
    return gains


def connectivity_gain(restoration: Restoration, chosen: BoolArray) -> ConnectivityGain:
    """The true gain of a plan beside the sum of its sites' single gains."""
    before = equivalent_area(restoration, np.zeros_like(chosen))
    added_up = float(single_gains(restoration, chosen.size)[chosen].sum())
    return ConnectivityGain(before, equivalent_area(restoration, chosen), added_up)
