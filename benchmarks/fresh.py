"""Work in a process of its own, with the time and the private memory it took."""

import multiprocessing
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from shanhai.raster.environment import restrict_gdal

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

INTERVAL_S = 0.02
STATUS = Path("/proc/self/status")


def run_fresh(
    work: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
) -> Result:
    """Call `work` in a fresh interpreter, with GDAL set up as in a worker."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=restrict_gdal) as pool:
        return pool.submit(work, *args, **kwargs).result()


class Meter:
    """Seconds, and the peak of this process's own memory in MiB, from `start` to `stop`.

    Files mapped into memory are not its own: the system drops their pages when others need the
    room, as it does with its cache of any file.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.peak_mib = 0.0
        self._started = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin to measure."""
        self._started = time.perf_counter()
        self._thread.start()

    def stop(self) -> None:
        """End measuring."""
        self.seconds = time.perf_counter() - self._started
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            fields = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
            self.peak_mib = max(self.peak_mib, int(fields["RssAnon"].split()[0]) / 1024)
            if self._done.wait(INTERVAL_S):
                return
