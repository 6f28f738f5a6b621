from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyproj import Transformer

from shanhai.errors import InvalidInput
from shanhai.raster.cells import cell_areas_m2
from shanhai.raster.cog import check_total, source_total
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from shanhai.raster.inspect import inspect_raster
from shanhai.raster.resampling import CellCentres, bilinear
from shanhai.raster.warp import RasterQuantity, RasterSource, align, align_classes, open_source
from shanhai.science.grid import Grid, Window

GRID = Grid(4548, 590_000.0, 2_740_000.0, 100.0, 60, 50)
WHOLE = Window(0, 0, 50, 60)
LON_LAT_FRAME = {"transform": (0.001, 0, 117.85, 0, -0.001, 24.80), "crs": "EPSG:4326"}


def source(path: Path, array: Any, quantity: RasterQuantity, **frame: Any) -> RasterSource:
    frame = {"transform": GRID.transform, "crs": "EPSG:4548"} | frame
    write_geotiff(path, array, nodata=0 if array.dtype == np.uint8 else -9999.0, **frame)
    return open_source(path, quantity)


def random_source(path: Path, quantity: RasterQuantity, **frame: Any) -> RasterSource:
    shape = (220, 220)
    rng = np.random.default_rng(5)
    if quantity is RasterQuantity.CATEGORICAL:
        return source(path, rng.integers(0, 9, shape).astype(np.uint8), quantity, **frame)
    return source(path, rng.random(shape) * 50, quantity, **frame)


def test_the_same_grid_gives_the_same_values(tmp_path: Path) -> None:
    values = np.random.default_rng(1).random(GRID.shape).astype(np.float32)
    values[3, 4] = np.nan
    for quantity in (RasterQuantity.INTENSIVE, RasterQuantity.EXTENSIVE):
        found = align(source(tmp_path / "a.tif", values, quantity), GRID, WHOLE)[0]
        np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize("quantity", list(RasterQuantity))
def test_a_shifted_raster_of_the_same_cells_is_taken_as_it_is(
    tmp_path: Path, quantity: RasterQuantity
) -> None:
    frame = {"transform": (100.0, 0, 590_700.0, 0, -100.0, 2_740_300.0), "crs": "EPSG:4548"}
    values = np.random.default_rng(1).integers(0, 9, (40, 45)).astype(np.float32)
    values[5, 6] = np.nan
    found = align(source(tmp_path / "a.tif", values, quantity, **frame), GRID, WHOLE)[0]
    expected = np.full(GRID.shape, np.nan)
    expected[:37, 7:52] = values[3:]
    np.testing.assert_array_equal(found, expected)
    part = align(source(tmp_path / "a.tif", values, quantity, **frame), GRID, Window(0, 55, 9, 5))
    assert np.isnan(part).all()


@pytest.mark.parametrize("quantity", list(RasterQuantity))
@pytest.mark.parametrize(
    "frame",
    [
        LON_LAT_FRAME,
        {"transform": (0.0003, 0, 117.88, 0, -0.0003, 24.78), "crs": "EPSG:4326"},
        {"transform": (37.0, 0, 590_013.0, 0, -37.0, 2_739_990.0), "crs": "EPSG:4548"},
    ],
    ids=["coarser-than-grid", "finer-degrees", "finer-metres"],
)
def test_windows_give_the_bytes_of_the_whole(
    tmp_path: Path, quantity: RasterQuantity, frame: Any
) -> None:
    layer = random_source(tmp_path / "a.tif", quantity, **frame)
    whole = align(layer, GRID, WHOLE)
    assert np.isfinite(whole).any()
    for window in GRID.windows(17):
        part = align(layer, GRID, window)
        np.testing.assert_array_equal(part, whole[:, *window.slices])


def test_bilinear_of_a_plane_is_the_plane(tmp_path: Path) -> None:
    rows, cols = np.mgrid[0:30, 0:30]
    plane = source(
        tmp_path / "a.tif",
        cols * 2.0 + rows * 3.0,
        RasterQuantity.INTENSIVE,
        transform=(300.0, 0, 588_500.0, 0, -300.0, 2_741_500.0),
    )
    found = align(plane, GRID, WHOLE)[0]
    col = (GRID.west + 50 + 100 * np.arange(60) - 588_500.0) / 300 - 0.5
    row = (2_741_500.0 - (GRID.north - 50 - 100 * np.arange(50))) / 300 - 0.5
    np.testing.assert_allclose(found, col[None, :] * 2 + row[:, None] * 3, atol=1e-4)


def test_a_bicubic_surface_has_a_continuous_gradient(tmp_path: Path) -> None:
    # Bilinear interpolation of coarse elevation shows a step of the slope at every source cell.
    rows, cols = np.mgrid[0:14, 0:14]
    hills = 200 * np.sin(rows / 2.0) * np.cos(cols / 1.7)
    frame = {"transform": (900.0, 0, 586_000.0, 0, -900.0, 2_744_000.0)}
    steps = {}
    for quantity in (RasterQuantity.SURFACE, RasterQuantity.INTENSIVE):
        found = align(source(tmp_path / "a.tif", hills, quantity, **frame), GRID, WHOLE)[0]
        steps[quantity] = np.abs(np.diff(found, n=2, axis=1)).max()
    assert steps[RasterQuantity.SURFACE] < 0.6 * steps[RasterQuantity.INTENSIVE]


def test_bilinear_leaves_nodata_out_of_its_weights(tmp_path: Path) -> None:
    values = np.array([[1.0, np.nan], [1.0, np.nan]])
    frame = {"transform": (500.0, 0, 590_000.0, 0, -500.0, 2_740_000.0)}
    found = align(
        source(tmp_path / "a.tif", values, RasterQuantity.INTENSIVE, **frame), GRID, WHOLE
    )[0]
    assert np.all(found[:10, :5] == 1.0)
    assert np.isnan(found[:10, 5:]).all()
    assert np.isnan(found[10:]).all()


def test_a_position_that_is_no_number_lies_outside() -> None:
    cells = np.arange(9.0).reshape(1, 3, 3)
    rows, cols = np.array([[1.5, np.nan, -np.inf, 1.5]]), np.array([[1.5, 1.5, 1.5, np.nan]])
    np.testing.assert_array_equal(bilinear(cells, rows, cols), [[[4.0, np.nan, np.nan, np.nan]]])


def test_finer_classes_vote_and_the_sea_votes_too(tmp_path: Path) -> None:
    fine = np.zeros((100, 120), dtype=np.uint8)
    fine[0, 0] = 2
    fine[0:2, 2:4] = [[3, 3], [3, 1]]
    layer = source(
        tmp_path / "a.tif",
        fine,
        RasterQuantity.CATEGORICAL,
        transform=(50.0, 0, GRID.west, 0, -50.0, GRID.north),
    )
    found = align(layer, GRID, WHOLE)[0]
    assert found[0, 0] == 0
    assert found[0, 1] == 3
    assert layer.method(100.0) == "mode"


def test_the_share_of_a_class_counts_the_finer_cells(tmp_path: Path) -> None:
    fine = np.full((100, 120), 2, dtype=np.uint8)
    fine[0:2, 2:4] = [[8, 8], [8, 1]]
    fine[0, 4] = 8
    frame = {"transform": (50.0, 0, GRID.west, 0, -50.0, GRID.north)}
    layer = source(tmp_path / "a.tif", fine, RasterQuantity.CATEGORICAL, **frame)
    classes, share = align_classes(layer, GRID, WHOLE, 8)
    assert classes[0, :3].tolist() == [2, 8, 2]
    assert share[0, :4].tolist() == [0, 0.75, 0.25, 0]


def test_the_share_of_a_class_in_coarser_cells_is_all_or_nothing(tmp_path: Path) -> None:
    coarse = np.array([[8, 2]], dtype=np.uint8)
    frame = {"transform": (300.0, 0, GRID.west, 0, -300.0, GRID.north)}
    layer = source(tmp_path / "a.tif", coarse, RasterQuantity.CATEGORICAL, **frame)
    classes, share = align_classes(layer, GRID, WHOLE, 8)
    assert share[0, :6].tolist() == [1, 1, 1, 0, 0, 0]
    np.testing.assert_array_equal(np.isnan(share), np.isnan(classes))
    assert np.isnan(share[5, 0])


def test_presence_needs_one_cell_only(tmp_path: Path) -> None:
    fine = np.zeros((100, 120), dtype=np.uint8)
    fine[0, 0] = 1
    frame = {"transform": (50.0, 0, GRID.west, 0, -50.0, GRID.north)}
    found = align(source(tmp_path / "a.tif", fine, RasterQuantity.PRESENCE, **frame), GRID, WHOLE)[
        0
    ]
    assert found[0, 0] == 1
    assert found.sum() == 1


@pytest.mark.parametrize(
    ("transform", "crs", "shape"),
    [
        ((0.002, 0, 117.8, 0, -0.002, 24.85), "EPSG:4326", (120, 120)),
        ((30.0, 0, 589_000.0, 0, -30.0, 2_741_000.0), "EPSG:4548", (260, 280)),
        ((250.0, 0, 589_010.0, 0, -250.0, 2_741_070.0), "EPSG:4548", (40, 40)),
    ],
)
def test_population_totals_are_kept_within_half_a_percent(
    tmp_path: Path, transform: Any, crs: str, shape: tuple[int, int]
) -> None:
    rng = np.random.default_rng(3)
    wide = Grid(4548, 580_000.0, 2_750_000.0, 100.0, 320, 320)
    layer = source(
        tmp_path / "a.tif",
        rng.random(shape) * 20,
        RasterQuantity.EXTENSIVE,
        transform=transform,
        crs=crs,
    )
    found = align(layer, wide, Window(0, 0, 320, 320))[0]
    total = read_geotiff(layer.path).values.sum()
    assert np.nansum(found) == pytest.approx(total, rel=0.005)
    check_total("population", layer, wide, float(np.nansum(found)))
    with pytest.raises(InvalidInput, match="must agree within") as caught:
        check_total("population", layer, wide, 1.2 * float(np.nansum(found)))
    assert caught.value.faults[0].pointer == "/inputs/datasets/population"


def test_cells_cut_by_the_edge_of_the_grid_are_allowed_for(tmp_path: Path) -> None:
    layer = random_source(
        tmp_path / "a.tif",
        RasterQuantity.EXTENSIVE,
        transform=(730.0, 0, 570_000.0, 0, -730.0, 2_760_000.0),
    )
    found = float(np.nansum(align(layer, GRID, WHOLE)))
    total = source_total(layer, GRID)
    assert abs(found - total.inside) > 0.005 * total.inside
    check_total("population", layer, GRID, found)


def test_lattice_coordinates_are_within_a_decimetre_of_the_exact_ones() -> None:
    centres = CellCentres(GRID.transform, GRID.cell_m, "EPSG:4548", "EPSG:4490")
    longitude, latitude = centres.within(WHOLE)
    cols, rows = np.meshgrid(np.arange(60), np.arange(50))
    exact = Transformer.from_crs(4548, 4490, always_xy=True).transform(
        GRID.west + 100 * (cols + 0.5), GRID.north - 100 * (rows + 0.5)
    )
    assert np.abs(longitude - exact[0]).max() * 101_000 < 0.1
    assert np.abs(latitude - exact[1]).max() * 111_000 < 0.1


def test_cells_of_the_whole_ellipsoid_sum_to_its_area(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write_geotiff(path, np.ones((180, 360)), transform=(1, 0, -180, 0, -1, 90), crs="EPSG:4490")
    areas = cell_areas_m2(inspect_raster(path), 0, 180) * 360
    assert areas.sum() == pytest.approx(510_065_621.7e6, rel=1e-9)
