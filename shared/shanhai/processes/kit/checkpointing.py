"""The runner of a task's windows, which goes on where a former attempt was ended."""

import hashlib
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import orjson
import structlog

from shanhai import __version__
from shanhai.processes.kit.process import Progress
from shanhai.processes.kit.task import Task
from shanhai.raster.checkpoint import CheckpointFolder, CheckpointingRunner
from shanhai.raster.versions import library_versions
from shanhai.raster.windows import WindowRunner, window_runner

OF_THE_ATTEMPT = {"processes", "cluster", "files", "tiles", "kept", "windows", "keep_from_s"}
"""Members of a task that say how and where it is computed, not what."""
COMPUTING = ("numba", "numpy", "pyamg", "scikit-learn", "scipy")
"""Libraries that compute, besides those that read rasters."""
RESUMED = "resumed"

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@contextmanager
def resumed_runner(
    task: Task, workspace: Path, progress: Progress
) -> Iterator[tuple[WindowRunner, Progress]]:
    """A runner for the task, and its progress, which tells of finished windows that were found.

    On a cluster nothing is kept: windows are finished on other machines.
    """
    shared = (workspace, *map(Path, task.files.values()))
    with window_runner(task.processes, task.cluster, shared) as runner:
        if task.windows is None or task.cluster is not None:
            yield runner, progress
            return
        memory = CheckpointFolder(Path(task.windows) / digest_of(task), workspace, task.keep_from_s)
        try:
            found = memory.open()
        except PermissionError as error:
            log.warning("finished windows are not kept", reason=str(error))
            yield runner, progress
            return
        _forget_others(memory.folder)
        if found:
            log.info("going on from finished windows", windows=found)
        yield CheckpointingRunner(runner, memory), _telling(progress, found)


def _forget_others(folder: Path) -> None:
    """Remove what the job kept under another task or other software."""
    for other in folder.parent.iterdir():
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)


def digest_of(task: Task) -> str:
    """What stands for all that windows depend on: the task, the software and its libraries."""
    versions = {
        **library_versions(),
        "shanhai": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in COMPUTING},
    }
    said = [task.model_dump(mode="json", exclude=OF_THE_ATTEMPT), versions]
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _telling(progress: Progress, found: int) -> Progress:
    """Tell of finished windows while the first stages pass."""
    if not found:
        return progress

    def tell(percent: float, stage: str) -> None:
        early = stage in {"prepare", "align"}
        progress(percent, f"{RESUMED}:{found}" if early else stage)

    return tell
