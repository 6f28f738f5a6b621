"""What a window reads through its job is what lies there, and what it wrote itself."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st

from shanhai.raster import dask_files
from shanhai.raster.dask_files import FilesOfJob, Question
from shanhai.raster.geotiff import write_geotiff
from shanhai.raster.store import ELSEWHERE, ScratchStore
from shanhai.raster.warp import RasterQuantity, open_source, read_block
from shanhai.science.grid import Grid, Window

GRID = Grid(4548, 500_000.0, 2_800_000.0, 30.0, 700, 600)


class NearJob(FilesOfJob):
    """A job in this process, which notes how much it answers at once."""

    def __init__(self) -> None:
        super().__init__("near")
        self.answered: list[int] = []

    def _ask(self, question: Question) -> object:
        token = ELSEWHERE.set(None)
        try:
            answer = question()
        finally:
            ELSEWHERE.reset(token)
        self.answered.append(getattr(answer, "nbytes", 0))
        return answer


@pytest.fixture(scope="module")
def layers_of_job(tmp_path_factory: pytest.TempPathFactory) -> ScratchStore:
    store = ScratchStore(tmp_path_factory.mktemp("kept"), GRID)
    store.create("heights")
    store.create_classes("land")
    cells = np.random.default_rng(3).normal(size=GRID.shape)
    store.write("heights", store.whole, cells)
    store.write_classes("land", store.whole, (cells > 0).astype(np.uint8))
    return store


@st.composite
def windows(draw: st.DrawFn) -> Window:
    row, col = draw(st.integers(0, GRID.height - 1)), draw(st.integers(0, GRID.width - 1))
    height = draw(st.integers(1, GRID.height - row))
    return Window(row, col, height, draw(st.integers(1, GRID.width - col)))


@given(written=windows(), read=windows())
def test_own_writes_lie_over_what_the_job_has(
    layers_of_job: ScratchStore, written: Window, read: Window
) -> None:
    expected = layers_of_job.read_stored("heights", layers_of_job.whole)
    expected[written.slices] = 7.0
    job = NearJob()
    token = ELSEWHERE.set(job)
    try:
        layers_of_job.write("heights", written, np.full((written.height, written.width), 7.0))
        found = layers_of_job.read_stored("heights", read)
        land = layers_of_job.read_classes("land", read)
    finally:
        ELSEWHERE.reset(token)
    assert np.array_equal(found, expected[read.slices])
    assert np.array_equal(land, layers_of_job.read_classes("land", read))
    assert not (layers_of_job.read_stored("heights", written) == 7.0).any()
    assert [one.window for one in job.written] == [written]


def test_no_answer_is_large(layers_of_job: ScratchStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_files, "PIECE_BYTES", 64 * 1024)
    job = NearJob()
    token = ELSEWHERE.set(job)
    try:
        found = layers_of_job.read_stored("heights", layers_of_job.whole)
    finally:
        ELSEWHERE.reset(token)
    assert np.array_equal(found, layers_of_job.read_stored("heights", layers_of_job.whole))
    # 23 rows of 700 cells of 4 bytes are 64,400 bytes: 600 rows are 26 times as many and 2 more.
    assert len(job.answered) == 27
    assert max(job.answered) == 64_400


def test_bands_of_a_raster_come_as_they_are_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bands = np.random.default_rng(5).normal(size=(3, 90, 80))
    bands[:, 10:20] = -9999
    transform = (30.0, 0.0, GRID.west, 0.0, -30.0, GRID.north)
    write_geotiff(tmp_path / "bands.tif", bands, transform=transform, crs="EPSG:4548")
    source = open_source(tmp_path / "bands.tif", RasterQuantity.INTENSIVE)
    block = Window(5, 7, 60, 50)
    monkeypatch.setattr(dask_files, "PIECE_BYTES", 16 * 1024)
    job = NearJob()
    token = ELSEWHERE.set(job)
    try:
        found = read_block(source, block)
    finally:
        ELSEWHERE.reset(token)
    expected = bands[:, 5:65, 7:57].astype(np.float32).astype(np.float64)
    expected[:, 5:15] = np.nan
    assert np.array_equal(found, expected, equal_nan=True)
    # A row of 50 cells of 3 bands is reckoned as 1200 bytes: 13 rows at once.
    assert len(job.answered) == 5


def test_cells_that_a_mask_of_the_job_leaves_out_have_no_value(tmp_path: Path) -> None:
    path, left_out = tmp_path / "masked.tif", np.zeros((9, 8), bool)
    left_out[2, 3] = True
    write_geotiff(
        path,
        np.ones((2, 9, 8)),
        transform=(30.0, 0.0, GRID.west, 0.0, -30.0, GRID.north),
        crs="EPSG:4548",
        nodata=None,
    )
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
        file.write_mask(~left_out)
    source = open_source(path, RasterQuantity.INTENSIVE)
    token = ELSEWHERE.set(NearJob())
    try:
        found = read_block(source, Window(1, 2, 8, 6))
    finally:
        ELSEWHERE.reset(token)
    assert np.isnan(found).tolist() == [left_out[1:9, 2:8].tolist()] * 2


def test_layers_of_the_job_are_seen(layers_of_job: ScratchStore) -> None:
    token = ELSEWHERE.set(NearJob())
    try:
        assert layers_of_job.has("heights")
        assert layers_of_job.has_classes("land")
        assert not layers_of_job.has_classes("heights")
        assert not layers_of_job.has("missing")
    finally:
        ELSEWHERE.reset(token)
