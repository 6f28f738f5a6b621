"""The tile service as so many processes, over the stack of a workbench."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from benchmarks.peer_process import serving_process
from benchmarks.workbench import Workbench
from tests.support.workers import free_port


@contextmanager
def serving_tiles(
    bench: Workbench, workers: int, more: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The address of a tile service of its own, with `more` settings; it ends with the context."""
    port = free_port()
    settings = bench.stack.environment() | {
        "SHANHAI_TILES_PORT": str(port),
        "SHANHAI_TILES_WORKERS": str(workers),
        **(more or {}),
    }
    log = bench.folder / f"tiles-{port}.log"
    with serving_process([sys.executable, "-m", "shanhai_tiles"], settings, log, port):
        yield f"http://127.0.0.1:{port}"
