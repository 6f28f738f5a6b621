from pathlib import Path

import numpy as np
import pytest
import rasterio
from rio_cogeo import cog_validate

from shanhai.raster.cog import Frame, write_cog
from shanhai.science.grid import Grid, Window

GRID = Grid(4548, 500_000.0, 2_700_000.0, 100.0, 700, 600)
WHOLE = Window(0, 0, 600, 700)


def quantity():
    values = np.random.default_rng(2).random((1, 600, 700))
    values[:, :40] = np.nan
    return values


def test_a_quantity_becomes_a_valid_cog_with_its_statistics(tmp_path: Path):
    path, values = tmp_path / "a.tif", quantity()
    (statistics,) = write_cog(path, Frame.of_grid(GRID), [(WHOLE, values)])
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


def test_classes_keep_their_codes_in_the_overviews(tmp_path: Path):
    path = tmp_path / "a.tif"
    codes = np.repeat(np.repeat([[[1, 5]]], 600, axis=1), 350, axis=2).astype(np.uint8)
    write_cog(path, Frame.of_grid(GRID, categorical=True), [(WHOLE, codes)])
    with rasterio.open(path, OVERVIEW_LEVEL=0) as file:
        assert set(np.unique(file.read(1))) == {1, 5}
        assert file.dtypes == ("uint8",)
        assert file.nodata == 0


def test_equal_content_gives_equal_bytes_in_any_cut(tmp_path: Path):
    values = quantity()
    write_cog(tmp_path / "a.tif", Frame.of_grid(GRID), [(WHOLE, values)])
    cut = [(window, values[:, *window.slices]) for window in GRID.windows(133)]
    write_cog(tmp_path / "b.tif", Frame.of_grid(GRID), cut)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_a_layer_without_any_value_has_no_statistics(tmp_path: Path):
    empty = np.full((1, 600, 700), np.nan)
    (statistics,) = write_cog(tmp_path / "a.tif", Frame.of_grid(GRID), [(WHOLE, empty)])
    assert statistics.mean is None
    assert statistics.valid_percent == 0.0
