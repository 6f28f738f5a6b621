"""What runs on this machine, as /proc tells it."""

import os
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
DELETED = " (deleted)"


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """One living process of which we may know the working directory."""

    pid: int
    parent: int
    started_at: float
    directory: str
    executable: str


def read_process(pid: int) -> RunningProcess | None:
    """Describe process `pid`; None when it is gone, dead but unburied, or not ours to look into."""
    entry = PROC / str(pid)
    try:
        state, parent, ticks = _read_stat(entry)
        directory = os.readlink(entry / "cwd")
        executable = os.readlink(entry / "exe").removesuffix(DELETED)
    except (OSError, ValueError):
        return None
    if state in "ZX":
        return None
    return RunningProcess(pid, parent, _wall_clock(ticks), directory, os.path.basename(executable))


def processes_in(
    directory: Path, executables: Collection[str], *, deleted: bool = False
) -> list[RunningProcess]:
    """Processes working in `directory` that run one of `executables` (name or its beginning).

    With `deleted`, also those whose directory of that name has been removed under them.
    """
    wanted = {str(directory), *([f"{directory}{DELETED}"] if deleted else [])}
    return [
        process
        for process in _all_processes()
        if process.directory in wanted and process.executable.startswith(tuple(executables))
    ]


def _all_processes() -> Iterator[RunningProcess]:
    for entry in PROC.iterdir():
        if entry.name.isdecimal():
            process = read_process(int(entry.name))
            if process is not None:
                yield process


def _read_stat(entry: Path) -> tuple[str, int, int]:
    # The command stands in parentheses and may itself hold blanks and parentheses.
    fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
    return fields[0], int(fields[1]), int(fields[19])


def _wall_clock(ticks_since_boot: int) -> float:
    uptime_s = float((PROC / "uptime").read_text().split()[0])
    return time.time() - uptime_s + ticks_since_boot / os.sysconf("SC_CLK_TCK")
