import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shanhai.errors import InvalidInput
from shanhai.science.evaluation.importance_and_sensitivity import (
    importance_class,
    overall_importance,
    share_thresholds,
)


def thresholds(values: np.ndarray, parts: int = 1) -> list[float]:
    blocks = np.array_split(values, parts)
    return share_thresholds(lambda: ({"a": block} for block in blocks))["a"]


def test_half_and_four_fifths_of_the_total() -> None:
    values = np.array([10.0, 6, 3, 1, 0])
    assert thresholds(values) == [10, 6]
    assert importance_class(values, thresholds(values)).tolist() == [1, 2, 3, 3, 3]


def test_ties_share_a_class_whatever_their_order() -> None:
    values = np.array([1.0, 4, 4, 4, 1])
    assert importance_class(values, thresholds(values)).tolist() == [3, 1, 1, 1, 3]


def test_a_layer_of_nothing_is_general() -> None:
    values = np.zeros((2, 3))
    assert thresholds(values) == [np.inf, np.inf]
    assert (importance_class(values, thresholds(values)) == 3).all()


def test_unknown_cells_have_no_class_and_no_part_in_the_total() -> None:
    values = np.array([np.nan, 10, 6, 3, 1, 0, np.nan])
    assert importance_class(values, thresholds(values)).tolist() == [0, 1, 2, 3, 3, 3, 0]


def test_negative_supply_is_refused_with_its_count() -> None:
    with pytest.raises(InvalidInput, match="negative in 2 cells"):
        thresholds(np.array([1.0, -1, -2]))


@pytest.mark.parametrize("share", [0.0, -0.5, 1.5, float("nan")])
def test_a_share_is_part_of_the_total(share: float) -> None:
    with pytest.raises(InvalidInput, match="at most 1"):
        share_thresholds(lambda: [{"a": np.ones(3)}], [share])


@given(
    values=hnp.arrays(
        np.float32, st.integers(1, 80), elements=st.floats(0, 2.0**90, width=32, allow_nan=False)
    ),
    parts=st.integers(1, 6),
)
def test_equals_exact_arithmetic_on_the_sorted_values(values: np.ndarray, parts: int) -> None:
    whole = sorted((int(float(value) * 2**149) for value in values), reverse=True)
    expected = []
    for tenths in (5, 8):
        running = 0
        for value in whole:
            running += value
            if 10 * running >= tenths * sum(whole):
                break
        expected.append(float(value) * 2.0**-149 if sum(whole) else np.inf)
    assert thresholds(values, parts) == expected


@given(values=hnp.arrays(np.float32, 40, elements=st.integers(0, 50)))
def test_classes_hold_the_shares(values: np.ndarray) -> None:
    classes = importance_class(values, thresholds(values))
    total = values.sum()
    if total > 0:
        assert values[classes == 1].sum() >= 0.5 * total
        assert values[classes <= 2].sum() >= 0.8 * total - 1e-9
        assert (values[classes == 1].min(initial=np.inf)) >= values[classes == 2].max(initial=0)


def test_the_highest_class_of_any_service_counts_where_all_are_known() -> None:
    classes = [np.array([1, 3, 0], np.uint8), np.array([2, 3, 1], np.uint8)]
    assert overall_importance(classes).tolist() == [1, 3, 0]
