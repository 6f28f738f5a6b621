import io
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from PIL import Image

from shanhai.cartography import ZONES
from shanhai.errors import InvalidInput
from shanhai.raster.cells import true_cell_areas_m2
from shanhai.raster.geotiff import write_geotiff
from shanhai.science.grid import Window
from shanhai_tiles.raster.area_statistics import class_areas, clip_raster, quantity_figures
from shanhai_tiles.raster.areas import box_of
from shanhai_tiles.raster.dataset_pool import DatasetPool
from shanhai_tiles.tile_responses import draw_preview

CELL = 0.01
TRANSFORM = (CELL, 0.0, 118.0, 0.0, -CELL, 25.0)
"""Ten rows of twelve cells in degrees, so that rows differ in area."""


def areas() -> np.ndarray:
    return true_cell_areas_m2("EPSG:4490", TRANSFORM, Window(0, 0, 10, 12))


@pytest.fixture
def zones(tmp_path: Path) -> Path:
    """Class 1 in the west, 5 in the east, an unknown 9 in a corner, nothing in the last row."""
    cells = np.repeat([[1] * 6 + [5] * 6], 10, axis=0).astype(np.uint8)
    cells[0, 0], cells[9] = 9, 0
    path = tmp_path / "zones.tif"
    write_geotiff(path, cells, transform=TRANSFORM, crs="EPSG:4490", nodata=0)
    return path


@pytest.fixture
def ratio(tmp_path: Path) -> Path:
    """0 to 119 in reading order, without a value in the last row; a second band of sevens."""
    cells = np.arange(120, dtype=float).reshape(10, 12)
    cells[9] = np.nan
    path = tmp_path / "ratio.tif"
    bands = np.stack([cells, np.full((10, 12), 7.0)])
    write_geotiff(path, bands, transform=TRANSFORM, crs="EPSG:4490")
    return path


def test_areas_of_classes_over_the_whole_raster(rasters: DatasetPool, zones: Path) -> None:
    found = class_areas(rasters, zones, 1, None, ZONES).as_json()
    rows = areas()[:, 0]
    by_value = {one["value"]: one for one in found["classes"]}
    assert list(by_value) == [1, 2, 3, 4, 5, 9]
    assert by_value[1]["area_m2"] == pytest.approx(6 * rows[:9].sum() - rows[0])
    assert by_value[5]["area_ha"] == pytest.approx(6 * rows[:9].sum() / 10_000)
    assert by_value[9]["area_m2"] == pytest.approx(rows[0])
    assert by_value[9]["code"] is None
    assert by_value[2]["area_m2"] == 0
    assert by_value[1]["label_zh"] == ZONES.entries[0].label.zh
    assert [one["cells"] for one in by_value.values()] == [53, 0, 0, 0, 54, 1]
    assert sum(one["share"] for one in by_value.values()) == pytest.approx(1)
    assert found["area_m2"] == pytest.approx(12 * rows[:9].sum())
    assert found["area_ha"] == pytest.approx(12 * rows[:9].sum() / 10_000)
    assert found["nodata_area_m2"] == pytest.approx(12 * rows[9])
    assert found["cells"] == 108


def test_figures_of_a_quantity_weigh_cells_by_their_area(rasters: DatasetPool, ratio: Path) -> None:
    # The first three cells of the first row and the tenth's, of which the latter have no value;
    # with the second row's: values 0, 1, 2 and 12, 13, 14.
    area = box_of("118.0,24.98,118.03,25.0")
    found = quantity_figures(rasters, ratio, 1, area).as_json()
    weights = np.repeat(areas()[:2, 0], 3)
    values = np.array([0, 1, 2, 12, 13, 14.0])
    mean = np.average(values, weights=weights)
    assert found["cells"] == 6
    assert found["mean"] == pytest.approx(mean)
    assert found["sd"] == pytest.approx(np.sqrt(np.average((values - mean) ** 2, weights=weights)))
    assert (found["min"], found["max"]) == (0, 14)
    # Rows to the south are larger: half the area is reached by the first of the second row.
    assert areas()[1, 0] > areas()[0, 0]
    assert found["quantiles"]["0.5"] == 12
    assert found["quantiles"]["0.02"] == 0
    assert found["area_m2"] == pytest.approx(weights.sum())
    assert found["nodata_area_m2"] == 0


def test_nothing_known_has_no_figures(rasters: DatasetPool, ratio: Path) -> None:
    area = box_of("118.0,24.9,118.05,24.91")
    found = quantity_figures(rasters, ratio, 1, area).as_json()
    assert found["cells"] == 0
    assert found["mean"] is None
    assert set(found["quantiles"].values()) == {None}
    assert found["nodata_area_m2"] > 0


def test_bands_are_chosen(rasters: DatasetPool, ratio: Path) -> None:
    assert quantity_figures(rasters, ratio, 2, None).mean == pytest.approx(7)
    with pytest.raises(InvalidInput, match="bands 1 to 2"):
        quantity_figures(rasters, ratio, 3, None)


def test_a_clip_lies_on_the_rasters_own_cells(
    rasters: DatasetPool, ratio: Path, tmp_path: Path
) -> None:
    triangle = shapely.Polygon([(118.02, 24.98), (118.0712, 24.98), (118.02, 24.9288)])
    target = tmp_path / "clip.tif"
    clip_raster(rasters, ratio, shapely.multipolygons([triangle]), target, tags={"A": "b"})
    with rasterio.open(target) as file, rasterio.open(ratio) as source:
        assert file.crs == source.crs
        assert (file.count, file.nodata, file.tags()["A"]) == (2, -9999, "b")
        column = round((file.transform.c - 118.0) / CELL)
        row = round((25.0 - file.transform.f) / CELL)
        kept = file.read(1, masked=True)
        cells = source.read(1)[row : row + file.height, column : column + file.width]
        valid = ~np.ma.getmaskarray(kept)
        np.testing.assert_array_equal(kept.data[valid], cells[valid])
        x, y = np.meshgrid(
            118.005 + CELL * np.arange(column, column + file.width),
            24.995 - CELL * np.arange(row, row + file.height),
        )
        np.testing.assert_array_equal(valid, shapely.contains_xy(triangle, x, y))
        assert valid.sum() == 15


def test_one_band_may_be_clipped(rasters: DatasetPool, ratio: Path, tmp_path: Path) -> None:
    area = box_of("118.0,24.9,118.12,25.0")
    clip_raster(rasters, ratio, area, tmp_path / "clip.tif", band=2, tags={})
    with rasterio.open(tmp_path / "clip.tif") as file:
        assert file.count == 1
        assert (file.read(1) == 7).all()


def test_an_area_without_cells_cannot_be_clipped(
    rasters: DatasetPool, ratio: Path, tmp_path: Path
) -> None:
    area = box_of("10,10,11,11")
    with pytest.raises(InvalidInput, match="covers no cell"):
        clip_raster(rasters, ratio, area, tmp_path / "clip.tif", tags={})


def test_a_preview_is_as_small_as_asked_and_never_enlarged(
    rasters: DatasetPool, zones: Path
) -> None:
    picture = Image.open(io.BytesIO(draw_preview(rasters, zones, 1, ZONES, None, 2048)))
    assert picture.size == (12, 10)
    pixels = np.asarray(picture.convert("RGBA"))
    assert tuple(pixels[3, 0, :3]) == tuple(bytes.fromhex(ZONES.entries[0].color[1:]))
    assert not pixels[9, :, 3].any()
    small = Image.open(io.BytesIO(draw_preview(rasters, zones, 1, ZONES, None, 6)))
    assert small.size == (6, 5)
