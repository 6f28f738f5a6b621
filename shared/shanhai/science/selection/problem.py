"""What there is to choose from: sites with costs and amounts, and the rules of the choice."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shanhai.science.arrays import BoolArray, FloatArray, IntArray
from shanhai.science.selection.checks import (
    require_amounts,
    require_corridors,
    require_districts,
    require_edges,
    require_funds,
    require_limit,
    require_locks,
    require_pairs,
    require_phases,
    require_variants,
)
from shanhai.science.selection.rules import (
    CorridorSteps,
    DistrictRule,
    Edges,
    FundRule,
    PhaseRule,
    SiteConnections,
)


@dataclass(frozen=True, slots=True)
class SelectionProblem:
    """Sites and the rules of choosing among them; the goal is told apart.

    A decision is an *option*: a site in a phase. Without phases there is one option a site. Options
    are counted site by site: `site · phases + phase`.

    Attributes:
        costs: cᵢ of each site, ≥ 0, in one unit of money.
        amounts: b, features by sites, ≥ 0: what each site gives of each feature, in the unit of
            the feature.
        features: Name of each feature.
        locked_in: Sites that are chosen whatever they cost.
        locked_out: Sites that may not be chosen, as for a control line.
        budget: Most that all may cost together; None for no limit.
        districts: Groups with budgets and counts.
        variants: Groups of sites that exclude one another: ways to treat the same place.
        phases: Periods; empty for a plan without them.
        funds: Money by what it may be spent on; empty for money that is free.
        edges: Borders, for the exposed-edge penalty.
        connections: Pairs, for the connectivity reward.
        corridors: For the reward of completing them.

    Raises:
        InvalidInput: a value is out of range, a site is named that does not exist, or two rules
            contradict each other; the pointer names the field.
    """

    costs: FloatArray
    amounts: FloatArray
    features: tuple[str, ...]
    locked_in: tuple[int, ...] = ()
    locked_out: tuple[int, ...] = ()
    budget: float | None = None
    districts: tuple[DistrictRule, ...] = ()
    variants: tuple[tuple[int, ...], ...] = ()
    phases: tuple[PhaseRule, ...] = ()
    funds: tuple[FundRule, ...] = ()
    edges: Edges | None = None
    connections: SiteConnections | None = None
    corridors: tuple[CorridorSteps, ...] = ()

    def __post_init__(self) -> None:
        """Refuse values out of range and rules that contradict each other."""
        count = self.sites
        require_amounts(self.costs, self.amounts, self.features)
        require_limit(self.budget, "/budget")
        require_variants(self.variants, count)
        require_locks(self.locked_in, self.locked_out, self.variants, count)
        require_districts(self.districts, count)
        require_phases(self.phases)
        require_funds(self.funds, count, len(self.phases))
        if self.edges is not None:
            require_edges(self.edges, count)
        if self.connections is not None:
            links = self.connections
            require_pairs(links.pairs, links.strengths, links.reward, count, "/connections")
        require_corridors(self.corridors, count)

    @property
    def sites(self) -> int:
        """How many sites there are."""
        return int(self.costs.size)

    @property
    def periods(self) -> int:
        """How many options a site has: its phases, or one."""
        return max(len(self.phases), 1)

    @property
    def option_costs(self) -> FloatArray:
        """Cost of each option."""
        return np.repeat(self.costs, self.periods)

    @property
    def option_amounts(self) -> FloatArray:
        """Features by options: what is reached of the amounts by the end of the plan."""
        shares = np.array([phase.share for phase in self.phases] or [1.0])
        spread = self.amounts[:, :, None] * shares
        return np.asarray(spread.reshape(len(self.features), -1))

    def options_of(self, sites: Sequence[int] | IntArray) -> IntArray:
        """All options of some sites."""
        first = np.asarray(sites, dtype=np.int64) * self.periods
        return (first[:, None] + np.arange(self.periods)).ravel()

    def attainable(self) -> FloatArray:
        """Features by sites: the most each could give, of variants only the best.

        Its sums are the most of each feature that any choice could give, costs and counts aside.
        """
        best = self.amounts * max((phase.share for phase in self.phases), default=1.0)
        best[:, list(self.locked_out)] = 0.0
        for group in self.variants:
            members = list(group)
            highest = best[:, members].max(axis=1)
            best[:, members] = 0.0
            best[:, members[0]] = highest
        return np.asarray(best)

    def locked_mask(self, sites: tuple[int, ...]) -> BoolArray:
        """Mask of some sites."""
        mask = np.zeros(self.sites, dtype=np.bool_)
        mask[list(sites)] = True
        return mask
