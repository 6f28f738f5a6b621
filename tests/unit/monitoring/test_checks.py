"""Automatic checks: hand-computed, and against a plain loop."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shanhai.monitoring.checks import (
    QualityFlag,
    equal_runs,
    exceeds,
    flag_codes,
    out_of_range,
    oversaturated,
    oxygen_saturation,
    spikes,
)
from shanhai.vocabulary import FLAGS

NAN = np.nan


def test_bits_are_in_the_order_of_the_vocabulary() -> None:
    assert [flag.name and flag.name.lower() for flag in QualityFlag] == [
        term.code for term in FLAGS
    ]
    assert flag_codes(QualityFlag.SPIKE | QualityFlag.INCONSISTENT) == ["spike", "inconsistent"]
    assert flag_codes(0) == []


def test_a_limit_itself_is_possible_and_nan_is_no_limit() -> None:
    value = np.array([-1.0, 0, 14, 14.1, 99])
    low = np.array([0, 0, 0, 0, NAN])
    high = np.array([14, 14, 14, 14, NAN])
    assert out_of_range(value, low, high).tolist() == [True, False, False, True, False]


def test_a_spike_is_five_spreads_an_hour() -> None:
    change = np.array([10, 10.1, -10.1, 10.1, 20.1, 99, 99, NAN])
    elapsed = np.array([1, 1, 1, 2, 2, 1, 1, 1])
    spread = np.array([2, 2, 2, 2, 2, 0, NAN, 2])
    expected = [False, True, True, False, True, False, False, False]
    assert spikes(change, elapsed, spread).tolist() == expected


def test_less_than_an_hour_counts_as_one() -> None:
    # 0.5 in a minute is 30 in an hour, which noise would be all the time.
    quick = spikes(np.array([0.5, 3.0]), np.full(2, 1 / 60), np.full(2, 0.5))
    assert quick.tolist() == [False, True]


def test_oxygen_by_hand() -> None:
    # 468 / (31.6 + 20) = 9.0698; one and a half times that is 13.6047.
    assert np.isclose(oxygen_saturation(np.array([20.0])), 9.06977).all()
    marked = oversaturated(np.array([13.6, 13.61, NAN]), np.array([20.0, 20, 20]))
    assert marked.tolist() == [False, True, False]
    assert exceeds(np.array([2.0, 1, 1]), np.array([1.0, 1, NAN])).tolist() == [True, False, False]


SERIES = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 5), st.lists(st.integers(0, 1), min_size=1)),
    min_size=1,
    max_size=5,
)


@given(SERIES)
def test_runs_are_those_of_a_loop(series: list[tuple[int, int, list[int]]]) -> None:
    """Each series: the value before, how many were equal up to it, and the new values."""
    rows, expected = [], []
    for last, run, given_values in series:
        known, stored_run = (float(last) if run else NAN), run
        for number, value in enumerate(given_values):
            run = run + 1 if value == last and (run or number) else 1
            last = value
            expected.append(run)
            rows.append((float(value), number == 0, known, float(stored_run)))
    value_, first, before, run_before = (np.array(column) for column in zip(*rows, strict=True))
    assert equal_runs(value_, first, before, run_before).tolist() == expected
