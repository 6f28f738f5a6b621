"""What there is to choose from: sites, costs, amounts and rules; and the four goals of a choice."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.grid import BoolArray, FloatArray, IntArray
from shanhai.science.selection import rules
from shanhai.science.selection.groups import SiteGroups, require_groups


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
        groups: How large what lies together must be; None for sites anywhere.

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
    districts: tuple[rules.DistrictRule, ...] = ()
    variants: tuple[tuple[int, ...], ...] = ()
    phases: tuple[rules.PhaseRule, ...] = ()
    funds: tuple[rules.FundRule, ...] = ()
    edges: rules.Edges | None = None
    connections: rules.SiteConnections | None = None
    corridors: tuple[rules.CorridorSteps, ...] = ()
    groups: SiteGroups | None = None

    def __post_init__(self) -> None:
        """Refuse values out of range and rules that contradict each other."""
        count = self.sites
        rules.require_amounts(self.costs, self.amounts, self.features)
        rules.require_limit(self.budget, "/budget")
        rules.require_variants(self.variants, count)
        rules.require_locks(self.locked_in, self.locked_out, self.variants, count)
        rules.require_districts(self.districts, count)
        rules.require_phases(self.phases)
        rules.require_funds(self.funds, count, len(self.phases))
        if self.edges is not None:
            rules.require_edges(self.edges, count)
        if self.connections is not None:
            links = self.connections
            rules.require_pairs(links.pairs, links.strengths, links.reward, count, "/connections")
        rules.require_corridors(self.corridors, count)
        if self.groups is not None:
            require_groups(self.groups, count)

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


@dataclass(frozen=True, slots=True)
class MinimumSet:
    """Reach every target at the least cost: `min Σ cᵢxᵢ`, `Σ b_fi·xᵢ ≥ T_f`.

    Attributes:
        targets: T of each feature, ≥ 0, in its unit; 0 asks for nothing.
    """

    targets: FloatArray


@dataclass(frozen=True, slots=True)
class MaximumBenefit:
    """Gain most: `max Σ w_f·min(Σ b_fi·xᵢ, cap_f)`.

    Attributes:
        weights: w of each feature, ≥ 0, not all 0.
        caps: Amounts beyond which more counts for nothing, ≥ 0; None for no caps.
    """

    weights: FloatArray
    caps: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class TargetCoverage:
    """Reach as many targets as can be: `max Σ w_f·[Σ b_fi·xᵢ ≥ T_f]`.

    Attributes:
        weights: w of each feature, ≥ 0, not all 0.
        targets: T, above 0.
    """

    weights: FloatArray
    targets: FloatArray


@dataclass(frozen=True, slots=True)
class TargetShortfall:
    """Miss the targets by least: `min Σ w_f·max(0, 1 − Σ b_fi·xᵢ/T_f)`.

    Attributes:
        weights: w of each feature, ≥ 0, not all 0.
        targets: T, above 0.
    """

    weights: FloatArray
    targets: FloatArray


BudgetGoal = MaximumBenefit | TargetCoverage | TargetShortfall
"""Goals that ask for as much as the money gives."""

Goal = MinimumSet | BudgetGoal


def require_goal(goal: Goal, features: int) -> None:
    """Refuse weights and targets that are out of range or do not fit the features."""
    if not isinstance(goal, MinimumSet):
        _require_shape(goal.weights, features, "/goal/weights")
        if not (goal.weights > 0).any():
            raise InvalidInput(
                f"all {features} weights are 0; one must be above it",
                message_zh=f"{features} 个权重均为 0，至少一个须大于 0",
                pointer="/goal/weights",
            )
    if isinstance(goal, MaximumBenefit):
        if goal.caps is not None:
            _require_shape(goal.caps, features, "/goal/caps")
        return
    _require_shape(goal.targets, features, "/goal/targets")
    none = int(np.count_nonzero(goal.targets <= 0))
    if none and not isinstance(goal, MinimumSet):
        raise InvalidInput(
            f"{none} of {features} targets are 0; they must be above it",
            message_zh=f"{features} 个目标中有 {none} 个为 0，须大于 0",
            pointer="/goal/targets",
        )


def value_of(goal: BudgetGoal, amounts: FloatArray, reached: BoolArray) -> float:
    """Value of a choice in the goal's own sense.

    Args:
        goal: What is asked for.
        amounts: Reached of each feature.
        reached: Which targets are met, for `TargetCoverage`.
    """
    match goal:
        case MaximumBenefit():
            capped = amounts if goal.caps is None else np.minimum(amounts, goal.caps)
            return float(goal.weights @ capped)
        case TargetCoverage():
            return float(goal.weights @ reached)
        case TargetShortfall():
            missing = np.maximum(1.0 - amounts / goal.targets, 0.0)
            return float(goal.weights @ np.where(reached, 0.0, missing))


def maximises(goal: Goal) -> bool:
    """Whether more is better."""
    return isinstance(goal, MaximumBenefit | TargetCoverage)


def _require_shape(values: FloatArray, features: int, pointer: str) -> None:
    name = pointer.rpartition("/")[2]
    if values.shape != (features,):
        raise InvalidInput(
            f"{name} have the shape {values.shape}; {features} features need one each",
            message_zh=f"{name} 形状为 {values.shape}，{features} 项指标各需一个",
            pointer=pointer,
        )
    rules.require_quantities(values, pointer)
