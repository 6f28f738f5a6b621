"""Rasters whose parts are fetched as they are drawn show what they would from a folder."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling
from rasterio.shutil import copy as copy_raster

from shanhai.storage.artifacts import RangedFile
from shanhai.storage.fetched import Damaged
from shanhai_tiles.errors import LayerUnreadable
from shanhai_tiles.grids import CGCS2000_QUAD
from shanhai_tiles.raster import dataset_pool
from shanhai_tiles.raster.dataset_pool import DatasetPool, Source, StoredRaster
from shanhai_tiles.raster.reader import RasterTile, read_point, read_tile
from tests.support.object_stores import Environment, HarmfulProxy, open_bucket

CELLS = 2048
CELL = 180 / 256 / 2**10
TILES = ((8, 118.1, 24.6), (10, 118.1, 24.6), (10, 118.6, 24.1), (12, 118.4, 24.3))


def write_raster(path: Path, kind: str) -> Path:
    """Noise, which hardly packs, with a corner that holds nothing."""
    cells = np.random.default_rng(1).random((CELLS, CELLS), np.float32)
    cells[:600, :600] = np.nan
    profile = {
        "driver": "GTiff",
        "width": CELLS,
        "height": CELLS,
        "count": 1,
        "dtype": "float32",
        "nodata": np.nan,
        "crs": "EPSG:4490",
        "transform": rasterio.Affine(CELL, 0, 118, 0, -CELL, 24.9),
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
        "compress": "deflate",
        "sparse_ok": True,
        "bigtiff": "yes" if kind == "big" else "no",
    }
    plain = path.with_suffix(".plain.tif")
    with rasterio.open(plain, "w", **profile) as file:
        file.write(cells, 1)
        file.build_overviews([2, 4], Resampling.nearest)
    if kind == "cog":
        with rasterio.open(plain) as file:
            copy_raster(file, path, driver="COG", compress="deflate")
    else:
        plain.rename(path)
    return path


@pytest.fixture(params=["cog", "classic", "big"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write_raster(tmp_path / "raster.tif", request.param)


def tile_of(zoom: int, lon: float, lat: float) -> RasterTile:
    tile = CGCS2000_QUAD.tms.tile(lon, lat, zoom)
    return RasterTile(CGCS2000_QUAD, CGCS2000_QUAD.bounds(zoom, tile.x, tile.y), 256)


def drawn(rasters: DatasetPool, source: Source, *tile: float) -> np.ndarray:
    zoom, lon, lat = tile
    return read_tile(rasters, source, tile_of(int(zoom), lon, lat)).filled(-1, "float64")


def test_tiles_are_those_of_the_folder(
    rasters: DatasetPool, in_bucket: Environment, path: Path, tmp_path: Path
) -> None:
    uri = open_bucket(in_bucket()).put(path, suffix=".tif").uri
    source = StoredRaster(open_bucket(in_bucket(cache=tmp_path / "other")), uri)
    for tile in reversed(TILES):
        np.testing.assert_array_equal(drawn(rasters, source, *tile), drawn(rasters, path, *tile))
    for place in ((118.05, 24.8), (118.7, 24.2)):
        assert read_point(rasters, source, 1, *place) == read_point(rasters, path, 1, *place)
    with rasters.open(source) as kept, rasters.open(path) as plain:
        np.testing.assert_array_equal(
            kept.read_whole(1, (300, 300)), plain.read_whole(1, (300, 300))
        )
    found = source.find()
    assert not isinstance(found, Path)
    assert found.path.stat().st_blocks * 512 < path.stat().st_size, "not all was asked for"


def test_a_whole_file_that_is_used_stays_open(
    rasters: DatasetPool,
    in_bucket: Environment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = write_raster(tmp_path / "raster.tif", "cog")
    store = open_bucket(in_bucket())
    uri = store.put(path, suffix=".tif").uri
    parts, whole = StoredRaster(store, uri), StoredRaster(open_bucket(in_bucket()), uri)
    drawn(rasters, parts, *TILES[0])
    store.local_path(uri)
    opened: list[Path] = []
    really = dataset_pool._opened

    def noted(path: Path, **options: Any) -> Any:
        opened.append(path)
        return really(path, **options)

    monkeypatch.setattr(dataset_pool, "_opened", noted)
    drawn(rasters, whole, *TILES[0])
    first = len(opened)
    assert set(opened) == {store.fetched.folder / uri}
    for _ in range(3):
        # Another process goes on with the same file by its former name.
        open_bucket(in_bucket()).fetched.file(uri, store.sums, store._fetch).ensure(0, 1)
        drawn(rasters, whole, *TILES[0])
    assert len(opened) == first


def test_no_raster_and_no_file_are_told(
    rasters: DatasetPool, in_bucket: Environment, tmp_path: Path
) -> None:
    store = open_bucket(in_bucket())
    for content in (b"II" + bytes(2**21), b"II*\0" + b"\xff" * 2**21, b"text" * 2**19):
        (tmp_path / "none.tif").write_bytes(content)
        uri = store.put(tmp_path / "none.tif", suffix=".tif").uri
        with pytest.raises(LayerUnreadable):
            drawn(rasters, StoredRaster(store, uri), *TILES[0])
    with pytest.raises(LayerUnreadable):
        drawn(rasters, StoredRaster(store, f"objects/aa/{'a' * 64}.tif"), *TILES[0])


def test_damage_is_named_and_not_drawn(
    rasters: DatasetPool, in_bucket: Environment, harmful: HarmfulProxy, tmp_path: Path
) -> None:
    path = write_raster(tmp_path / "raster.tif", "cog")
    uri = open_bucket(in_bucket()).put(path, suffix=".tif").uri
    store = open_bucket(in_bucket(cache=tmp_path / "other", url=harmful.url))
    drawn(rasters, StoredRaster(store, uri), *TILES[0])
    harmful.harm, harmful.only = "flip", "/objects/"
    with pytest.raises(Damaged, match=uri):
        drawn(rasters, StoredRaster(store, uri), *TILES[3])
    harmful.harm = ""
    found = drawn(rasters, StoredRaster(store, uri), *TILES[3])
    np.testing.assert_array_equal(found, drawn(rasters, path, *TILES[3]))


def test_what_was_removed_from_the_folder_of_what_was_fetched_comes_again(
    rasters: DatasetPool, in_bucket: Environment, tmp_path: Path
) -> None:
    path = write_raster(tmp_path / "raster.tif", "cog")
    source = StoredRaster(open_bucket(in_bucket()), "")
    source = StoredRaster(source.artifacts, source.artifacts.put(path, suffix=".tif").uri)
    drawn(rasters, source, *TILES[0])
    found: RangedFile | Path = source.find()
    assert not isinstance(found, Path)
    found.path.unlink()
    for tile in TILES:
        np.testing.assert_array_equal(drawn(rasters, source, *tile), drawn(rasters, path, *tile))
