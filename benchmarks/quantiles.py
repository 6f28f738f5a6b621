"""Exact quantiles of a layer that is streamed twice, beside NumPy on the layer held in memory."""

import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import Row, Setup, Table
from benchmarks.timing import alternate, seconds_of
from benchmarks.workbench import Workbench
from shanhai.science.quantiles import exact_quantiles

PROBABILITIES = (0.01, 0.02, 0.5, 0.98, 0.995)
STRIP = 512
SIDES = (1024, 4096)
ROUNDS = 5
SETUP = Setup(warm="compiled kernels; the layer in memory")


def run(bench: Workbench) -> Table:
    """Two sizes; the memory is what each needs besides the layer, which NumPy must also hold."""
    table = Table(
        "quantiles", f"{len(PROBABILITIES)} exact quantiles", "numpy.quantile", setup=SETUP
    )
    table.rows = [_compare(side) for side in SIDES]
    return table


def _compare(side: int) -> Row:
    layer = np.random.default_rng(7).gamma(2.0, 1.0, (side, side)).astype(np.float32)

    def strips() -> Iterator[NDArray[np.float32]]:
        return (layer[row : row + STRIP] for row in range(0, side, STRIP))

    def streamed() -> object:
        return exact_quantiles(strips, PROBABILITIES)

    # Doubles, because NumPy interpolates in the type it is given and ours answers in doubles.
    resident = layer.astype(np.float64)

    def whole() -> object:
        return np.quantile(resident, PROBABILITIES)

    samples = alternate(
        lambda number: seconds_of(streamed), lambda number: seconds_of(whole), rounds=ROUNDS
    )
    facts = {"ours MiB": _peak_mib(streamed), "NumPy MiB": _peak_mib(whole)}
    return Row(f"{side * side / 1e6:.0f} million values", *samples, facts=facts)


def _peak_mib(work: Callable[[], object]) -> float:
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1024**2
