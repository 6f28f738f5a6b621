import numpy as np
import pytest

from shanhai.errors import InvalidInput
from shanhai.science.evaluation.degradation import (
    STABLE_SLOPE,
    Degradation,
    degradation_class,
    require_years,
)


def test_seven_classes_by_sign_and_significance() -> None:
    slope = np.array([-1, -1, -1, 0, 1, 1, 1.0])
    z = np.array([-2.576, -1.96, -1.9, 0, 1.9, 1.96, 2.576])
    assert degradation_class(slope, z).tolist() == list(Degradation)


def test_a_slight_slope_of_an_index_is_stable_however_steady() -> None:
    slope = np.array([-0.0004, -0.0005, 0.0004])
    z = np.array([-4.0, -4.0, 4.0])
    classes = degradation_class(slope, z, stable_slope=STABLE_SLOPE["fvc"])
    assert classes.tolist() == [Degradation.STABLE, Degradation.STRONG_DECLINE, Degradation.STABLE]


def test_unknown_is_nodata() -> None:
    classes = degradation_class(np.array([np.nan, -1.0]), np.array([-3.0, np.nan]))
    assert classes.tolist() == [0, 0]


def test_a_short_series_is_refused() -> None:
    require_years(8, "ndvi_series")
    with pytest.raises(InvalidInput, match="ndvi_series has 7 years; a trend needs at least 8"):
        require_years(7, "ndvi_series")
