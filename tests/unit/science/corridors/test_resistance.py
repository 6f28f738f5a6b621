import numpy as np
import pytest

from shanhai.errors import InvalidInput
from shanhai.science.corridors.cost_distance import require_resistance


def test_nodata_and_infinity_are_barriers() -> None:
    given = np.array([[1.0, np.nan], [np.inf, 3.0]])
    found = require_resistance(given)
    np.testing.assert_array_equal(found, [[1.0, np.inf], [np.inf, 3.0]])
    assert np.isnan(given[0, 1])


def test_whole_numbers_and_views_become_contiguous_float64() -> None:
    found = require_resistance(np.arange(1, 13, dtype=np.int16).reshape(3, 4).T)
    assert found.dtype == np.float64
    assert found.flags.c_contiguous
    assert found[1].tolist() == [2, 6, 10]


def test_zero_and_negative_resistance_is_refused_with_its_count() -> None:
    with pytest.raises(InvalidInput, match=r"in 3 cells \(lowest -inf\)") as refused:
        require_resistance(np.array([[1.0, 0.0], [-2.0, -np.inf]]))
    assert refused.value.faults[0].pointer == "/resistance"


def test_a_surface_without_a_passable_cell_is_refused() -> None:
    with pytest.raises(InvalidInput, match="all 4 cells"):
        require_resistance(np.full((2, 2), np.nan))


def test_a_row_is_no_surface() -> None:
    with pytest.raises(InvalidInput, match="1 dimensions"):
        require_resistance(np.ones(3))
