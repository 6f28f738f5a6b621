import numpy as np
import pymannkendall
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shanhai.science.evaluation.cell_trend import cell_trend, lag_one_autocorrelation

RISING = [0.50, 0.52, 0.51, 0.55, 0.56, 0.60]
TIED = [1.0, 2, 2, 3, 3, 3, 5, 4]


def column(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)[:, np.newaxis]


@pytest.mark.parametrize(
    ("values", "slope", "score", "z"),
    [(RISING, 0.02, 13, 2.254407), (TIED, 0.464286, 22, 2.696151)],
)
def test_worked_examples(values: list[float], slope: float, score: float, z: float) -> None:
    found = cell_trend(column(*values))
    assert found.slope[0] == pytest.approx(slope, rel=1e-6)
    assert found.score[0] == score
    assert found.z[0] == pytest.approx(z, rel=1e-6)


def test_memory_of_the_worked_example() -> None:
    found = lag_one_autocorrelation(column(0.5, 0.6, 0.55, 0.5, 0.45, 0.5))
    assert found[0] == pytest.approx(-0.235772, rel=1e-5)


SERIES = hnp.arrays(float, st.integers(8, 25), elements=st.integers(-20, 20).map(float))


@settings(max_examples=60)
@given(values=SERIES)
def test_agrees_with_pymannkendall(values: np.ndarray) -> None:
    found = cell_trend(values[:, np.newaxis])
    if np.ptp(values) == 0:
        assert (found.slope[0], found.score[0], found.z[0]) == (0, 0, 0)
        return
    peer = pymannkendall.original_test(values)
    assert found.slope[0] == pytest.approx(peer.slope, abs=1e-12)
    assert found.score[0] == peer.s
    assert found.z[0] == pytest.approx(peer.z, abs=1e-9)


@settings(max_examples=60)
@given(
    noise=hnp.arrays(float, st.integers(10, 25), elements=st.floats(-1, 1)), rise=st.floats(0, 2)
)
def test_prewhitening_agrees_with_pymannkendall(noise: np.ndarray, rise: float) -> None:
    # Distinct values: what differs by the last bit would be a tie in one and none in the other.
    values = (
        np.round(noise, 3) + rise * np.arange(noise.size) + np.linspace(0, 0.0317, noise.size) ** 2
    )
    found = cell_trend(values[:, np.newaxis], prewhiten=True)
    peer = pymannkendall.trend_free_pre_whitening_modification_test(values)
    assert found.slope[0] == pytest.approx(peer.slope, abs=1e-9)
    assert abs(found.score[0] - peer.s) <= 2
    assert found.z[0] == pytest.approx(peer.z, abs=0.2)


def test_gaps_are_skipped_but_keep_their_place_in_time() -> None:
    values = np.array([*RISING, 0.62, 0.61, 0.65, 0.66])
    gappy = values.copy()
    gappy[[2, 6]] = np.nan
    found = cell_trend(gappy[:, np.newaxis])
    kept = np.delete(np.arange(10), [2, 6])
    slopes = [(values[j] - values[i]) / (j - i) for i in kept for j in kept if j > i]
    assert found.slope[0] == pytest.approx(np.median(slopes), rel=1e-12)
    peer = pymannkendall.original_test(values[kept])
    assert found.score[0] == peer.s
    assert found.z[0] == pytest.approx(peer.z, rel=1e-9)


def test_a_fifth_of_the_years_may_be_missing_and_no_more() -> None:
    values = np.tile(np.arange(10.0)[:, np.newaxis], (1, 2))
    values[[1, 4], 0] = np.nan
    values[[1, 4, 7], 1] = np.nan
    found = cell_trend(values)
    assert found.slope[0] == 1
    assert np.isnan([found.slope[1], found.score[1], found.z[1]]).all()
    # A straight line has no memory whatever is missing; this one goes to and fro.
    values += np.resize([0.0, 3.0, 1.0], 10)[:, np.newaxis]
    assert np.isnan(lag_one_autocorrelation(values)).tolist() == [False, True]
    # Of eight years one may be missing: two are a quarter.
    values[:8, 0] = [0, 2, np.nan, 1, 3, 2, 5, 4]
    assert not np.isnan(cell_trend(values[:8, :1]).slope[0])
    values[5, 0] = np.nan
    assert np.isnan(cell_trend(values[:8, :1]).slope[0])


def test_a_raster_keeps_its_shape_and_each_cell_its_own_result() -> None:
    rng = np.random.default_rng(5)
    series = rng.normal(size=(12, 3, 4)) + np.linspace(0, 3, 12)[:, np.newaxis, np.newaxis]
    found = cell_trend(series)
    alone = cell_trend(series[:, 1:2, 2:3])
    assert found.slope.shape == (3, 4)
    assert (found.slope[1, 2], found.z[1, 2]) == (alone.slope[0, 0], alone.z[0, 0])


@settings(max_examples=40)
@given(values=SERIES)
def test_a_mirrored_series_has_the_mirrored_trend(values: np.ndarray) -> None:
    one, other = cell_trend(values[:, np.newaxis]), cell_trend(-values[:, np.newaxis])
    assert other.slope[0] == pytest.approx(-one.slope[0], abs=1e-12)
    assert other.z[0] == -one.z[0]


def test_a_straight_line_leaves_no_memory() -> None:
    assert np.isnan(lag_one_autocorrelation(column(*np.zeros(9)))[0])
    rising = column(*(0.3 + 0.01 * np.arange(9)))
    assert np.isnan(lag_one_autocorrelation(rising)[0])
    rising[4] += 1e-6
    assert not np.isnan(lag_one_autocorrelation(rising)[0])
    through_0 = column(*(0.1 * np.arange(-4.0, 5)))
    assert np.isnan(lag_one_autocorrelation(through_0)[0])


def test_prewhitening_leaves_a_constant_series_without_trend() -> None:
    found = cell_trend(column(*np.full(9, 2.0)), prewhiten=True)
    assert (found.slope[0], found.score[0], found.z[0]) == (0, 0, 0)
