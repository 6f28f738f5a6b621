"""A raster for which there is no room is an error with the system's reason, never half a file."""

import errno
from pathlib import Path

import numpy as np
import pytest
import rasterio

from shanhai.file_limits import PROBE_BYTES, proving_room
from shanhai.raster.cog import CogFrame, write_cog
from shanhai.raster.geotiff import write_geotiff
from shanhai.science.grid import Window
from tests.support.room import room_for

SIZE = 300
TRANSFORM = (30.0, 0.0, 500000.0, 0.0, -30.0, 3000000.0)
VALUES = np.random.default_rng(1).random((SIZE, SIZE)).astype(np.float32)


def write_plain(path: Path) -> None:
    write_geotiff(path, VALUES, transform=TRANSFORM, crs="EPSG:4548")


def write_optimised(path: Path) -> None:
    frame = CogFrame(crs="EPSG:4548", transform=TRANSFORM, width=SIZE, height=SIZE)
    write_cog(path, frame, [(Window(0, 0, SIZE, SIZE), VALUES[np.newaxis])])


@pytest.mark.parametrize("write", [write_plain, write_optimised])
@pytest.mark.parametrize("missing", [1, 500, 5_000, 100_000])
def test_no_room_is_told(tmp_path: Path, write: object, missing: int) -> None:
    """However little is missing: what fails while a file is closed GDAL keeps to itself."""
    assert callable(write)
    write(tmp_path / "whole.tif")
    size = (tmp_path / "whole.tif").stat().st_size
    with room_for(size - missing), pytest.raises(OSError, match="File too large") as refused:
        write(tmp_path / "cut.tif")
    assert refused.value.errno == errno.EFBIG


def test_a_file_that_had_room_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with proving_room(path):
        path.write_bytes(b"whole")
    assert path.read_bytes() == b"whole"
    with room_for(5 + PROBE_BYTES), proving_room(path):
        pass
    assert path.read_bytes() == b"whole"


def test_another_failure_is_told_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "never made"
    with pytest.raises(rasterio.RasterioIOError), proving_room(path):
        raise rasterio.RasterioIOError("of another kind")
    assert not path.exists()
