"""Which way a circuit is solved, and what memory that takes."""

from dataclasses import replace

import pytest

from shanhai.errors import LimitExceeded
from shanhai.science.corridors.circuit.solver import (
    CircuitSettings,
    Method,
    SolveReport,
    choose_method,
    memory_needed,
)

AUTO = CircuitSettings()


@pytest.mark.parametrize(
    ("unknowns", "runs", "expected"),
    [
        (10_000, 1, "direct"),
        (10_001, 1, "multigrid"),
        (245_000, 4, "multigrid"),
        (245_000, 5, "direct"),
        # Four times as many nodes: twice as many runs.
        (980_000, 9, "multigrid"),
        (980_000, 10, "direct"),
    ],
)
def test_a_factor_is_taken_for_few_nodes_or_many_runs(
    unknowns: int, runs: int, expected: Method
) -> None:
    assert choose_method(unknowns, runs, AUTO) == expected


def test_what_does_not_fit_gives_way_to_what_does() -> None:
    """A factor of 245 000 nodes takes 629 MiB, a multigrid 225 MiB."""
    tight = replace(AUTO, memory_limit=300 << 20)
    assert choose_method(245_000, 50, tight) == "multigrid"
    with pytest.raises(
        LimitExceeded, match=r"245000 nodes needs 225 MiB \(multigrid\), and 200 MiB"
    ):
        choose_method(245_000, 50, replace(AUTO, memory_limit=200 << 20))


def test_the_way_that_is_asked_for_is_taken_or_refused() -> None:
    assert choose_method(9, 50, replace(AUTO, method="multigrid")) == "multigrid"
    assert choose_method(10_001, 1, replace(AUTO, method="direct")) == "direct"
    tight = CircuitSettings(method="direct", memory_limit=300 << 20)
    with pytest.raises(LimitExceeded, match=r"needs \d+ MiB \(direct\)"):
        choose_method(245_000, 50, tight)


@pytest.mark.parametrize(
    ("unknowns", "method", "kept", "expected"),
    [
        (1_000, "multigrid", 0, 964 * 1_000),
        (1_000, "multigrid", 2, 980 * 1_000),
        (1_024, "direct", 0, (64 + 1_300 + 300) * 1_024),
        (1_024, "direct", 3, (64 + 24 + 1_300 + 300) * 1_024),
        (512**2, "windows", 0, (64 + 750) * 512**2),
        # Twice as long a side: 40 bytes more for each cell, and still one window.
        (1_024**2, "windows", 0, (64 + 40) * 1_024**2 + 750 * 512**2),
    ],
)
def test_memory_grows_with_nodes_and_kept_solutions(
    unknowns: int, method: Method, kept: int, expected: int
) -> None:
    assert memory_needed(unknowns, method, kept) == expected


def test_a_report_of_several_solutions_tells_the_worst_residual_and_the_largest_system() -> None:
    one = SolveReport(("multigrid",), 1e-9, 2, 10)
    other = SolveReport(("direct",), 1e-12, 1, 5)
    assert one + other == other + one == SolveReport(("direct", "multigrid"), 1e-9, 3, 10)
