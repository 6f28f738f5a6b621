from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from shanhai.errors import LimitExceeded, UnsupportedFile
from shanhai.raster import inspect
from shanhai.raster.geotiff import write_geotiff
from shanhai.raster.inspect import (
    inspect_raster,
    lon_lat_bounds,
    make_overview_file_tiff,
    make_renamed_vrt,
    resolution_m,
)

METRIC = (100.0, 0.0, 500_000.0, 0.0, -100.0, 2_700_000.0)


def make(
    path: Path,
    *,
    crs: Any = "EPSG:4548",
    transform: Any = METRIC,
    bands: Any = 1,
    dtype: str = "float32",
) -> Path:
    profile = {"driver": "GTiff", "width": 8, "height": 6, "count": bands, "dtype": dtype}
    if transform is not None:
        profile["transform"] = Affine(*transform)
    with rasterio.open(path, "w", crs=crs, **profile) as file:
        file.write(np.ones((bands, 6, 8), dtype=dtype))
    return path


def refusal(path: Path, **options: Any) -> UnsupportedFile:
    with pytest.raises(UnsupportedFile) as caught:
        inspect_raster(path, **options)
    return caught.value


def test_facts_of_a_good_file(tmp_path: Path) -> None:
    facts = inspect_raster(make(tmp_path / "a.tif", bands=3))
    assert (facts.bands, facts.width, facts.height, facts.dtype) == (3, 8, 6, "float32")
    assert facts.crs == "EPSG:4548"
    assert facts.bounds == (500_000.0, 2_699_400.0, 500_800.0, 2_700_000.0)
    assert resolution_m(facts) == 100.0


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"just text", "other"),
        (b"\x89PNG\r\n\x1a\n....", "PNG"),
        (b"<VRTDataset rasterXSize='1'>", "VRT"),
        (b"PK\x03\x04....", "ZIP"),
        (b"", "empty"),
    ],
)
def test_what_is_no_tiff_is_named(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(content)
    error = refusal(path)
    assert found in error.message
    assert error.faults[0].pointer == "/inputs/upload"
    assert error.message_zh != error.message


def test_a_truncated_header_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path / "a.tif")
    path.write_bytes(path.read_bytes()[:40])
    assert "damaged" in refusal(path).message


@pytest.mark.parametrize("hostile", [make_renamed_vrt, make_overview_file_tiff])
def test_files_that_refer_to_others_are_refused(
    tmp_path: Path, hostile: Callable[[Path], Path]
) -> None:
    refusal(hostile(tmp_path))
    assert (tmp_path / "secret.tif").exists()


def test_a_file_without_crs_asks_for_one(tmp_path: Path) -> None:
    path = make(tmp_path / "a.tif", crs=None)
    assert refusal(path).faults[0].pointer == "/inputs/crs"
    assert inspect_raster(path, crs="EPSG:4548").crs == "EPSG:4548"
    with pytest.raises(UnsupportedFile, match="'EPSG:999999' is no known") as caught:
        inspect_raster(path, crs="EPSG:999999")
    assert caught.value.faults[0].pointer == "/inputs/crs"


def test_a_plain_image_without_position_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        make(path, transform=None)
    assert "geotransform" in refusal(path).message


@pytest.mark.parametrize(
    "transform",
    [(100.0, 20.0, 0.0, 20.0, -100.0, 0.0), (100.0, 0.0, 5e5, 0.0, 100.0, 2.7e6)],
)
def test_rotated_and_south_up_rasters_are_refused(tmp_path: Path, transform: Any) -> None:
    assert "north-up" in refusal(make(tmp_path / "a.tif", transform=transform)).message


def test_projected_numbers_under_a_geographic_crs_are_noticed(tmp_path: Path) -> None:
    error = refusal(make(tmp_path / "a.tif", crs="EPSG:4490"))
    assert "not in degrees" in error.message


def test_complex_pixels_are_refused(tmp_path: Path) -> None:
    assert "complex" in refusal(make(tmp_path / "a.tif", dtype="complex64")).message


@pytest.mark.parametrize(
    ("limit", "value"), [("MAX_PIXELS", 40), ("MAX_BANDS", 1), ("MAX_PIXELS_PER_BYTE", 0.01)]
)
def test_limits_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: Any
) -> None:
    path = make(tmp_path / "a.tif", bands=2)
    monkeypatch.setattr(inspect, limit, value)
    with pytest.raises(LimitExceeded):
        inspect_raster(path)


def test_degrees_give_a_resolution_in_metres(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write_geotiff(
        path, np.ones((4, 4)), transform=(0.01, 0, 118.0, 0, -0.01, 24.62), crs="EPSG:4326"
    )
    facts = inspect_raster(path)
    assert resolution_m(facts) == pytest.approx(1112 * np.sqrt(np.cos(np.radians(24.6))), rel=1e-3)
    assert lon_lat_bounds(facts) == pytest.approx((118.0, 24.58, 118.04, 24.62))
