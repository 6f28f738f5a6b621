"""The peak memory of a process and of every process it starts, one by one."""

import os
import threading
from pathlib import Path

from benchmarks.machine import PROC, family, text_of

INTERVAL_S = 0.1


class FamilyMeter:
    """Peaks of resident memory in MiB by process, from `start` to `stop`.

    The kernel keeps the peak of each process itself; a look ten times a second only has to find
    it before the process ends. Files mapped into memory count, as they do for the limit of a
    container.
    """

    def __init__(self) -> None:
        self.peaks: dict[int, float] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def largest(self) -> float:
        """The largest peak of any one process, MiB."""
        return max(self.peaks.values())

    def start(self) -> None:
        """Begin to look."""
        # What this process took before is not of the work that is measured.
        Path("/proc/self/clear_refs").write_text("5")
        self._thread.start()

    def stop(self) -> None:
        """Look a last time and end."""
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            ended = self._done.wait(INTERVAL_S)
            for pid in family(os.getpid()):
                self.peaks[pid] = max(self.peaks.get(pid, 0.0), _peak_mib(pid))
            if ended:
                return


def _peak_mib(pid: int) -> float:
    for line in text_of(PROC / str(pid) / "status").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
