"""Choosing among five thousand sites, beside the solver alone on the same matrix."""

import time
from collections.abc import Callable

import numpy as np
from scipy import ndimage
from scipy.optimize import Bounds, LinearConstraint, milp

from benchmarks.report import Row, Setup, Table
from benchmarks.timing import alternate
from benchmarks.workbench import Workbench
from shanhai.science.grid import FloatArray, IntArray
from shanhai.science.selection.problem import Goal, MaximumBenefit, MinimumSet, SelectionProblem
from shanhai.science.selection.programme import IntegerProgramme, make_programme
from shanhai.science.selection.rules import Edges
from shanhai.science.selection.solver import SolveOptions, select_sites

ROWS, COLUMNS = 50, 100
FEATURES = 7
GAP = 0.01
SIDE_M = 300.0
PENALTY = 0.02
ROUNDS = 3
SETUP = Setup(
    settings="HiGHS with one thread, gap 1 %",
    warm="compiled kernels; the input in memory",
    clock="processor",
)


def run(bench: Workbench) -> Table:
    """Least cost and most benefit, each with the exposed-edge penalty; seconds of the processor."""
    table = Table("site_selection", "sites under a budget, gap 1 %", "HiGHS alone", setup=SETUP)
    problem, targets = landscape()
    goals: dict[str, tuple[SelectionProblem, Goal]] = {
        "least cost": (problem, MinimumSet(targets)),
        "most benefit": (
            _with_budget(problem, 0.2),
            MaximumBenefit(1000 / targets, targets),
        ),
    }
    table.rows = [_compare(name, *of) for name, of in goals.items()]
    return table


def landscape(rows: int = ROWS, columns: int = COLUMNS) -> tuple[SelectionProblem, FloatArray]:
    """A lattice of sites whose amounts and costs change gradually; targets are a third of all."""
    rng = np.random.default_rng(1)
    shape, count = (rows, columns), rows * columns
    amounts = np.stack([_smooth(rng, shape) for _ in range(FEATURES)])
    costs = 10 + 40 * _smooth(rng, shape) + rng.uniform(0, 5, count)
    pairs = _neighbours(shape)
    edges = Edges(np.full(count, 4 * SIDE_M), pairs, np.full(len(pairs), SIDE_M), PENALTY)
    names = tuple(f"service {number}" for number in range(1, FEATURES + 1))
    return SelectionProblem(costs, amounts, names, edges=edges), amounts.sum(axis=1) / 3


def _smooth(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), 3)
    return np.asarray((noise - noise.min()) / np.ptp(noise)).ravel()


def _neighbours(shape: tuple[int, int]) -> IntArray:
    numbers = np.arange(shape[0] * shape[1]).reshape(shape)
    beside = np.stack([numbers[:, :-1].ravel(), numbers[:, 1:].ravel()], axis=1)
    below = np.stack([numbers[:-1].ravel(), numbers[1:].ravel()], axis=1)
    return np.concatenate([beside, below])


def _with_budget(problem: SelectionProblem, share: float) -> SelectionProblem:
    budget = float(problem.costs.sum()) * share
    return SelectionProblem(
        problem.costs, problem.amounts, problem.features, budget=budget, edges=problem.edges
    )


def _compare(name: str, problem: SelectionProblem, goal: Goal) -> Row:
    programme = make_programme(problem, goal)
    found = select_sites(problem, goal, SolveOptions(GAP))
    if found.plan is None or found.gap is None:
        raise AssertionError(f"{name}: {found.status} after {found.seconds:.0f} s")
    ours, bare = alternate(
        _timed(lambda: select_sites(problem, goal, SolveOptions(GAP))),
        _timed(lambda: _bare(programme)),
        rounds=ROUNDS,
    )
    facts = {
        "sites": problem.sites,
        "chosen": int(found.plan.chosen.sum()),
        "gap %": 100 * found.gap,
        "s, goal 10": ours.median,
    }
    return Row(f"{name}, {FEATURES} services", ours, bare, target=0.83, facts=facts)


def _bare(programme: IntegerProgramme) -> None:
    scale = np.abs(programme.objective).max()
    milp(
        programme.objective / scale,
        integrality=programme.integral.astype(np.int64),
        bounds=Bounds(programme.lower, programme.upper),
        constraints=LinearConstraint(programme.matrix, programme.low, programme.high),
        options={"mip_rel_gap": GAP},
    )


def _timed(work: Callable[[], object]) -> Callable[[int], float]:
    def seconds(_: int) -> float:
        started = time.process_time()
        work()
        return time.process_time() - started

    return seconds
