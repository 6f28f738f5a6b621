"""Hostile files through the real readers, in real children: none fetches, crashes or swells."""

import asyncio
import json
import os
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from shanhai.isolation import Confinement
from shanhai.processes.catalogue import read_task
from shanhai.raster.environment import gdal_environment
from shanhai.raster.geotiff import write_geotiff
from shanhai_worker.child_process import ForkServer, child_environment, held_mb
from shanhai_worker.child_protocol import FAILURE, ORDER, OUTCOME, ChildOrder, UploadLimits
from tests.support.canary import listening_canary
from tests.support.hostile_files import hostile_files, inputs_of

LEAST = 150
MOST_MB = 512
AT_ONCE = 2
LOOK_S = 0.05
WAIT_S = 100
SERVER = """
import sys
import shanhai.processes.import_dataset.compute
import shanhai.processes.import_features.compute
import shanhai.processes.import_plan.compute
from shanhai_worker import fork_server
sys.exit(fork_server.main(*map(int, sys.argv[1:])))
"""
REGION = {
    "code": "a",
    "name_zh": "区",
    "name_en": "Area",
    "epsg": 4548,
    "geometry": shapely.geometry.mapping(shapely.box(117, 24, 119, 25)),
}


@pytest.fixture
def canary() -> Iterator[tuple[str, list[bytes]]]:
    """An address on loopback, and what was ever sent to it."""
    with listening_canary() as (place, heard):
        yield f"http://{place}/canary", heard


class LoadedServer(ForkServer):
    """The fork server with the readers loaded, which take seconds each time; forks are the same.

    Args:
        more: What it does before, as a program.
        given: Variables of its environment.
    """

    def __init__(self, more: str = "", **given: str) -> None:
        super().__init__()
        self.program = more + SERVER
        self.environment = child_environment({**os.environ, **gdal_environment(), **given})

    async def _start(self, requests: socket.socket) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", self.program, str(os.getpid()), str(requests.fileno())),
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=(requests.fileno(),),
            env=self.environment,
            start_new_session=True,
        )


@pytest.fixture
async def loaded_server() -> AsyncIterator[ForkServer]:
    server = LoadedServer()
    yield server
    await server.close()


async def outcome_of(
    server: ForkServer, folder: Path, process: str, content: bytes
) -> tuple[str, float]:
    """How the job of a file ended, and the most memory its process was seen to hold, MB."""
    folder.mkdir()  # noqa: ASYNC240 - small, and on this machine
    upload = folder.with_name(f"{folder.name}.upload")
    upload.write_bytes(content)
    task = read_task(
        {
            "process": process,
            "inputs": inputs_of(process),
            "region": REGION,
            "upload_uri": "uploads/a",
            "files": {"uploads/a": str(upload)},
        }
    )
    order = ChildOrder(
        task=task,
        memory_limit_mb=2048,
        upload_limits=UploadLimits(cpu_s=60),
        confinement=Confinement(read=(str(upload),), required=True),
        caches=str(folder),
    )
    (folder / ORDER).write_text(order.model_dump_json())
    child = await server.start(folder, lambda report: None)
    ended, most = asyncio.ensure_future(child.wait()), 0.0
    while not ended.done():
        most = max(most, held_mb(child.pid))
        await asyncio.wait([ended], timeout=LOOK_S)
    return _told(folder, ended.result()), most


def _told(folder: Path, code: int) -> str:
    if (folder / FAILURE).exists():
        failure: dict[str, Any] = json.loads((folder / FAILURE).read_text())
        assert failure["detail"]
        assert failure["detail_zh"]
        return str(failure["class"])
    return "read" if code == 0 and (folder / OUTCOME).exists() else f"crashed ({code})"


@pytest.mark.timeout(600)
async def test_no_hostile_file_gets_anywhere(
    loaded_server: ForkServer, tmp_path: Path, canary: tuple[str, list[bytes]]
) -> None:
    url, heard = canary
    room = asyncio.Semaphore(AT_ONCE)
    made = tmp_path / "made"
    made.mkdir()
    found: dict[str, tuple[str, float]] = {}

    async def judge(number: int, name: str, process: str, content: bytes) -> None:
        async with room, asyncio.timeout(WAIT_S):
            found[name] = await outcome_of(loaded_server, tmp_path / str(number), process, content)

    async with asyncio.TaskGroup() as judging:
        for number, (name, process, content) in enumerate(hostile_files(url, made)):
            judging.create_task(judge(number, name, process, content))
            await asyncio.sleep(0)
    assert len(found) >= LEAST
    ends = Counter(told for told, _ in found.values())
    assert {
        name: told for name, (told, _) in found.items() if told not in {"invalid", "read"}
    } == {}
    assert ends["invalid"] >= 2 * ends["read"], ends
    assert {name: most for name, (_, most) in found.items() if most > MOST_MB} == {}
    assert heard == []


LARGE_ALREADY = """
import shanhai.science.quantiles
from shanhai.raster import cog
cog._HELD_VALUES = 10
"""


@pytest.mark.timeout(200)
async def test_a_kernel_loaded_ahead_is_compiled_where_an_upload_may_write(tmp_path: Path) -> None:
    """Not beside those of other jobs: a large raster asks for kernels, and its job has its own."""
    compiled = tmp_path / "compiled"
    compiled.mkdir()
    raster = tmp_path / "large.tif"
    # Degrees; random, as values that are all the same are refused.
    rain = np.random.default_rng(1).uniform(900, 1800, (20, 20)).astype(np.float32)
    write_geotiff(raster, rain, transform=(0.1, 0, 117.0, 0, -0.05, 25.0), crs="EPSG:4326")
    server = LoadedServer(LARGE_ALREADY, NUMBA_CACHE_DIR=str(compiled))
    try:
        told, _ = await outcome_of(server, tmp_path / "job", "import-dataset", raster.read_bytes())
    finally:
        await server.close()
    assert told == "read"
    assert list(compiled.rglob("*.nbc")) == []


def test_the_canary_hears_who_comes(canary: tuple[str, list[bytes]]) -> None:
    """Otherwise nobody could be heard above."""
    url, heard = canary
    port = int(url.rpartition(":")[2].partition("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as there:
        there.sendall(b"GET /canary HTTP/1.0\r\n\r\n")
        assert there.recv(64).startswith(b"HTTP/1.1 404")
    assert heard == [b"GET /canary HTTP/1.0\r\n\r\n"]
