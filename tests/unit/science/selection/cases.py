"""Small selection problems, and their best choice by looking at every one."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import combinations, product

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from shanhai.science.grid import BoolArray, FloatArray, IntArray
from shanhai.science.selection.groups import SiteGroups
from shanhai.science.selection.problem import (
    Goal,
    MaximumBenefit,
    MinimumSet,
    SelectionProblem,
    TargetCoverage,
    TargetShortfall,
)
from shanhai.science.selection.rules import (
    CorridorSteps,
    DistrictRule,
    Edges,
    FundRule,
    PhaseRule,
    SiteConnections,
)

Phases = Sequence[int] | IntArray
"""The phase of each site; -1 is none."""
GOALS = ("minimum", "benefit", "capped", "coverage", "shortfall")

EXAMPLE = SelectionProblem(
    costs=np.array([4.0, 3, 5, 2]),
    amounts=np.array([[5.0, 3, 0, 2], [0, 4, 6, 1]]),
    features=("water", "soil"),
)

LINE = Edges(
    perimeters=np.full(4, 4.0),
    pairs=np.array([[0, 1], [1, 2], [2, 3]]),
    lengths=np.ones(3),
    penalty=1.0,
)


def goal_of(kind: str, problem: SelectionProblem, seed: int) -> Goal:
    """A goal whose targets take a part of what there is, a smaller one where rules bind."""
    rng, amounts = np.random.default_rng(seed), problem.amounts
    weights = rng.integers(1, 5, len(amounts)).astype(float)
    part = rng.uniform(0.1, 0.3) if problem.phases else rng.uniform(0.3, 0.6)
    half = np.maximum(np.floor(amounts.sum(axis=1) * part), 1.0)
    goals: dict[str, Goal] = {
        "minimum": MinimumSet(half),
        "benefit": MaximumBenefit(weights),
        "capped": MaximumBenefit(weights, half),
        "coverage": TargetCoverage(weights, half),
        "shortfall": TargetShortfall(weights, half),
    }
    return goals[kind]


def bare(seed: int, sites: int = 8, features: int = 3) -> SelectionProblem:
    """Costs and amounts only, in whole numbers; the budget is a third of all costs."""
    rng = np.random.default_rng(seed)
    costs = rng.integers(1, 10, sites).astype(float)
    amounts = rng.integers(0, 7, (features, sites)).astype(float)
    names = tuple(f"feature {number}" for number in range(features))
    return SelectionProblem(costs, amounts, names, budget=float(costs.sum() // 3))


def with_neighbours(problem: SelectionProblem, seed: int) -> SelectionProblem:
    """Borders, connections and corridors, each with a weight."""
    rng = np.random.default_rng(seed + 1)
    pairs = np.array(list(combinations(range(problem.sites), 2)))
    near, linked = (pairs[rng.random(len(pairs)) < 0.3] for _ in range(2))
    steps = tuple((int(a), int(b)) for a, b in pairs[rng.choice(len(pairs), 2, replace=False)])
    return replace(
        problem,
        edges=Edges(
            rng.integers(8, 12, problem.sites).astype(float),
            near[:, ::-1],
            rng.integers(1, 4, len(near)).astype(float),
            float(rng.choice([0.25, 0.5])),
        ),
        connections=SiteConnections(
            linked, rng.integers(0, 4, len(linked)).astype(float), float(rng.choice([0.5, 1.0]))
        ),
        corridors=(
            CorridorSteps("north", steps, 4.0),
            CorridorSteps("south", ((0,), (1, 2), (3,)), 6.0),
        ),
    )


def with_rules(problem: SelectionProblem, seed: int) -> SelectionProblem:
    """Locks, variants, districts, phases and funds."""
    rng = np.random.default_rng(seed + 2)
    costs, count = problem.costs, problem.sites
    half = tuple(range(count // 2))
    third = float(costs.sum() // 3)
    return replace(
        problem,
        budget=2 * third,
        locked_in=(int(rng.integers(2, count)),),
        locked_out=(1,),
        variants=((0, count - 1),) if rng.random() < 0.5 else (),
        districts=(
            DistrictRule("west", half, float(costs[list(half)].max()), int(rng.integers(0, 2)), 2),
            DistrictRule("east", tuple(range(count // 2, count)), None, 0, 3),
        ),
        phases=(PhaseRule("first", float(rng.integers(4, 12))), PhaseRule("second", None, 0.5)),
        funds=(
            FundRule("marine", float(rng.integers(2, 9)), half),
            FundRule("forest", float(rng.integers(2, 9)), (0, count - 2, count - 1), 0),
            FundRule("city", third + 3),
        ),
    )


def with_groups(problem: SelectionProblem, seed: int) -> SelectionProblem:
    """Sites in a ring with some ways across it; groups of a quarter of all at least."""
    rng, count = np.random.default_rng(seed + 3), problem.sites
    ring = {(i, i + 1) for i in range(count - 1)} | {(0, count - 1)}
    across = {tuple(sorted(rng.choice(count, 2, replace=False).tolist())) for _ in range(2)}
    kept = [pair for pair in sorted(ring | across) if rng.random() < 0.8]
    sizes = rng.integers(1, 30, count) / 10
    pairs = np.array(kept, dtype=np.int64).reshape(-1, 2)
    least = float(np.round(sizes.sum() * rng.choice([0.2, 0.3]), 1))
    return replace(problem, groups=SiteGroups(pairs, sizes, least))


def sums(values: FloatArray) -> Fraction:
    return sum((Fraction(repr(float(value))) for value in values), Fraction(0))


def payable(problem: SelectionProblem, phase_of: Phases) -> bool:
    """By a maximum flow from the sites over the funds; costs and funds are whole numbers."""
    if not problem.funds:
        return True
    count, funds = problem.sites, len(problem.funds)
    flow = np.zeros((count + funds + 2,) * 2, dtype=np.int32)
    for site, phase in enumerate(phase_of):
        if phase < 0:
            continue
        flow[0, 1 + site] = problem.costs[site]
        for number, fund in enumerate(problem.funds):
            here = fund.sites is None or site in fund.sites
            if here and fund.phase in (None, phase):
                flow[1 + site, 1 + count + number] = problem.costs[site]
    for number, fund in enumerate(problem.funds):
        flow[1 + count + number, -1] = fund.amount
    found = maximum_flow(csr_array(flow), 0, count + funds + 1).flow_value
    return bool(found == problem.costs[np.asarray(phase_of) >= 0].sum())


def allowed(problem: SelectionProblem, goal: Goal, phase_of: Phases) -> bool:
    """Whether a choice keeps every rule, each looked at by itself."""
    chosen = np.asarray(phase_of) >= 0
    if not chosen[list(problem.locked_in)].all() or chosen[list(problem.locked_out)].any():
        return False
    if any(chosen[list(group)].sum() > 1 for group in problem.variants):
        return False
    if problem.budget is not None and sums(problem.costs[chosen]) > Fraction(
        repr(float(problem.budget))
    ):
        return False
    for number, phase in enumerate(problem.phases):
        spent = sums(problem.costs[np.asarray(phase_of) == number])
        if phase.budget is not None and spent > Fraction(repr(phase.budget)):
            return False
    for district in problem.districts:
        inside = chosen[list(district.sites)]
        most = len(inside) if district.at_most is None else district.at_most
        spent = sums(problem.costs[list(district.sites)][inside])
        over = district.budget is not None and spent > Fraction(repr(district.budget))
        if over or not district.at_least <= inside.sum() <= most:
            return False
    if not payable(problem, phase_of) or not together(problem, chosen):
        return False
    if isinstance(goal, MinimumSet):
        given = gained(problem, phase_of)
        return all(
            have >= Fraction(repr(float(asked)))
            for have, asked in zip(given, goal.targets, strict=True)
        )
    return True


def together(problem: SelectionProblem, chosen: BoolArray) -> bool:
    """Whether each chosen site reaches enough of the others, walking from site to site."""
    if problem.groups is None:
        return True
    beside = {frozenset(pair) for pair in problem.groups.pairs.tolist()}
    for start in np.flatnonzero(chosen).tolist():
        reached, waiting = {start}, [start]
        while waiting:
            here = waiting.pop()
            new = [
                site
                for site in np.flatnonzero(chosen).tolist()
                if site not in reached and frozenset((site, here)) in beside
            ]
            reached.update(new)
            waiting += new
        if sums(problem.groups.sizes[sorted(reached)]) < Fraction(repr(problem.groups.least)):
            return False
    return True


def gained(problem: SelectionProblem, phase_of: Phases) -> list[Fraction]:
    shares = [phase.share for phase in problem.phases] or [1.0]
    return [
        sums(
            np.array(
                [row[site] * shares[phase] for site, phase in enumerate(phase_of) if phase >= 0]
            )
        )
        for row in problem.amounts
    ]


def worth(problem: SelectionProblem, goal: Goal, phase_of: Phases) -> float:
    """The objective in the sense of the goal, from its definition."""
    chosen = np.asarray(phase_of) >= 0
    given = [float(amount) for amount in gained(problem, phase_of)]
    beside = 0.0
    if problem.edges is not None:
        edges = problem.edges
        inner = sum(
            length
            for (a, b), length in zip(edges.pairs, edges.lengths, strict=True)
            if chosen[a] and chosen[b]
        )
        beside += edges.penalty * (edges.perimeters[chosen].sum() - 2 * inner)
    if problem.connections is not None:
        links = problem.connections
        beside -= links.reward * sum(
            strength
            for (a, b), strength in zip(links.pairs, links.strengths, strict=True)
            if chosen[a] and chosen[b]
        )
    for corridor in problem.corridors:
        if all(any(chosen[site] for site in step) for step in corridor.steps):
            beside -= corridor.value
    match goal:
        case MinimumSet():
            return float(problem.costs[chosen].sum()) + beside
        case MaximumBenefit(weights, caps):
            most = [np.inf] * len(given) if caps is None else caps
            reached = sum(w * min(g, c) for w, g, c in zip(weights, given, most, strict=True))
            return float(reached - beside)
        case TargetCoverage(weights, targets):
            met = sum(w * (g >= t) for w, g, t in zip(weights, given, targets, strict=True))
            return float(met - beside)
        case TargetShortfall(weights, targets):
            missing = (max(0.0, 1 - g / t) for g, t in zip(given, targets, strict=True))
            return float(sum(w * m for w, m in zip(weights, missing, strict=True)) + beside)


def every_choice(
    problem: SelectionProblem, goal: Goal
) -> list[tuple[float, float, tuple[int, ...]]]:
    """Objective, cost and phases of every choice that keeps the rules."""
    phases = range(-1, max(len(problem.phases), 1))
    return [
        (
            worth(problem, goal, choice),
            float(problem.costs[np.array(choice) >= 0].sum()),
            choice,
        )
        for choice in product(phases, repeat=problem.sites)
        if allowed(problem, goal, choice)
    ]


def best_of_all(problem: SelectionProblem, goal: Goal) -> float | None:
    """Best objective of a problem without districts, phases and funds, all choices at once."""
    chosen = np.array(list(product((False, True), repeat=problem.sites)))
    given, costs = chosen @ problem.amounts.T, chosen @ problem.costs
    beside = np.zeros(len(chosen))
    if problem.edges is not None:
        pairs = problem.edges.pairs
        inner = (chosen[:, pairs[:, 0]] & chosen[:, pairs[:, 1]]) @ problem.edges.lengths
        beside += problem.edges.penalty * (chosen @ problem.edges.perimeters - 2 * inner)
    if problem.connections is not None:
        pairs = problem.connections.pairs
        joined = chosen[:, pairs[:, 0]] & chosen[:, pairs[:, 1]]
        beside -= problem.connections.reward * (joined @ problem.connections.strengths)
    for corridor in problem.corridors:
        steps = [chosen[:, list(step)].any(axis=1) for step in corridor.steps]
        beside -= corridor.value * np.all(steps, axis=0)
    kept = costs <= (np.inf if problem.budget is None else problem.budget)
    match goal:
        case MinimumSet(targets):
            kept &= (given >= targets).all(axis=1)
            values = costs + beside
        case MaximumBenefit(weights, caps):
            values = beside - (given if caps is None else np.minimum(given, caps)) @ weights
        case TargetCoverage(weights, targets):
            values = beside - (given >= targets) @ weights
        case TargetShortfall(weights, targets):
            values = beside + np.maximum(1 - given / targets, 0) @ weights
    if not kept.any():
        return None
    best = float(values[kept].min())
    return -best if isinstance(goal, MaximumBenefit | TargetCoverage) else best
