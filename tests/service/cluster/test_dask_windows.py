"""Windows on a real cluster: same results and order, deaths survived, the unfit refused."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from shanhai.cli.doctor import check_dask
from shanhai.errors import InvalidInput, Unavailable
from shanhai.raster import dask_windows
from shanhai.raster.windows import Cluster, window_runner
from shanhai.science.corridors.circuit.modes import all_to_one
from shanhai.science.corridors.circuit.solver import CircuitSettings
from shanhai.science.corridors.spacing import square_cells
from tests.service.cluster.conftest import OWN_FUNCTIONS, until
from tests.service.cluster.windows import die, mark, refuse_seven, square
from tests.support.certificates import make_certificates
from tests.support.dask_cluster import DaskParts, start_dask
from tests.support.serving import PATIENCE_S, kill
from tests.support.workers import free_port
from tests.unit.science.corridors.grounds import rough

pytestmark = [pytest.mark.service, pytest.mark.long]

JOB = """
import sys
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from shanhai.raster.windows import Cluster, window_runner
from tests.service.cluster.windows import mark

folder = Path(sys.argv[2])
with window_runner(1, Cluster(sys.argv[1]), [folder]) as runner:
    list(runner.run(partial(mark, folder), range(2000)))
"""


def test_results_come_in_the_order_of_the_windows(dask: DaskParts, tmp_path: Path) -> None:
    with window_runner(1, dask.cluster, [tmp_path]) as runner:
        assert list(runner.run(square, range(100))) == [number**2 for number in range(100)]
        assert list(runner.run(square, [])) == []


def test_currents_found_there_are_those_found_here(dask: DaskParts, tmp_path: Path) -> None:
    ground, sources = rough(3, (700, 560)), np.zeros((700, 560), dtype=np.int64)
    sources[:9, :9], sources[-9:, -9:], sources[500:530, 480:540] = 1, 2, 3
    ground[sources > 0] = 1.0
    settings = CircuitSettings(method="windows")
    here = all_to_one(ground, sources, square_cells(30.0), settings)
    with window_runner(1, dask.cluster, [tmp_path]) as runner:
        there = all_to_one(ground, sources, square_cells(30.0), replace(settings, run=runner.run))
    np.testing.assert_array_equal(here.maps.cumulative, there.maps.cumulative)
    assert here.report == there.report


def test_both_workers_compute_and_nothing_else_is_left(dask: DaskParts, tmp_path: Path) -> None:
    with window_runner(1, dask.cluster, [tmp_path]) as runner:
        found = list(runner.run(partial(mark, tmp_path), range(40)))
    assert {pid for _, pid in found} == {worker.pid for worker in dask.workers}
    assert sorted(tmp_path.iterdir()) == sorted(tmp_path / f"{n}.done" for n in range(40))


def test_windows_are_not_asked_for_far_ahead(dask: DaskParts, tmp_path: Path) -> None:
    asked: list[int] = []

    class Numbers(list[int]):
        def __iter__(self) -> Iterator[int]:
            for number in range(100):
                asked.append(number)
                yield number

    with window_runner(1, dask.cluster, [tmp_path]) as runner:
        assert next(iter(runner.run(square, Numbers()))) == 0
    assert len(asked) == 4 * len(dask.workers)


def test_an_error_arrives_whole_and_the_cluster_lives_on(dask: DaskParts, tmp_path: Path) -> None:
    with window_runner(1, dask.cluster, [tmp_path]) as runner:
        with pytest.raises(InvalidInput, match="7 is refused") as caught:
            list(runner.run(refuse_seven, range(20)))
        assert caught.value.faults[0].pointer == "/number"
        assert caught.value.message_zh == "拒绝"
        assert list(runner.run(square, range(4))) == [0, 1, 4, 9]


def test_windows_of_a_dead_worker_are_computed_by_the_other(
    dask_of_its_own: DaskParts, tmp_path: Path
) -> None:
    with window_runner(1, dask_of_its_own.cluster, [tmp_path]) as runner:
        results = runner.run(partial(mark, tmp_path), range(60))
        _, first = next(iter(results))
        os.kill(first, signal.SIGKILL)
        rest = list(results)
    assert [number for number, _ in rest] == list(range(1, 60))
    assert rest[-1][1] != first


def test_a_window_that_kills_its_workers_ends_the_job(
    dask_of_its_own: DaskParts, tmp_path: Path
) -> None:
    for _ in range(3):
        dask_of_its_own.start_worker()
    with window_runner(1, dask_of_its_own.cluster, [tmp_path]) as runner:
        until(lambda: len(runner.client.nthreads()) == 5)  # type: ignore[attr-defined]  # a DaskRunner
        with pytest.raises(Unavailable, match="several Dask workers died"):
            list(runner.run(die, [1]))


def test_windows_of_a_killed_job_are_forgotten(dask: DaskParts, tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    job = subprocess.Popen([sys.executable, "-c", JOB, dask.address, tmp_path], cwd=root)
    try:
        until(lambda: done_in(tmp_path) >= 10 or job.poll() is not None)
    finally:
        kill(job)
    time.sleep(0.5)
    done = done_in(tmp_path)
    time.sleep(0.5)
    assert 10 <= done_in(tmp_path) == done < 200
    with window_runner(1, dask.cluster, [tmp_path]) as runner:
        assert list(runner.run(square, range(4))) == [0, 1, 4, 9]


def done_in(folder: Path) -> int:
    return len(list(folder.glob("*.done")))


def test_a_lost_scheduler_ends_the_job_and_its_workers_find_the_next(
    dask_of_its_own: DaskParts, tmp_path: Path
) -> None:
    assert dask_of_its_own.scheduler is not None
    with window_runner(1, dask_of_its_own.cluster, [tmp_path]) as runner:
        results = runner.run(partial(mark, tmp_path), range(2000))
        next(iter(results))
        kill(dask_of_its_own.scheduler)
        with pytest.raises(Unavailable, match="scheduler was lost"):
            list(results)
        with pytest.raises(Unavailable, match="scheduler was lost"):
            list(runner.run(square, range(4)))
    dask_of_its_own.start_scheduler()
    with window_runner(1, dask_of_its_own.cluster, [tmp_path]) as runner:
        assert list(runner.run(square, range(4))) == [0, 1, 4, 9]


def test_a_worker_that_does_not_see_a_file_is_refused(dask: DaskParts, tmp_path: Path) -> None:
    mine = tmp_path / "mine.tif"
    mine.write_bytes(b"1234")
    with mine.open("rb") as file:
        # A path that leads to the file in this process and to nothing, or else, in another.
        os.dup2(file.fileno(), 250)
        path = Path("/proc/self/fd/250")
        try:
            with (
                pytest.raises(Unavailable, match=r"does not see /proc/self/fd/250") as caught,
                window_runner(1, dask.cluster, [tmp_path, path]),
            ):
                pytest.fail("the worker was taken for fit")
        finally:
            os.close(250)
    assert "须以相同路径共享" in caught.value.message_zh
    assert list(tmp_path.iterdir()) == [mine]


def test_nobody_at_the_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(dask_windows, "PATIENCE_S", 1.0)
    nobody = Cluster(f"tcp://127.0.0.1:{free_port()}")
    with (
        pytest.raises(Unavailable, match=r"no Dask scheduler answers at tcp://"),
        window_runner(1, nobody, [tmp_path]),
    ):
        pytest.fail("somebody answered")
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("SHANHAI_DASK_SCHEDULER", nobody.scheduler)
    with pytest.raises(Unavailable, match=r"no Dask scheduler answers at tcp://"):
        asyncio.run(check_dask())


def test_without_certificates_every_part_listens_to_this_machine_alone(
    dask: DaskParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHANHAI_DASK_SCHEDULER", dask.cluster.scheduler)
    assert "has 2 workers" in asyncio.run(check_dask())
    with dask_windows.connected(dask.cluster) as client:
        addresses = [dask.address, *client.scheduler_info()["workers"]]
    assert len(addresses) == 3
    for address in map(urlsplit, addresses):
        assert address.hostname == "127.0.0.1"
        # Another address of this machine, as that of its network is.
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", address.port or 0), timeout=10)


@pytest.mark.parametrize("host", ["[::1]", "localhost"])
def test_this_machine_may_be_named_otherwise(tmp_path: Path, host: str) -> None:
    with (
        start_dask(tmp_path / "dask", environment=OWN_FUNCTIONS, host=host) as parts,
        window_runner(1, parts.cluster, [tmp_path]) as runner,
    ):
        assert list(runner.run(square, range(4))) == [0, 1, 4, 9]


def test_certificates_on_both_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_windows, "PATIENCE_S", PATIENCE_S)
    tls = make_certificates(tmp_path / "certificates")
    strangers = make_certificates(tmp_path / "strangers")
    with start_dask(tmp_path / "dask", tls=tls, environment=OWN_FUNCTIONS) as parts:
        with window_runner(1, parts.cluster, [tmp_path]) as runner:
            assert list(runner.run(square, range(4))) == [0, 1, 4, 9]
        monkeypatch.setattr(dask_windows, "PATIENCE_S", 2.0)
        for unproven, reason in (
            (Cluster(parts.address.replace("tls:", "tcp:")), "answers at tcp:"),
            (
                Cluster(parts.cluster.scheduler, *map(Path, strangers.values())),
                "answers with a trusted certificate at tls:",
            ),
        ):
            with (
                pytest.raises(Unavailable, match=f"no Dask scheduler {reason}"),
                window_runner(1, unproven, [tmp_path]),
            ):
                pytest.fail("a stranger was let in")


@pytest.mark.parametrize("known", [("tls_ca",), ()])
def test_a_worker_whose_certificate_is_refused_names_the_files(
    tmp_path: Path, known: tuple[str, ...]
) -> None:
    tls = make_certificates(tmp_path / "certificates")
    strange = make_certificates(tmp_path / "strangers") | {name: tls[name] for name in known}
    scheduler = DaskParts(tmp_path / "scheduler", tls, OWN_FUNCTIONS)
    worker = DaskParts(tmp_path / "worker", strange, OWN_FUNCTIONS, port=scheduler.port)
    for parts in (scheduler, worker):
        parts.folder.mkdir()
    try:
        scheduler.start_scheduler()
        assert worker.start_worker().wait(timeout=PATIENCE_S) == 1
    finally:
        worker.end()
        scheduler.end()
    (line,) = [one for one in worker.log().splitlines() if "SHANHAI_DASK_TLS_CA" in one]
    assert all(path in line for path in strange.values())
    assert "Traceback" not in worker.log()
    assert "Waiting to connect" not in worker.log()


def test_a_worker_waits_for_a_scheduler_it_trusts(tmp_path: Path) -> None:
    tls = make_certificates(tmp_path / "certificates")
    parts = DaskParts(tmp_path / "dask", tls, OWN_FUNCTIONS)
    parts.folder.mkdir()
    try:
        worker = parts.start_worker()
        time.sleep(5)
        parts.start_scheduler()
        until(lambda: "worker started" in parts.log())
        assert worker.poll() is None
    finally:
        parts.end()
    assert worker.returncode == 0
