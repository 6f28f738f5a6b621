"""The rules a choice of sites may be bound by, and what makes sites worth more together."""

from dataclasses import dataclass

from shanhai.science.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class DistrictRule:
    """Sites of one administrative district, or of any other group with rules of its own.

    Attributes:
        name: Told when its rules cannot be kept.
        sites: Which, from 0.
        budget: Most they may cost together; None for no limit.
        at_least: Fewest of them to choose.
        at_most: Most of them to choose; None for no limit.
    """

    name: str
    sites: tuple[int, ...]
    budget: float | None = None
    at_least: int = 0
    at_most: int | None = None


@dataclass(frozen=True, slots=True)
class PhaseRule:
    """A year or a period in which sites are carried out.

    Attributes:
        name: Told when its budget cannot be kept.
        budget: Most that the sites of the phase may cost together; None for no limit.
        share: Part of a site's amounts that is reached by the end of the plan when it is carried
            out in this phase, above 0, at most 1.
    """

    name: str
    budget: float | None = None
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class FundRule:
    """Money that may be earmarked; where there are funds, they pay for every chosen site.

    Attributes:
        name: Of the fund.
        amount: What it holds, in the unit of the costs.
        sites: On which it may be spent, from 0; None for all.
        phase: In which phase alone, from 0; None for all.
    """

    name: str
    amount: float
    sites: tuple[int, ...] | None = None
    phase: int | None = None


@dataclass(frozen=True, slots=True)
class Edges:
    """Outlines of the sites, so that compact choices cost less.

    Attributes:
        perimeters: eᵢ of each site, m.
        pairs: Two columns, sites that share a border, each pair once.
        lengths: eᵢⱼ, length of the border they share, m; no longer than either perimeter.
        penalty: λ ≥ 0, in the unit of the goal for each metre of exposed edge.
    """

    perimeters: FloatArray
    pairs: IntArray
    lengths: FloatArray
    penalty: float = 0.0


@dataclass(frozen=True, slots=True)
class SiteConnections:
    """Pairs of sites that are worth more together.

    Attributes:
        pairs: Two columns, each pair once.
        strengths: qᵢⱼ ≥ 0, such as the dispersal probability or the current between them.
        reward: κ ≥ 0, in the unit of the goal for each unit of strength.
    """

    pairs: IntArray
    strengths: FloatArray
    reward: float = 0.0


@dataclass(frozen=True, slots=True)
class CorridorSteps:
    """A corridor that opens when something is done at every step of it.

    Attributes:
        name: Of the corridor.
        steps: For each place on its way the sites (or variants of one) of which one must be chosen.
        value: vₖ ≥ 0, in the unit of the goal, such as the gain in equivalent connected area.
    """

    name: str
    steps: tuple[tuple[int, ...], ...]
    value: float
