"""A problem and a goal as a mixed-integer programme, and a choice of sites reckoned anew."""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csc_array

from shanhai.science.grid import BoolArray, FloatArray, IntArray
from shanhai.science.selection.limits import (
    ConstraintRow,
    Limit,
    RowBlock,
    exact_sum,
    limits_of,
    not_below,
    target_limits,
)
from shanhai.science.selection.problem import (
    Goal,
    MaximumBenefit,
    MinimumSet,
    SelectionProblem,
    TargetCoverage,
    maximises,
    require_goal,
    value_of,
)


@dataclass(frozen=True, slots=True)
class SitePlan:
    """Which sites are chosen, and what that gives.

    Attributes:
        phase_of: Phase of each site, from 0 (0 without phases); −1 is not chosen.
        cost: Of all chosen sites; if it has no double, the next above.
        amounts: Reached of each feature.
        reached: Whether each target is met; without targets, whether there is any amount.
        exposed_m: E, outline of the chosen sites as a whole, m; 0 without edges.
        connection: Q, summed strength of the pairs whose both sites are chosen.
        corridors: Whether each corridor is open.
        objective: Value in the sense of the goal, with `λE − κQ − V` to its disadvantage.
    """

    phase_of: IntArray
    cost: float
    amounts: FloatArray
    reached: BoolArray
    exposed_m: float
    connection: float
    corridors: BoolArray
    objective: float

    @property
    def chosen(self) -> BoolArray:
        """Mask of the chosen sites."""
        return np.asarray(self.phase_of >= 0)


def make_plan(problem: SelectionProblem, goal: Goal, phase_of: IntArray) -> SitePlan:
    """What a choice amounts to; it is not asked whether the rules allow it.

    Args:
        problem: Sites and rules.
        goal: What the choice is for.
        phase_of: Phase of each site, from 0; −1 is not chosen.
    """
    chosen = np.asarray(phase_of >= 0)
    options = options_of(problem, phase_of)
    amounts = problem.option_amounts[:, options].sum(axis=1)
    reached = _reached(problem, goal, options, amounts)
    exposed, connection = _exposed(problem, chosen), _connection(problem, chosen)
    corridors = _open(problem, chosen)
    cost = not_below(exact_sum(problem.costs[chosen].tolist()))
    beside = _beside(problem, exposed, connection, corridors)
    value = cost if isinstance(goal, MinimumSet) else value_of(goal, amounts, reached)
    objective = value - beside if maximises(goal) else value + beside
    return SitePlan(phase_of, cost, amounts, reached, exposed, connection, corridors, objective)


def options_of(problem: SelectionProblem, phase_of: IntArray) -> BoolArray:
    """Mask of the chosen options."""
    mask = np.zeros((problem.sites, problem.periods), dtype=np.bool_)
    sites = np.flatnonzero(phase_of >= 0)
    mask[sites, phase_of[sites]] = True
    return mask.ravel()


def _reached(
    problem: SelectionProblem, goal: Goal, options: BoolArray, amounts: FloatArray
) -> BoolArray:
    if isinstance(goal, MaximumBenefit):
        return np.asarray(amounts > 0)
    rules = {rule.name: rule for rule in target_limits(problem, goal.targets)}
    return np.array(
        [name not in rules or rules[name].holds(options) for name in problem.features], dtype=bool
    )


def _exposed(problem: SelectionProblem, chosen: BoolArray) -> float:
    edges = problem.edges
    if edges is None:
        return 0.0
    inner = edges.lengths[chosen[edges.pairs].all(axis=1)].sum()
    return float(edges.perimeters[chosen].sum() - 2 * inner)


def _connection(problem: SelectionProblem, chosen: BoolArray) -> float:
    links = problem.connections
    return 0.0 if links is None else float(links.strengths[chosen[links.pairs].all(axis=1)].sum())


def _beside(
    problem: SelectionProblem, exposed: float, connection: float, corridors: BoolArray
) -> float:
    """`λE − κQ − V`."""
    opened = zip(problem.corridors, corridors.tolist(), strict=True)
    total = -math.fsum(one.value for one, is_open in opened if is_open)
    if problem.edges is not None:
        total += problem.edges.penalty * exposed
    if problem.connections is not None:
        total -= problem.connections.reward * connection
    return total


def _open(problem: SelectionProblem, chosen: BoolArray) -> BoolArray:
    return np.array(
        [all(chosen[list(step)].any() for step in one.steps) for one in problem.corridors],
        dtype=np.bool_,
    )


_HALF = 0.5


@dataclass(frozen=True, slots=True)
class IntegerProgramme:
    """`min objective·v`, `low ≤ matrix·v ≤ high`, `lower ≤ v ≤ upper`, some of v whole.

    The variables are the options x (binary), one p of each pair of sites that counts together, one
    u of each corridor, and what is reached of each feature. p and u need not be declared whole:
    nothing but the options holds them back, so at the optimum they are.

    Attributes:
        problem: Sites and rules.
        goal: What the choice is for.
        limits: Rules that are checked anew, without rounding, on every choice.
        for_cost: Whether the cost is made least instead of what the goal asks for.
    """

    problem: SelectionProblem
    goal: Goal
    limits: tuple[Limit, ...]
    objective: FloatArray
    lower: FloatArray
    upper: FloatArray
    integral: BoolArray
    matrix: csc_array
    low: FloatArray
    high: FloatArray
    for_cost: bool = False

    def read(self, values: FloatArray) -> SitePlan:
        """The choice that the variables stand for, rounded and reckoned anew."""
        options = values[: self.problem.option_costs.size].reshape(self.problem.sites, -1)
        phase_of = np.where(options.max(axis=1) > _HALF, options.argmax(axis=1), -1)
        return make_plan(self.problem, self.goal, phase_of)

    def minimised(self, plan: SitePlan) -> float:
        """The objective of a plan, by the plan and not by the variables."""
        if self.for_cost:
            return plan.cost
        return -plan.objective if maximises(self.goal) else plan.objective

    def cuts(self, plan: SitePlan, values: FloatArray) -> list[ConstraintRow]:
        """Rows that forbid what the solver's tolerances let pass and the rules do not."""
        options = options_of(self.problem, plan.phase_of)
        found = [limit.cut(options) for limit in self.limits if not limit.holds(options)]
        found += _group_rows(self.problem, plan.chosen)
        if isinstance(self.goal, TargetCoverage):
            first = len(self.objective) - len(self.problem.features)
            claimed = np.flatnonzero((values[first:] > _HALF) & ~plan.reached)
            found += [self._claim(int(number), first, options) for number in claimed]
        return found

    def _claim(self, feature: int, first: int, options: BoolArray) -> ConstraintRow:
        """A target that this choice misses is met with some other option at least."""
        rest = np.flatnonzero((self.problem.option_amounts[feature] > 0) & ~options)
        columns = np.append(rest, first + feature)
        return ConstraintRow(columns, np.append(np.full(len(rest), -1.0), 1.0), -math.inf, 0.0)

    def cheapest(self) -> "IntegerProgramme":
        """The same choices, the least cost of which is sought."""
        costs = np.zeros_like(self.objective)
        costs[: self.problem.option_costs.size] = self.problem.option_costs
        return replace(self, objective=costs, for_cost=True)


@dataclass(frozen=True, slots=True)
class _Reached:
    """What is reached of each feature: weight in the objective, highest value and row."""

    objective: FloatArray
    upper: FloatArray
    own: FloatArray
    scale: FloatArray
    side: FloatArray


def make_programme(problem: SelectionProblem, goal: Goal) -> IntegerProgramme:
    """Set up the matrices.

    `E = Σ eᵢxᵢ − 2·Σ eᵢⱼzᵢⱼ`, z whether both sites of a pair are chosen; connections use the same
    z. It is written `z = xᵢ − p` with `p ≥ xᵢ − xⱼ` and `p ≥ 0`, which takes one row for a pair
    where `z ≤ xᵢ`, `z ≤ xⱼ` take two: 6 times as fast a relaxation of 5 000 sites. A corridor is
    open, `u ≤ Σ x` over the sites of each of its steps.

    Raises:
        InvalidInput: the goal does not fit the features.
    """
    require_goal(goal, len(problem.features))
    limits = limits_of(problem, goal.targets if isinstance(goal, MinimumSet) else None)
    options = problem.option_costs.size
    pairs, pair_values = _pairs(problem)
    reached = _reached_variables(problem, goal)
    rows = RowBlock()
    rows.add(limit.row for limit in limits)
    _add_exclusions(rows, problem)
    _add_pairs(rows, problem, pairs, options)
    _add_corridors(rows, problem, options + len(pairs))
    _add_groups(rows, problem)
    first = options + len(pairs) + len(problem.corridors)
    rows.add(_feature_rows(problem, reached, first))
    matrix, low, high = rows.matrix(first + len(reached.upper))
    lower, upper = _option_bounds(problem)
    between = first - options
    return IntegerProgramme(
        problem,
        goal,
        limits,
        objective=np.concatenate(
            [
                _option_objective(problem, goal, pairs, pair_values),
                -pair_values,
                [-one.value for one in problem.corridors],
                reached.objective,
            ]
        ),
        lower=np.concatenate([lower, np.zeros(between + len(reached.upper))]),
        upper=np.concatenate([upper, np.ones(between), reached.upper]),
        integral=np.concatenate(
            [
                np.ones(options, dtype=bool),
                np.zeros(between, dtype=bool),
                np.full(len(reached.upper), isinstance(goal, TargetCoverage)),
            ]
        ),
        matrix=matrix,
        low=low,
        high=high,
    )


def _option_objective(
    problem: SelectionProblem, goal: Goal, pairs: IntArray, pair_values: FloatArray
) -> FloatArray:
    values = np.bincount(pairs[:, 0], pair_values, problem.sites).astype(np.float64)
    if isinstance(goal, MinimumSet):
        values += problem.costs
    if problem.edges is not None:
        values += problem.edges.penalty * problem.edges.perimeters
    return np.repeat(values, problem.periods)


def _option_bounds(problem: SelectionProblem) -> tuple[FloatArray, FloatArray]:
    locked = problem.locked_mask(problem.locked_in) & (problem.periods == 1)
    lower = np.repeat(locked.astype(np.float64), problem.periods)
    upper = np.repeat(1.0 - problem.locked_mask(problem.locked_out), problem.periods)
    return lower, upper


def _pairs(problem: SelectionProblem) -> tuple[IntArray, FloatArray]:
    """Pairs of sites that count together, and how their z counts in the objective, below 0."""
    parts: list[tuple[IntArray, FloatArray]] = []
    if problem.edges is not None:
        parts.append((problem.edges.pairs, -2 * problem.edges.penalty * problem.edges.lengths))
    if problem.connections is not None:
        links = problem.connections
        parts.append((links.pairs, -links.reward * links.strengths))
    if not parts:
        return np.zeros((0, 2), dtype=np.int64), np.zeros(0)
    pairs = np.sort(np.concatenate([pairs for pairs, _ in parts]), axis=1)
    keys, number = np.unique(pairs[:, 0] * problem.sites + pairs[:, 1], return_inverse=True)
    values = np.bincount(number, np.concatenate([values for _, values in parts]), len(keys))
    counts = values != 0
    return np.stack(np.divmod(keys[counts], problem.sites), axis=1), values[counts]


def _add_exclusions(rows: RowBlock, problem: SelectionProblem) -> None:
    """A site is carried out once, a place in one way; what is locked in is done in some phase."""
    if problem.periods > 1:
        locked = problem.locked_mask(problem.locked_in)
        rows.add(
            ConstraintRow(
                problem.options_of([site]), np.ones(problem.periods), float(locked[site]), 1.0
            )
            for site in range(problem.sites)
        )
    for group in problem.variants:
        options = problem.options_of(group)
        rows.add([ConstraintRow(options, np.ones(len(options)), -math.inf, 1.0)])


def _add_pairs(rows: RowBlock, problem: SelectionProblem, pairs: IntArray, first: int) -> None:
    """`xᵢ − xⱼ − p ≤ 0` of each pair."""
    numbers, periods = np.arange(len(pairs)), problem.periods
    spread = np.repeat(numbers, periods)
    one, other = (problem.options_of(pairs[:, side]) for side in (0, 1))
    signs = np.concatenate([np.ones(len(one)), np.full(len(other) + len(pairs), -1.0)])
    rows.add_at_most_0(
        len(pairs),
        np.concatenate([spread, spread, numbers]),
        np.concatenate([one, other, first + numbers]),
        signs,
    )


def _add_corridors(rows: RowBlock, problem: SelectionProblem, first: int) -> None:
    """`u − Σ x ≤ 0` of each step."""
    for number, corridor in enumerate(problem.corridors):
        for step in corridor.steps:
            options = problem.options_of(step)
            columns = np.append(options, first + number)
            rows.add(
                [
                    ConstraintRow(
                        columns, np.append(np.full(len(options), -1.0), 1.0), -math.inf, 0.0
                    )
                ]
            )


def _group_rows(problem: SelectionProblem, chosen: BoolArray) -> list[ConstraintRow]:
    """`xᵢ ≤ Σ x` over the sites around, for each site of a group that is too small."""
    found = []
    for site, around in () if problem.groups is None else problem.groups.ways_out(chosen):
        own, others = problem.options_of([site]), problem.options_of(around)
        signs = np.append(np.ones(len(own)), np.full(len(others), -1.0))
        found.append(ConstraintRow(np.append(own, others), signs, -math.inf, 0.0))
    return found


def _add_groups(rows: RowBlock, problem: SelectionProblem) -> None:
    """What each site needs beside it, and what can never be large enough; the rest are cuts."""
    if problem.groups is None:
        return
    free = ~problem.locked_mask(problem.locked_out)
    for alone in np.flatnonzero(free & (problem.groups.sizes < problem.groups.least)).tolist():
        rows.add(_group_rows(problem, problem.locked_mask((alone,))))
    rows.add(_group_rows(problem, free))


def _reached_variables(problem: SelectionProblem, goal: Goal) -> _Reached:
    """Variables in the unit of each feature's largest amount, so that all are of one size."""
    scale = problem.option_amounts.max(axis=1, initial=0.0)
    scale[scale == 0] = 1.0
    none = np.zeros(len(scale))
    available = problem.attainable().sum(axis=1)
    match goal:
        case MinimumSet():
            return _Reached(*(np.zeros(0) for _ in range(5)))
        case MaximumBenefit():
            most = available if goal.caps is None else np.minimum(available, goal.caps)
            return _Reached(-goal.weights * scale, most / scale, np.ones(len(scale)), scale, none)
        case TargetCoverage():
            own = goal.targets / scale
            # Rounding of the sum may not bar a target that takes all there is.
            within = (goal.targets <= available * (1 + 1e-9)).astype(np.float64)
            return _Reached(-goal.weights, within, own, scale, none)
        case _:
            own = -goal.targets / scale
            return _Reached(goal.weights, np.ones(len(scale)), own, scale, own)


def _feature_rows(problem: SelectionProblem, reached: _Reached, first: int) -> list[ConstraintRow]:
    amounts = problem.option_amounts
    found = []
    for number in range(len(reached.upper)):
        gives = np.flatnonzero(amounts[number])
        values = np.append(-amounts[number, gives] / reached.scale[number], reached.own[number])
        columns = np.append(gives, first + number)
        found.append(ConstraintRow(columns, values, -math.inf, float(reached.side[number])))
    return found
