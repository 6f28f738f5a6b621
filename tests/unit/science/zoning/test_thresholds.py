import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.zoning.delineation import cross_tabulate, threshold_zones, thresholds_of


def zones(ratio: np.ndarray) -> np.ndarray:
    return threshold_zones(ratio, thresholds_of(lambda: [ratio]))


def test_classes_by_hand() -> None:
    ratio = np.array([0.9, 0.8, 0.5, 0.4, 0.1, 0.0, -0.01, -0.1, -0.3, -0.5, np.nan])
    limits = thresholds_of(lambda: [ratio])
    assert limits.strict == pytest.approx(0.56)
    assert limits.key == pytest.approx(0.22)
    assert limits.priority == pytest.approx(-0.3)
    assert threshold_zones(ratio, limits).tolist() == [1, 1, 2, 2, 3, 3, 3, 5, 4, 4, 0]


def test_no_surplus_means_no_strict_or_key_protection() -> None:
    assert set(zones(np.linspace(-1, -0.1, 20))) == {4, 5}
    assert set(zones(np.zeros(5))) == {3}


@given(seed=st.integers(0, 100), size=st.integers(1, 60))
def test_blocks_make_no_difference_and_deficits_are_halved(seed: int, size: int) -> None:
    ratio = np.random.default_rng(seed).normal(size=60).astype(np.float32)
    blocks = [ratio[start : start + size] for start in range(0, 60, size)]
    limits = thresholds_of(lambda: blocks)
    whole = threshold_zones(ratio, limits)
    np.testing.assert_array_equal(whole, zones(ratio))
    lower, upper = (np.count_nonzero(whole == code) for code in (4, 5))
    assert 0 <= lower - upper <= 1
    assert whole.all()


def test_nothing_valid() -> None:
    with pytest.raises(InvalidInput, match="no valid cell"):
        thresholds_of(lambda: [np.array([np.nan])])


def test_cross_table_counts_every_cell_once() -> None:
    one = np.array([[0, 1, 1], [4, 5, 5]], dtype=np.uint8)
    table = cross_tabulate(one, np.array([[0, 1, 2], [4, 4, 5]], dtype=np.uint8))
    assert table.sum() == 6
    assert (table[1, 1], table[1, 2], table[5, 4], table[0, 0]) == (1, 1, 1, 1)
