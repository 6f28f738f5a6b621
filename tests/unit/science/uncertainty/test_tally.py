from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.science.uncertainty.draws import DrawTally


def draws(seed: int, count: int = 12) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    ratio = random.uniform(-2, 2, (count, 5, 6))
    zones = random.integers(1, 6, (count, 5, 6)).astype(np.uint8)
    ratio[:, 0, 0], zones[:, 0, 0] = np.nan, 0
    return ratio, zones


def test_numbers_of_one_cell_by_hand() -> None:
    tally = DrawTally.empty((1, 1), 4)
    for ratio, zone in ((-0.2, 4), (0.2, 3), (-0.4, 4), (0.0, 5)):
        tally.add(np.array([[ratio]]), np.array([[zone]], dtype=np.uint8))
    result = tally.result()
    assert result.mean.item() == pytest.approx(-0.1)
    assert result.sd.item() == pytest.approx(np.std([-0.2, 0.2, -0.4, 0], ddof=1))
    assert result.deficit_probability.item() == 0.5
    assert (result.modal_zone.item(), result.zone_confidence.item()) == (4, 0.5)


@given(st.integers(0, 100))
def test_running_numbers_equal_those_of_all_draws(seed: int) -> None:
    ratio, zones = draws(seed)
    tally = DrawTally.empty((5, 6), len(ratio))
    for one, codes in zip(ratio, zones, strict=True):
        tally.add(one, codes)
    result = tally.result()
    np.testing.assert_allclose(result.mean, ratio.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(result.sd, ratio.std(axis=0, ddof=1), atol=1e-5)
    np.testing.assert_allclose(result.deficit_probability[0, 1:], (ratio < 0).mean(axis=0)[0, 1:])
    votes = np.stack([(zones == zone).sum(axis=0) for zone in range(1, 6)])
    valid = zones[0] > 0
    np.testing.assert_array_equal(result.modal_zone, np.where(valid, votes.argmax(axis=0) + 1, 0))
    assert (result.zone_confidence[valid] >= 1 / 5).all()


def test_nodata_stays_nodata() -> None:
    ratio, zones = draws(1)
    tally = DrawTally.empty((5, 6), len(ratio))
    tally.add(ratio[0], zones[0])
    result = tally.result()
    for layer in (result.mean, result.sd, result.deficit_probability, result.zone_confidence):
        assert np.isnan(layer[0, 0])
    assert result.modal_zone[0, 0] == 0


def test_windows_of_a_mapped_file_give_the_whole(tmp_path: Path) -> None:
    ratio, zones = draws(2)
    whole = DrawTally.empty((5, 6), len(ratio))
    mean = np.memmap(tmp_path / "mean", np.float32, "w+", shape=(5, 6))
    parts = [
        DrawTally.empty((rows.stop - rows.start, 6), 12) for rows in (slice(0, 2), slice(2, 5))
    ]
    parts[0].mean, parts[1].mean = mean[:2], mean[2:]
    for one, codes in zip(ratio, zones, strict=True):
        whole.add(one, codes)
        parts[0].add(one[:2], codes[:2])
        parts[1].add(one[2:], codes[2:])
    np.testing.assert_array_equal(mean, whole.mean)
    for name in ("sd", "modal_zone", "zone_confidence", "deficit_probability"):
        joined = np.concatenate([getattr(part.result(), name) for part in parts])
        np.testing.assert_array_equal(joined, getattr(whole.result(), name))


@pytest.mark.parametrize(("count", "dtype"), [(255, np.uint8), (256, np.uint16)])
def test_counts_are_as_narrow_as_the_draws_allow(count: int, dtype: type) -> None:
    tally = DrawTally.empty((1, 1), count)
    for _ in range(count):
        tally.add(np.array([[-1.0]]), np.array([[5]], dtype=np.uint8))
    assert tally.votes.dtype == dtype
    result = tally.result()
    assert result.zone_confidence.item() == result.deficit_probability.item() == 1
