from collections.abc import Callable

import pytest

from benchmarks.report import Row
from benchmarks.timing import Sample, alternate


def test_sides_are_measured_in_turn_after_a_round_that_is_not_counted() -> None:
    asked: list[str] = []

    def side(name: str, seconds: float) -> Callable[[int], float]:
        def measure(number: int) -> float:
            asked.append(f"{name}{number}")
            return seconds * number

        return measure

    ours, floor = alternate(side("a", 2.0), side("b", 1.0), rounds=3)
    assert asked == ["a0", "b0", "a1", "b1", "a2", "b2", "a3", "b3"]
    assert (ours.seconds, floor.seconds) == ((2.0, 4.0, 6.0), (1.0, 2.0, 3.0))


def test_spread_is_half_the_range_over_the_median() -> None:
    sample = Sample((0.9, 1.0, 1.3))
    assert sample.median == 1.0
    assert sample.spread == pytest.approx(0.2)


@pytest.mark.parametrize(("ours", "verdict"), [(2.0, "≥ 0.5 met"), (2.1, "≥ 0.5 MISSED")])
def test_ratio_is_speed_relative_to_the_floor(ours: float, verdict: str) -> None:
    row = Row("work", Sample((ours,)), Sample((1.0,)), target=0.5)
    assert row.ratio == pytest.approx(1 / ours)
    assert row.verdict == verdict
