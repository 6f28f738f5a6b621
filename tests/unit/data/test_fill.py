import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.data.fetch import FEWEST_CELLS, fill_by_line
from shanhai.errors import InvalidInput


def line(slope: float, intercept: float) -> tuple[np.ndarray, np.ndarray]:
    ndvi = np.linspace(0.1, 0.9, 64, dtype=np.float32).reshape(8, 8)
    return (slope * ndvi + intercept).astype(np.float32), ndvi


def test_marked_cells_lie_on_the_line_of_the_others() -> None:
    npp, ndvi = line(1_000.0, 50.0)
    truth = npp[3, 4]
    npp[3, 4], npp[0, 0] = np.inf, np.nan
    filled = fill_by_line(npp, ndvi)
    assert filled.values[3, 4] == pytest.approx(truth, rel=1e-5)
    assert np.isnan(filled.values[0, 0]), "what is unknown stays so"
    assert (filled.cells, filled.unknown, filled.fitted) == (1, 0, 62)
    assert (filled.slope, filled.intercept) == pytest.approx((1_000, 50), rel=1e-4)
    assert filled.r_squared == pytest.approx(1.0)


def test_least_squares_by_hand() -> None:
    # x = 0, 1, 2 and y = 1, 1, 4, each eleven times: slope 3/2, intercept 1/2, R² 3/4
    ndvi = np.tile(np.array([0, 1, 2], dtype=np.float32), 12).reshape(6, 6)
    npp = np.tile(np.array([1, 1, 4], dtype=np.float32), 12).reshape(6, 6)
    npp[5, 3:] = np.inf
    filled = fill_by_line(npp, ndvi)
    assert (filled.slope, filled.intercept) == pytest.approx((1.5, 0.5))
    assert filled.r_squared == pytest.approx(0.75)
    assert filled.values[5, 3:].tolist() == pytest.approx([0.5, 2.0, 3.5])


def test_no_cell_grows_more_than_the_best_nor_less_than_nothing() -> None:
    npp, ndvi = line(1_000.0, -200.0)
    npp = np.maximum(npp, 0)
    npp[0, 0], npp[0, 1] = np.inf, np.inf
    ndvi[0, 0], ndvi[0, 1] = -1.0, 5.0
    filled = fill_by_line(npp, ndvi)
    assert filled.values[0, 0] == 0
    assert filled.values[0, 1] == pytest.approx(700)


def test_a_marked_cell_without_ndvi_stays_unknown_and_is_counted() -> None:
    npp, ndvi = line(1_000.0, 0.0)
    npp[2, 2], ndvi[2, 2] = np.inf, np.nan
    filled = fill_by_line(npp, ndvi)
    assert np.isnan(filled.values[2, 2])
    assert (filled.cells, filled.unknown) == (0, 1)


@pytest.mark.parametrize("cells", [0, FEWEST_CELLS - 1])
def test_a_line_through_too_few_cells_is_refused(cells: int) -> None:
    npp, ndvi = line(1_000.0, 0.0)
    npp.ravel()[cells:] = np.inf
    with pytest.raises(InvalidInput, match=f"the box has {cells}"):
        fill_by_line(npp, ndvi)


def test_one_ndvi_everywhere_gives_no_line() -> None:
    npp, ndvi = line(1_000.0, 0.0)
    with pytest.raises(InvalidInput, match="different NDVI"):
        fill_by_line(npp, np.full_like(ndvi, 0.5))


@given(st.floats(-500, 2_000), st.floats(-100, 500), st.integers(1, 30))
def test_known_cells_are_never_changed(slope: float, intercept: float, holes: int) -> None:
    npp, ndvi = line(slope, intercept)
    before = npp.copy()
    npp.ravel()[:holes] = np.inf
    filled = fill_by_line(npp, ndvi)
    np.testing.assert_array_equal(filled.values.ravel()[holes:], before.ravel()[holes:])
    assert np.isfinite(filled.values).all()
    assert filled.values.ravel()[:holes].min() >= 0
