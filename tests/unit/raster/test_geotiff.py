from pathlib import Path

import numpy as np
import pytest

from shanhai.errors import UnsupportedFile
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from shanhai.science.grid import Window

TRANSFORM = (100.0, 0.0, 500_000.0, 0.0, -100.0, 2_700_000.0)


def test_floats_come_back_with_nodata_as_nan(tmp_path: Path) -> None:
    values = np.array([[1.5, np.nan], [-3.25, 0.0]])
    write_geotiff(
        tmp_path / "a.tif",
        values,
        transform=TRANSFORM,
        crs="EPSG:4548",
        tags={"source": "test"},
        descriptions=["height"],
    )
    read = read_geotiff(tmp_path / "a.tif")
    np.testing.assert_array_equal(read.values, values[np.newaxis])
    assert (read.transform, read.crs, read.nodata) == (TRANSFORM, "EPSG:4548", -9999.0)
    assert read.descriptions == ("height",)
    assert read.tags["source"] == "test"


def test_window_carries_its_own_corner(tmp_path: Path) -> None:
    values = np.arange(12.0).reshape(3, 4)
    write_geotiff(tmp_path / "a.tif", values, transform=TRANSFORM, crs="EPSG:4548")
    read = read_geotiff(tmp_path / "a.tif", Window(row=1, col=2, height=2, width=2))
    np.testing.assert_array_equal(read.values[0], [[6, 7], [10, 11]])
    assert (read.transform[2], read.transform[5]) == (500_200.0, 2_699_900.0)


def test_classes_keep_their_type_and_crs_may_be_without_a_code(tmp_path: Path) -> None:
    sinusoidal = "+proj=sinu +lon_0=0 +R=6371007.181 +units=m"
    codes = np.array([[0, 7]], dtype=np.uint8)
    path = tmp_path / "a.tif"
    write_geotiff(path, codes, transform=TRANSFORM, crs=sinusoidal, nodata=0)
    read = read_geotiff(path)
    np.testing.assert_array_equal(read.values, [[[np.nan, 7]]])
    assert read.crs.startswith("PROJCS")


def test_same_input_gives_the_same_bytes_and_no_draft_stays(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=(300, 300))
    for name in ("a", "b"):
        write_geotiff(tmp_path / f"{name}.tif", values, transform=TRANSFORM, crs="EPSG:4548")
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"a.tif", "b.tif"}


@pytest.mark.parametrize("content", [None, b"", b"text, not a raster"])
def test_what_is_no_raster_is_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "upload.tif"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnsupportedFile, match=r"upload\.tif"):
        read_geotiff(path)
