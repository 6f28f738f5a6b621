"""The peer of the tile service as a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.rio_tiler_app import RASTERS
from shanhai.errors import Unavailable
from shanhai.local.places import CHECKOUT
from shanhai.testing.workers import free_port

PATIENCE_S = 30.0
# What the documentation of TiTiler recommends, one process, as the tile service has.
ENVIRONMENT = {
    "GDAL_CACHEMAX": "200",
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "VSI_CACHE": "TRUE",
}


@contextmanager
def serving_peer(rasters: Path) -> Iterator[str]:
    """The address of a peer that serves the rasters of a folder; it ends with the context."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", "benchmarks.rio_tiler_app:create_app"]
    environment = os.environ | ENVIRONMENT | {RASTERS: str(rasters)}
    with (rasters / "peer.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, f"--port={port}", "--log-level=warning", "--no-access-log"],
            cwd=CHECKOUT,
            env=environment,
            stderr=log,
        )
    try:
        _wait_until_listening(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait_until_listening(process: subprocess.Popen[bytes], port: int) -> None:
    started = time.monotonic()
    while not _listens(port):
        if process.poll() is not None or time.monotonic() - started > PATIENCE_S:
            raise Unavailable("the peer of the tile service did not start; see peer.log")
        time.sleep(0.1)


def _listens(port: int) -> bool:
    """Whether a socket listens, asked of the kernel: a connection would count as a request."""
    wanted = f"0100007F:{port:04X} 00000000:0000 0A"
    return wanted in Path("/proc/net/tcp").read_text()
