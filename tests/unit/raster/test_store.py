import resource
import signal
from functools import partial
from operator import attrgetter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point

from shanhai.processes.kit import region
from shanhai.raster.cells import cells_within
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import window_runner
from shanhai.science.grid import Grid, Window

GRID = Grid(4548, 0.0, 0.0, 10.0, 53, 41)
LARGE = Grid(4548, 0.0, 0.0, 10.0, 1100, 600)


def write_squares(store: ScratchStore, window: Window) -> None:
    rows, cols = np.mgrid[window.slices]
    store.write("squares", window, (rows * 100.0 + cols) ** 2)


@pytest.fixture
def store(tmp_path: Path) -> ScratchStore:
    made = ScratchStore(tmp_path / "scratch", GRID)
    made.create("squares")
    return made


def test_windows_read_back_what_was_written(store: ScratchStore) -> None:
    values = np.random.default_rng(0).random((11, 13))
    values[2, 3] = np.nan
    store.write("squares", Window(7, 20, 11, 13), values)
    np.testing.assert_array_equal(
        store.read("squares", Window(8, 21, 4, 5)), values[1:5, 1:6].astype(np.float32)
    )
    assert store.read_all("squares").shape == GRID.shape


@st.composite
def windows_of(draw: st.DrawFn, grid: Grid) -> Window:
    row, col = draw(st.integers(0, grid.height - 1)), draw(st.integers(0, grid.width - 1))
    height = draw(st.integers(1, grid.height - row))
    return Window(row, col, height, draw(st.integers(1, grid.width - col)))


@settings(max_examples=40, deadline=None)
@given(st.lists(windows_of(LARGE), min_size=1, max_size=4), windows_of(LARGE))
def test_windows_across_blocks_hold_what_was_written_last(
    tmp_path_factory: pytest.TempPathFactory, written: list[Window], read: Window
) -> None:
    store = ScratchStore(tmp_path_factory.mktemp("blocks"), LARGE)
    store.create("quantity")
    store.create_classes("classes")
    expected = np.zeros(LARGE.shape, np.float32)
    for number, window in enumerate(written, start=1):
        values = np.arange(window.height * window.width, dtype=np.float64) % 251 + number / 4
        expected[window.slices] = values.reshape(window.height, window.width)
        store.write("quantity", window, expected[window.slices])
        store.write_classes("classes", window, expected[window.slices].astype(np.uint8))
    np.testing.assert_array_equal(store.read_stored("quantity", read), expected[read.slices])
    np.testing.assert_array_equal(
        store.read_classes("classes", read), expected[read.slices].astype(np.uint8)
    )


def test_a_full_disk_is_an_error_and_not_a_signal(store: ScratchStore) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"No space left|File too large"):
            store.write("squares", Window(0, 0, 41, 53), np.ones(GRID.shape))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


def test_blocks_cover_the_layer_from_north_to_south(store: ScratchStore) -> None:
    write_squares(store, store.whole)
    stacked = np.concatenate(list(store.blocks("squares", rows=9)))
    np.testing.assert_array_equal(stacked, store.read_all("squares"))


def test_classes_begin_as_nodata_and_dropped_layers_are_gone(store: ScratchStore) -> None:
    store.create_classes("valid")
    assert not store.read_classes("valid", store.whole).any()
    store.drop("valid", "squares")
    assert not store.has("valid")
    assert not store.has("squares")


def test_processes_give_the_same_results_in_the_same_order() -> None:
    outline = Point(250.0, -200.0).buffer(150.0)
    windows = list(GRID.windows(16))
    with window_runner(1) as alone:
        serial = list(alone.run(partial(cells_within, outline, GRID), windows))
    with window_runner(2) as pool:
        parallel = list(pool.run(partial(cells_within, outline, GRID), windows))
    assert len(parallel) == len(windows)
    for one, other in zip(serial, parallel, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_error_in_another_process_arrives_here() -> None:
    with window_runner(2) as pool, pytest.raises(AttributeError):
        list(pool.run(attrgetter("bounds.nothing"), [GRID]))


@pytest.mark.parametrize(
    ("height", "width"), [(537, 537), (800, 600), (620, 700), (1300, 900), (513, 8)]
)
def test_no_two_windows_write_to_a_page(tmp_path: Path, height: int, width: int) -> None:
    """Machines that share a folder over a network write whole pages."""
    store = ScratchStore(tmp_path, Grid(4548, 0.0, 0.0, 100.0, width, height))
    written = list[int]()
    for window in region.windows_of(store.grid):
        pages = set[int]()
        for part in store._parts(window):
            first, rows = part.cell(), part.rows.stop - part.rows.start
            # Of a layer of classes, the narrowest: a byte each.
            pages.update(range(first // 4096, -(-(first + rows * 512) // 4096)))
        written.extend(pages)
    assert len(written) == len(set(written)) > 0
