import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from shanhai.errors import InvalidInput
from shanhai.science.selection.priority import (
    barrier_scores,
    cost_effectiveness,
    pinch_scores,
    priority_levels,
    ranks,
    unit_priority,
)

NAN = np.nan


def test_ranks_share_ties_and_skip_the_unknown() -> None:
    np.testing.assert_equal(ranks(np.array([5.0, NAN, 1, 5, 9])), [0.625, NAN, 0.25, 0.625, 1])
    assert np.isnan(ranks(np.array([NAN]))).all()


def test_pinch_scores() -> None:
    found = pinch_scores(
        np.array([1.0, 3, 2, NAN]), np.array([0, 0.5, 1, 0]), np.array([1, 0.2, 1, 0])
    )
    np.testing.assert_allclose(found, [2 / 3, 0.6, 0, NAN])
    with pytest.raises(InvalidInput) as refused:
        pinch_scores(np.ones(2), np.array([0.5, 1.5]), np.ones(2))
    assert refused.value.faults[0].pointer == "/protected_share"


def test_barrier_scores_and_what_their_money_does() -> None:
    scores = barrier_scores(np.array([4.5, 2.0, NAN]), np.array([5.0, 10, 1]), 10.0)
    np.testing.assert_allclose(scores, [2.25, 2, NAN])
    assert barrier_scores(np.array([4.0]), np.array([0.2]), 0.8).tolist() == [1]
    assert barrier_scores(np.ones(2), np.zeros(2), 0.0).tolist() == [0, 0]
    np.testing.assert_allclose(
        cost_effectiveness(scores, np.array([4.0, 9, 1]), np.array([9.0, 3, 1])), [0.5, 2, NAN]
    )
    with pytest.raises(InvalidInput):
        cost_effectiveness(np.ones(1), np.ones(1), np.zeros(1))


def test_a_fifth_is_priority_and_three_tenths_are_key() -> None:
    assert priority_levels(np.arange(10.0, 0, -1)).tolist() == [1, 1, 2, 2, 2, 3, 3, 3, 3, 3]
    assert priority_levels(np.array([3.0])).tolist() == [1]
    # Equal scores are of one level; what scores nothing is general; the unknown has none.
    assert priority_levels(np.array([7.0, 7, 1, 0, NAN])).tolist() == [1, 1, 3, 3, 0]
    assert priority_levels(np.zeros(3)).tolist() == [3, 3, 3]
    assert priority_levels(np.array([NAN])).tolist() == [0]


@given(arrays(np.float64, st.integers(1, 60), elements=st.floats(0.001, 1e6), unique=True))
def test_levels_follow_the_scores(scores: np.ndarray) -> None:
    levels = priority_levels(scores)
    assert (np.diff(levels[np.argsort(-scores)].astype(int)) >= 0).all()
    assert (levels == 1).sum() == -(-len(scores) // 5)
    assert (levels <= 2).sum() == -(-len(scores) // 2)


def test_units_are_explained() -> None:
    found = unit_priority(
        {
            "pinch": np.array([0.0, 2, 4, 0]),
            "barrier": np.array([1.0, 0, 3, NAN]),
            "deficit": np.array([-5.0, 10, 20, NAN]),
        },
        {"pinch": 2.0, "barrier": 1, "deficit": 1},
    )
    # Unit 1: ½·½ + 0 + ¼·½; unit 2 is the first everywhere; unit 3 has no pinch, the rest unknown.
    np.testing.assert_allclose(found.scores, [0.125, 0.375, 1, 0])
    assert found.levels.tolist() == [3, 2, 1, 3]
    first, second = found.reasons(1)
    assert (first.name, first.value, first.rank, first.contribution) == ("pinch", 2, 0.5, 0.25)
    assert (second.name, second.contribution) == ("deficit", 0.125)
    assert [reason.name for reason in found.reasons(0)] == ["barrier"]
    assert found.reasons(3) == ()
    assert found.unknown(3) == ("barrier", "deficit")
    assert found.unknown(2) == ()


def test_weight_of_the_unknown_is_shared() -> None:
    found = unit_priority(
        {"a": np.array([1.0, 2]), "b": np.array([NAN, 4]), "c": np.array([NAN, NAN])}
    )
    np.testing.assert_allclose(found.scores, [0.5, 1])
    # What has no weight counts for nothing.
    first = unit_priority({"a": np.array([1.0, 2]), "b": np.array([9.0, 4])}, {"a": 3, "b": 0})
    np.testing.assert_allclose(first.scores, [0.5, 1])
    empty = unit_priority({"a": np.array([NAN, 1.0])})
    np.testing.assert_equal(empty.scores, [NAN, 1])
    assert empty.levels.tolist() == [0, 1]


@given(
    arrays(np.float64, (3, 7), elements=st.floats(-5, 5) | st.just(NAN)),
    st.integers(1, 1000),
)
def test_scores_are_shares_and_do_not_depend_on_units_of_measure(
    values: np.ndarray, factor: int
) -> None:
    layers = dict(zip("abc", values, strict=True))
    found = unit_priority(layers)
    known = ~np.isnan(values).all(axis=0)
    assert (np.isnan(found.scores) == ~known).all()
    assert ((found.scores[known] >= 0) & (found.scores[known] <= 1 + 1e-12)).all()
    np.testing.assert_allclose(found.contributions.sum(axis=0)[known], found.scores[known])
    again = unit_priority({**layers, "a": layers["a"] * factor})
    np.testing.assert_allclose(again.scores, found.scores)


@pytest.mark.parametrize(
    ("layers", "weights"),
    [
        ({}, None),
        ({"a": np.ones(2), "b": np.ones(3)}, None),
        ({"a": np.ones((2, 2))}, None),
        ({"a": np.array([np.inf])}, None),
        ({"a": np.array([1.0, np.inf])}, None),
        ({"a": np.ones(2)}, {"b": 1.0}),
        ({"a": np.ones(2)}, {"a": 0.0}),
        ({"a": np.ones(2), "b": np.ones(2)}, {"a": 2.0, "b": -1.0}),
    ],
)
def test_layers_and_weights_that_do_not_fit_are_refused(
    layers: dict[str, np.ndarray], weights: dict[str, float] | None
) -> None:
    with pytest.raises(InvalidInput):
        unit_priority(layers, weights)
