import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from shanhai.raster.cog import CogFrame, write_cog
from shanhai.raster.geotiff import write_geotiff
from shanhai.science.grid import Grid, Window
from shanhai_tiles.errors import LayerUnreadable
from shanhai_tiles.raster.dataset_pool import DatasetPool
from tests.support.serving import join

TRANSFORM = (100.0, 0.0, 600_000.0, 0.0, -100.0, 2_720_000.0)
CELL = Window(0, 0, 1, 1)


def write(path: Path, value: float) -> Path:
    write_geotiff(path, np.full((4, 4), value), transform=TRANSFORM, crs="EPSG:4548")
    return path


@pytest.fixture
def short_pool() -> Iterator[DatasetPool]:
    handles = DatasetPool(most_waiting=2)
    yield handles
    handles.close()


def first_cell(rasters: DatasetPool, path: Path, window: Window = CELL) -> float:
    with rasters.open(path) as raster:
        return float(raster.read(1, 0, window)[0, 0])


def test_a_handle_is_used_again(short_pool: DatasetPool, tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", 1)
    with short_pool.open(path) as first:
        pass
    with short_pool.open(path) as second:
        assert second is first


def test_two_at_once_have_a_handle_each(short_pool: DatasetPool, tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", 1)
    with short_pool.open(path) as one, short_pool.open(path) as other:
        assert one is not other
    assert len(short_pool) == 2


def test_the_longest_unused_are_closed(short_pool: DatasetPool, tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{value}.tif", value) for value in range(3)]
    opened = []
    for path in paths:
        with short_pool.open(path) as raster:
            opened.append(raster)
    assert len(short_pool) == 2
    assert [one.file.closed for one in opened] == [True, False, False]


def test_a_replaced_file_is_opened_anew(short_pool: DatasetPool, tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", 1)
    assert first_cell(short_pool, path) == 1
    with short_pool.open(path) as former:
        pass
    write(tmp_path / "b.tif", 2).replace(path)
    assert first_cell(short_pool, path) == 2
    assert former.file.closed


def test_a_removed_file_is_unreadable_and_nothing_stays_open(
    short_pool: DatasetPool, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.tif", 1)
    assert first_cell(short_pool, path) == 1
    path.unlink()
    with pytest.raises(LayerUnreadable):
        first_cell(short_pool, path)


def test_a_file_removed_while_it_is_read_is_read_to_its_end(
    short_pool: DatasetPool, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.tif", 1)
    with short_pool.open(path) as raster:
        path.unlink()
        assert raster.read(1, 0, CELL)[0, 0] == 1


def test_a_damaged_file_gives_its_handle_up(short_pool: DatasetPool, tmp_path: Path) -> None:
    path, grid = tmp_path / "a.tif", Grid(4548, 500_000.0, 2_700_000.0, 100.0, 1200, 1200)
    cells = np.random.default_rng(1).random((1, 1200, 1200))
    write_cog(path, CogFrame.of_grid(grid), [(Window(0, 0, 1200, 1200), cells)])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with short_pool.open(path) as raster:
        pass
    with pytest.raises(LayerUnreadable):
        first_cell(short_pool, path, Window(1190, 1190, 1, 1))
    assert raster.file.closed
    assert len(short_pool) == 0


def test_levels_are_those_of_the_overviews(short_pool: DatasetPool, tmp_path: Path) -> None:
    grid = Grid(4548, 500_000.0, 2_700_000.0, 100.0, 1400, 1025)
    values = np.arange(1025 * 1400, dtype=float).reshape(1, 1025, 1400)
    write_cog(tmp_path / "a.tif", CogFrame.of_grid(grid), [(Window(0, 0, 1025, 1400), values)])
    with short_pool.open(tmp_path / "a.tif") as raster:
        assert raster.factors == (1.0, 2.0, 4.0)
        assert [raster.shape(level) for level in range(3)] == [
            (1025, 1400),
            (513, 700),
            (257, 350),
        ]
        assert [raster.level_for(cells) for cells in (0.2, 1, 1.9, 2, 3.9, 4, 90)] == [
            *(0, 0, 0, 1, 1, 2, 2)
        ]


def test_threads_do_not_share_a_handle(tmp_path: Path) -> None:
    rasters = DatasetPool()
    path = write(tmp_path / "a.tif", 7)
    both = threading.Barrier(2, timeout=20)
    used: list[int] = []

    def read() -> None:
        with rasters.open(path) as raster:
            both.wait()
            used.append(id(raster))
            assert raster.read(1, 0, CELL)[0, 0] == 7

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    join(*threads)
    assert len(set(used)) == 2
    rasters.close()
