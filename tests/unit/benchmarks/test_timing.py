from collections.abc import Callable

import pytest

from benchmarks.report import Row
from benchmarks.timing import Sample, alternate, in_turn, pairs, ratio_interval


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


def test_any_number_of_sides_take_turns_and_tell_when_their_rounds_began() -> None:
    asked: list[str] = []

    def side(name: str) -> Callable[[int], float]:
        def measure(number: int) -> float:
            asked.append(f"{name}{number}")
            return 1.0

        return measure

    found = in_turn({name: side(name) for name in "abc"}, rounds=1)
    assert asked == ["a0", "b0", "c0", "a1", "b1", "c1"]
    assert {one.began for one in found.values()} == {found["a"].began}
    assert found["a"].began is not None


def test_spread_is_half_the_range_over_the_median() -> None:
    sample = Sample((0.9, 1.0, 1.3))
    assert sample.median == 1.0
    assert sample.spread == pytest.approx(0.2)


@pytest.mark.parametrize(("ours", "verdict"), [(2.0, "≥ 0.5 met"), (2.1, "≥ 0.5 MISSED")])
def test_ratio_is_speed_relative_to_the_floor(ours: float, verdict: str) -> None:
    row = Row("work", Sample((ours,)), Sample((1.0,)), target=0.5)
    assert row.ratio == pytest.approx(1 / ours)
    assert row.verdict == verdict


def test_interval_of_three_pairs_goes_from_the_lowest_to_the_highest() -> None:
    """Of 27 drawings 7 have the lowest at least twice, so it is the median of a quarter of them."""
    found = ratio_interval(Sample((1.0, 2.0, 4.0)), Sample((8.0, 8.0, 8.0)))
    assert found is not None
    assert (found.low, found.high) == (2.0, 8.0)


def test_interval_of_seven_pairs_leaves_out_the_lowest_and_the_highest() -> None:
    """The lowest is the median of 1.0 % of the drawings, it or the second that of 10 %."""
    found = ratio_interval(Sample((1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0)), Sample((12.0,) * 7))
    assert found is not None
    assert (found.low, found.high) == (2.0, 6.0)


def test_interval_keeps_pairs_together() -> None:
    """Both sides twice as slow in one round: the ratio is 2 in any drawing."""
    found = ratio_interval(Sample((1.0, 2.0, 3.0)), Sample((2.0, 4.0, 6.0)))
    assert found is not None
    assert (found.low, found.high) == (2.0, 2.0)


def test_a_bound_stands_beside_every_round() -> None:
    ours, bound = Sample((1.0, 2.0, 4.0)), Sample((8.0,))
    assert pairs(ours, bound) == 3
    assert ratio_interval(ours, bound) == ratio_interval(ours, Sample((8.0, 8.0, 8.0)))


@pytest.mark.parametrize(
    ("ours", "floor", "count"),
    [((1.0, 2.0), (1.0, 2.0), 2), ((1.0,), (1.0,), 1), ((1.0, 2.0, 3.0), (1.0, 2.0), 0)],
    ids=["two pairs", "one pair", "no pairs"],
)
def test_too_few_pairs_have_no_interval(
    ours: tuple[float, ...], floor: tuple[float, ...], count: int
) -> None:
    assert pairs(Sample(ours), Sample(floor)) == count
    assert ratio_interval(Sample(ours), Sample(floor)) is None
