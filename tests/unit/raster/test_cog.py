from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from rio_cogeo.cogeo import cog_validate

from shanhai.raster.cog import CogFrame, band_statistics, write_cog
from shanhai.science.grid import Grid, Window

GRID = Grid(4548, 500_000.0, 2_700_000.0, 100.0, 700, 600)
WHOLE = Window(0, 0, 600, 700)


def quantity() -> np.ndarray:
    values = np.random.default_rng(2).random((1, 600, 700))
    values[:, :40] = np.nan
    return values


def test_a_quantity_becomes_a_valid_cog_with_its_statistics(tmp_path: Path) -> None:
    path, values = tmp_path / "a.tif", quantity()
    (statistics,) = write_cog(path, CogFrame.of_grid(GRID), [(WHOLE, values)])
    stored = values.astype(np.float32)
    valid, errors, _ = cog_validate(path)
    assert valid, errors
    with rasterio.open(path) as file:
        assert file.nodata == -9999.0
        assert file.block_shapes == [(512, 512)]
        assert file.overviews(1) == [2]
        np.testing.assert_array_equal(file.read(1, masked=True).filled(np.nan), stored[0])
        assert float(file.tags(1)["STATISTICS_MEAN"]) == pytest.approx(np.nanmean(stored), rel=1e-6)
    known = stored[~np.isnan(stored)].astype(np.float64)
    assert statistics.min == known.min()
    assert statistics.max == known.max()
    assert statistics.std == pytest.approx(known.std())
    assert [statistics.p2, statistics.p98] == pytest.approx(np.quantile(known, [0.02, 0.98]))
    assert statistics.valid_percent == pytest.approx(100 * 560 / 600)


@pytest.mark.parametrize(("side", "block"), [(9, 16), (17, 32), (512, 512), (513, 512)])
def test_tiles_are_no_larger_than_a_small_raster_needs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, side: int, block: int
) -> None:
    grid = Grid(GRID.epsg, GRID.west, GRID.north, GRID.cell_m, width=side, height=5)
    values = np.random.default_rng(3).random((12, 5, side)).astype(np.float32)
    path = tmp_path / "months.tif"
    write_cog(path, CogFrame.of_grid(grid, bands=12), [(Window(0, 0, 5, side), values)])
    assert not caplog.records
    assert cog_validate(path)[0]
    with rasterio.open(path) as file:
        assert set(file.block_shapes) == {(block, block)}
        np.testing.assert_array_equal(file.read(), values)


def test_classes_keep_their_codes_in_the_overviews(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    codes = np.repeat(np.repeat([[[1, 5]]], 600, axis=1), 350, axis=2).astype(np.uint8)
    write_cog(path, CogFrame.of_grid(GRID, categorical=True), [(WHOLE, codes)])
    with rasterio.open(path, OVERVIEW_LEVEL=0) as file:
        assert set(np.unique(file.read(1))) == {1, 5}
        assert file.dtypes == ("uint8",)
        assert file.nodata == 0


def levels_of(path: Path) -> list[np.ndarray]:
    """The upper left cell of each overview."""
    with rasterio.open(path) as file:
        count = len(file.overviews(1))
    corners = []
    for level in range(count):
        with rasterio.open(path, OVERVIEW_LEVEL=level) as file:
            corners.append(file.read(1)[:2, :2])
    return corners


def tiled(pattern: Sequence[Sequence[float]]) -> np.ndarray:
    """2048 by 2048 cells of a pattern of 4 by 4."""
    return np.tile(np.array(pattern, dtype=float), (512, 512))[None]


LARGE = Grid(4548, 500_000.0, 2_700_000.0, 100.0, 2048, 2048)
NAN = np.nan


def test_overviews_of_a_quantity_are_means_of_the_known_cells(tmp_path: Path) -> None:
    pattern = [[1, NAN, 5, 5], [NAN, NAN, 5, 5], [NAN, NAN, 5, 5], [NAN, NAN, 5, 9]]
    path = tmp_path / "a.tif"
    write_cog(path, CogFrame.of_grid(LARGE), [(Window(0, 0, 2048, 2048), tiled(pattern))])
    half, quarter = levels_of(path)
    assert half.tolist() == [[1, 5], [-9999, 6]]
    # (1 + 7 * 5 + 9) / 9 of the cells; the mean of the three means above were 4.
    assert quarter[0, 0] == pytest.approx(5)


def test_overviews_of_classes_are_the_most_frequent_known_class(tmp_path: Path) -> None:
    # Three quarters have mode 1, but of all sixteen cells seven are 2 and six are 1.
    pattern = [[1, 1, 1, 1], [2, 3, 2, 3], [1, 1, 2, 2], [2, 3, 2, 2]]
    path = tmp_path / "a.tif"
    classes = tiled(pattern).astype(np.uint8)
    frame = CogFrame.of_grid(LARGE, categorical=True)
    write_cog(path, frame, [(Window(0, 0, 2048, 2048), classes)])
    half, quarter = levels_of(path)
    assert half.tolist() == [[1, 1], [1, 2]]
    assert (quarter == 2).all()


def test_cells_without_class_do_not_outvote_the_others(tmp_path: Path) -> None:
    pattern = [[0, 0, 0, 0], [0, 4, 0, 0], [0, 0, 0, 0], [3, 0, 0, 3]]
    path = tmp_path / "a.tif"
    classes = tiled(pattern).astype(np.uint8)
    frame = CogFrame.of_grid(LARGE, categorical=True)
    write_cog(path, frame, [(Window(0, 0, 2048, 2048), classes)])
    half, quarter = levels_of(path)
    assert half.tolist() == [[4, 0], [3, 3]]
    assert (quarter == 3).all()


def test_equal_content_gives_equal_bytes_in_any_cut(tmp_path: Path) -> None:
    values = quantity()
    write_cog(tmp_path / "a.tif", CogFrame.of_grid(GRID), [(WHOLE, values)])
    cut = [(window, values[:, *window.slices]) for window in GRID.windows(133)]
    write_cog(tmp_path / "b.tif", CogFrame.of_grid(GRID), cut)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_a_layer_without_any_value_has_no_statistics(tmp_path: Path) -> None:
    empty = np.full((1, 600, 700), np.nan)
    (statistics,) = write_cog(tmp_path / "a.tif", CogFrame.of_grid(GRID), [(WHOLE, empty)])
    assert statistics.mean is None
    assert statistics.valid_percent == 0.0


def test_large_bands_have_the_same_quantiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.random.default_rng(3).gamma(2.0, 1.0, (1, *GRID.shape))
    (sorted_,) = write_cog(tmp_path / "a.tif", CogFrame.of_grid(GRID), [(WHOLE, values)])
    monkeypatch.setattr("shanhai.raster.cog._HELD_VALUES", 10)
    (counted,) = write_cog(tmp_path / "b.tif", CogFrame.of_grid(GRID), [(WHOLE, values)])
    assert counted == sorted_


@given(
    arrays(
        np.float32,
        st.integers(1, 300),
        elements=st.floats(width=32, allow_nan=True, allow_infinity=False),
    ),
    st.integers(1, 5),
    st.sampled_from([4_000_000, 40]),
)
def test_statistics_are_numpys_to_the_last_bit(
    values: NDArray[np.float32], parts: int, most_held: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shanhai.raster.cog._HELD_VALUES", most_held)
        found = band_statistics(lambda: iter(np.array_split(values, parts)))
    valid = values[~np.isnan(values)].astype(np.float64)
    assert found.valid_percent == round(100 * valid.size / values.size, 6)
    if not valid.size:
        assert (found.min, found.p2) == (None, None)
        return
    assert (found.min, found.max) == (valid.min(), valid.max())
    assert [found.p2, found.p98] == np.quantile(valid, [0.02, 0.98]).tolist()
