"""Windows on workers that see none of the job's folders give the same bytes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from shanhai.errors import Unavailable, UnsupportedFile
from shanhai.raster.dask_windows import DaskRunner
from shanhai.raster.geotiff import write_geotiff
from shanhai.raster.store import ScratchStore
from shanhai.raster.warp import RasterQuantity, align, open_source
from shanhai.raster.windows import Cluster, WindowRunner, window_runner
from shanhai.science.grid import Grid
from tests.service.cluster.conftest import OWN_FUNCTIONS, until
from tests.service.cluster.windows import (
    align_window,
    list_layers,
    mark,
    spread,
)
from tests.support.dask_cluster import DaskParts, start_dask
from tests.support.serving import kill

pytestmark = [pytest.mark.service, pytest.mark.long]

GRID = Grid(4548, 500_000.0, 2_800_000.0, 30.0, 900, 700)
WINDOWS = list(GRID.windows(512))

JOB = """
import sys
from functools import partial
from pathlib import Path
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import Cluster, window_runner
from shanhai.science.grid import Grid
from tests.service.cluster.windows import read_forever

here = Path("/proc/self/cwd")
store = ScratchStore(here / "store", Grid(4548, 0.0, 0.0, 30.0, 900, 700))
store.create("heights")
with window_runner(1, Cluster(sys.argv[1], apart=True), [here]) as runner:
    list(runner.remembered().run(partial(read_forever, Path(sys.argv[2]), store), [1]))
"""


@pytest.fixture
def unseen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder by a path that leads there from this process and nowhere else."""
    monkeypatch.chdir(tmp_path)
    return Path("/proc/self/cwd")


@pytest.fixture
def unseen_layers(unseen: Path) -> ScratchStore:
    store = ScratchStore(unseen / "store", GRID)
    store.create("heights")
    store.create("sums")
    cells = np.random.default_rng(7).normal(size=GRID.shape)
    cells[100:200, 400:600] = np.nan
    store.write("heights", store.whole, cells)
    return store


@pytest.fixture
def runner_apart(dask: DaskParts, unseen: Path) -> Iterator[WindowRunner]:
    cluster = replace(dask.cluster, apart=True)
    with window_runner(1, cluster, [unseen]) as runner:
        yield runner


def test_what_windows_read_and_write_is_the_job_s(
    runner_apart: WindowRunner, unseen_layers: ScratchStore, dask: DaskParts
) -> None:
    found = list(runner_apart.remembered().run(partial(spread, unseen_layers), WINDOWS))
    there = unseen_layers.read_stored("sums", unseen_layers.whole).tobytes()
    unseen_layers.create("sums")
    assert [spread(unseen_layers, window) for window in WINDOWS] == found
    assert unseen_layers.read_stored("sums", unseen_layers.whole).tobytes() == there
    assert not list(dask.folder.rglob("*.f4"))


def test_which_layers_there_are(runner_apart: WindowRunner, unseen_layers: ScratchStore) -> None:
    found = runner_apart.remembered().run(partial(list_layers, unseen_layers), WINDOWS[:1])
    assert list(found) == [(True, False, False)]


def test_an_input_raster_is_read_through_the_job(
    runner_apart: WindowRunner, unseen_layers: ScratchStore, unseen: Path
) -> None:
    fine = np.random.default_rng(9).normal(size=(1, 2000, 1900))
    fine[:, 50:90] = -9999
    transform = (15.0, 0.0, GRID.west - 300, 0.0, -15.0, GRID.north + 200)
    write_geotiff(unseen / "dem.tif", fine, transform=transform, crs="EPSG:4548")
    source = open_source(unseen / "dem.tif", RasterQuantity.INTENSIVE)
    for _ in runner_apart.remembered().run(partial(align_window, source, unseen_layers), WINDOWS):
        pass
    expected = align(source, GRID, unseen_layers.whole)[0].astype(np.float32)
    assert np.isnan(expected).any()
    assert unseen_layers.read_stored("heights", unseen_layers.whole).tobytes() == expected.tobytes()
    (unseen / "dem.tif").write_bytes(b"II")
    with pytest.raises(UnsupportedFile, match="no TIFF"):
        list(runner_apart.remembered().run(partial(align_window, source, unseen_layers), WINDOWS))


def test_what_writes_elsewhere_is_computed_at_home(
    runner_apart: WindowRunner, unseen: Path
) -> None:
    found = list(runner_apart.run(partial(mark, unseen), range(3)))
    assert found == [(number, os.getpid()) for number in range(3)]


def test_a_window_of_a_dead_worker_is_written_by_the_other(
    dask_of_its_own: DaskParts, unseen_layers: ScratchStore, unseen: Path
) -> None:
    cluster = replace(dask_of_its_own.cluster, apart=True)
    with window_runner(1, cluster, [unseen]) as runner:
        results = iter(runner.remembered().run(partial(spread, unseen_layers), WINDOWS * 5))
        next(results)
        kill(dask_of_its_own.workers[0])
        assert len(list(results)) == 19
    there = unseen_layers.read_stored("sums", unseen_layers.whole).tobytes()
    for window in WINDOWS:
        spread(unseen_layers, window)
    assert unseen_layers.read_stored("sums", unseen_layers.whole).tobytes() == there


def test_a_lost_scheduler_is_told(
    dask_of_its_own: DaskParts, unseen_layers: ScratchStore, unseen: Path
) -> None:
    cluster = replace(dask_of_its_own.cluster, apart=True)

    def compute() -> None:
        with window_runner(1, cluster, [unseen]) as runner:
            results = iter(runner.remembered().run(partial(spread, unseen_layers), WINDOWS * 50))
            next(results)
            assert dask_of_its_own.scheduler is not None
            kill(dask_of_its_own.scheduler)
            list(results)

    with pytest.raises(Unavailable, match="scheduler was lost"):
        compute()
    assert not list(unseen.glob("seen-*"))


def test_a_worker_does_not_wait_for_a_job_that_was_killed(
    dask_of_its_own: DaskParts, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    told.mkdir()
    environment = {**os.environ, **OWN_FUNCTIONS}
    command = [sys.executable, "-c", JOB, dask_of_its_own.address, str(told)]
    job = subprocess.Popen(command, cwd=tmp_path, env=environment)
    try:
        until(lambda: (told / "begun").exists() or job.poll() is not None)
    finally:
        kill(job)
    until(lambda: (told / "ended").exists())


def test_a_late_worker_is_refused_where_the_others_see_the_files(tmp_path: Path) -> None:
    with (
        start_dask(tmp_path / "dask", workers=1, environment=OWN_FUNCTIONS) as parts,
        window_runner(1, Cluster(parts.address, apart=True), [tmp_path]) as runner,
    ):
        assert isinstance(runner, DaskRunner)
        (token,) = tmp_path.glob("seen-*")
        token.write_text("of another job")
        parts.start_worker()
        until(lambda: len(runner.client.nthreads()) == 2)
        with pytest.raises(Unavailable, match="must be shared under the same paths"):
            list(runner.run(partial(mark, tmp_path), range(40)))
