import numpy as np
import pytest

from shanhai.science.landcover import vegetation_cover


def test_worked_example() -> None:
    assert vegetation_cover(np.array([0.5]), 0.05, 0.90)[0] == pytest.approx(0.529412, rel=1e-6)


def test_bounds_and_nodata() -> None:
    cover = vegetation_cover(np.array([-0.2, 0.95, np.nan]), 0.05, 0.90)
    np.testing.assert_array_equal(cover, [0, 1, np.nan])


def test_constant_index_gives_no_cover() -> None:
    assert vegetation_cover(np.array([0.4]), 0.4, 0.4).tolist() == [0]
