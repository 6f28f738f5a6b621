"""The manifest of a run: enough to compute it again, or to go on where an attempt was ended."""

import hashlib
import platform
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import orjson
import structlog
from threadpoolctl import threadpool_info

from shanhai import __version__
from shanhai.processes.kit.checkout import own_commit, source_digest
from shanhai.processes.kit.region import SCRATCH, Place, overlaps
from shanhai.processes.kit.task import DatasetTask, Outcome, OutputFile, Progress, Task
from shanhai.raster.geotiff import library_versions
from shanhai.raster.kept_steps import KeptSteps
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import (
    CheckpointFolder,
    CheckpointingRunner,
    WindowRunner,
    window_runner,
)
from shanhai.storage.artifacts import sha256_of


def run_record(task: Task) -> dict[str, Any]:
    """Members that tell one run from another, and all of its task that is no dataset.

    Only `job_id`, `created_utc` and what tells of program and machine differ between equal runs.
    """
    return {
        "process": task.process,
        "job_id": task.job_id,
        "created_utc": task.created_utc or datetime.now(UTC).isoformat(timespec="seconds"),
        "timezone": task.timezone,
        "code_version": __version__,
        "git_commit": own_commit(),
        "library_versions": versions(),
        "platform": platform.platform(),
        "threads": 1,
        "seed": task.seed,
        "plan": task.plan,
        "region": task.region.model_dump(mode="json") if task.region else None,
    }


def versions() -> dict[str, str]:
    """Versions of the libraries whose change may change a result, and the kernel of the BLAS."""
    # SciPy may have one of its own, which chooses alike and is not loaded by every computation.
    kernels = {
        f"{one['internal_api']} {one.get('architecture', one['version'])}"
        for one in threadpool_info()
        if one["user_api"] == "blas"
    }
    own = {
        "python": platform.python_version(),
        "blas": ", ".join(sorted(kernels)),
        # Read from their metadata: a computation need not load them all.
        **{name: version(name) for name in ("numpy", "scipy", "scikit-learn", "numba")},
    }
    return own | library_versions()


MANIFEST_FILE = "manifest.json"
SCHEMA_VERSION = 1


def build_manifest(task: Task, place: Place | None, **parts: Any) -> dict[str, Any]:
    """The manifest; only `job_id` and `created_utc` differ between equal runs.

    Args:
        task: What was computed.
        place: Where, and from which rasters.
        parts: Members besides, and in place of those that follow from task and place; to their
            `warnings` are added those of the place.
    """
    told = [] if place is None else [flag.document() for flag in overlaps(place.area.region)]
    return {
        "schema_version": SCHEMA_VERSION,
        **run_record(task),
        "request": task.inputs,
        **({} if place is None else _place_record(task, place)),
        **parts,
        "warnings": [*told, *parts.get("warnings", ())],
    }


def _place_record(task: Task, place: Place) -> dict[str, Any]:
    return {
        "aoi": {
            "region": place.area.region.code,
            "crs": f"EPSG:{place.grid.epsg}",
            "transform": list(place.grid.transform),
            "width": place.grid.width,
            "height": place.grid.height,
            "cell_m": place.grid.cell_m,
        },
        "inputs": [
            {
                **dataset_record(task.datasets[theme]),
                "crs": source.crs,
                "bands": source.facts.bands,
                "resampling": source.method(place.grid.cell_m),
            }
            for theme, source in place.sources.items()
        ],
    }


def areas_record(task: Task) -> dict[str, Any]:
    """The control areas of a task, as manifests have them."""
    return {
        "as_of": task.areas_as_of.isoformat() if task.areas_as_of else None,
        "areas": [area.model_dump(mode="json") for area in task.areas],
        "left_out": task.areas_left_out,
    }


def dataset_record(dataset: DatasetTask) -> dict[str, Any]:
    """A dataset of a task, as manifests have it."""
    return {
        **dataset.model_dump(
            mode="json",
            include={
                *("theme", "uri", "unit", "native_resolution_m", "source", "licence"),
                *("name_zh", "name_en", "stand_in", "stand_in_note_zh", "stand_in_note_en"),
                *("observed_from", "observed_to", "relative_error"),
            },
        ),
        "id": dataset.code,
        "sha256": dataset.checksum,
    }


def finished(
    workspace: Path,
    files: list[OutputFile],
    manifest: dict[str, Any],
    values: dict[str, Any],
    progress: Progress,
) -> Outcome:
    """What a computation gives back; the manifest lies beside its files, scratch layers are gone.

    Args:
        workspace: Holds the files.
        files: All of them.
        manifest: The manifest, with its warnings; checksums of the files are added.
        values: Members of the results besides files.
        progress: Hears that all is done.
    """
    manifest["outputs"] = [
        {
            "name": file.name,
            "sha256": sha256_of(workspace / file.path),
            "unit": file.meta.get("unit"),
            "nodata": file.meta.get("nodata"),
        }
        for file in files
    ]
    write_manifest(workspace, manifest)
    if (workspace / SCRATCH).exists():
        shutil.rmtree(workspace / SCRATCH)
    progress(100, "done")
    return Outcome(files=files, values=values, manifest=manifest, warnings=manifest["warnings"])


def write_manifest(workspace: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest beside the files it tells of."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS
    (workspace / MANIFEST_FILE).write_bytes(orjson.dumps(manifest, option=options))


OF_THE_ATTEMPT = {
    *("processes", "cluster", "files", "tiles", "kept", "windows", "keep_from_s"),
    "timezone",
}
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
    if task.cluster is not None:
        progress(0, "connect")
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


def drawing_runner(task: Task, runner: WindowRunner) -> WindowRunner:
    """What draws the pictures of a task: on this machine, whose fonts are known."""
    return runner if task.cluster is None else WindowRunner()


def _forget_others(folder: Path) -> None:
    """Remove what the job kept under another task or other software."""
    for other in folder.parent.iterdir():
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)


def digest_of(task: Task) -> str:
    """What stands for all that windows depend on: the task, the software and its libraries."""
    return _digest(task.model_dump(mode="json", exclude=OF_THE_ATTEMPT))


OF_THE_JOB = {
    *("job_id", "created_utc", "seed", "plan", "inputs"),
    *("areas", "areas_as_of", "areas_left_out", "units"),
}
"""Members of a task that its datasets, region and reference do not depend on."""


def digest_of_step(task: Task, inputs: Mapping[str, Any]) -> str:
    """What stands for all that a step depends on which other jobs may take over.

    Args:
        task: Its process, region, datasets with the digests of their contents, and reference count.
        inputs: Those of its inputs that the step rests on, as JSON.
    """
    told = task.model_dump(mode="json", exclude=OF_THE_ATTEMPT | OF_THE_JOB)
    return _digest([told, inputs])


Result = TypeVar("Result")


def kept_step(
    task: Task,
    inputs: Mapping[str, Any],
    stores: Sequence[ScratchStore],
    workspace: Path,
    work_out: Callable[[], Result],
) -> Result:
    """What a step returns that fills stores: from another job of the same inputs, or worked out.

    Args:
        task: See `digest_of_step`, as for `inputs`.
        inputs: Those of its inputs that the step rests on, as JSON.
        stores: All that it writes.
        workspace: The folder below which they are.
        work_out: Does the step.
    """
    kept = _steps_of(task)
    if kept is None:
        return work_out()
    key = digest_of_step(task, inputs)
    found: Result | None = kept.recall(key, workspace)
    if found is not None:
        log.info("a step of another job serves", step=key)
        return found
    result = work_out()
    try:
        kept.keep(key, result, stores, workspace)
    except OSError as error:  # the disk is full, as a rule: this job may yet end
        log.warning("step not kept for other jobs", step=key, reason=str(error))
    return result


def recall_files(task: Task, inputs: Mapping[str, Any], workspace: Path) -> Any:
    """What `keep_files` kept of another job, its files in the workspace; None where it is lost.

    Args:
        task: See `digest_of_step`, as for `inputs`.
        inputs: Those of its inputs that the files rest on, as JSON.
        workspace: For the files.
    """
    kept = _steps_of(task)
    return None if kept is None else kept.recall(_key_of_files(task, inputs), workspace)


def keep_files(
    task: Task, inputs: Mapping[str, Any], result: Any, files: Sequence[Path], workspace: Path
) -> None:
    """Keep files for other jobs of the same inputs, and a result that tells of them."""
    kept = _steps_of(task)
    if kept is None:
        return
    key = _key_of_files(task, inputs)
    try:
        kept.keep(key, result, (), workspace, files)
    except OSError as error:  # as in `kept_step`
        log.warning("files not kept for other jobs", step=key, reason=str(error))


def _key_of_files(task: Task, inputs: Mapping[str, Any]) -> str:
    return digest_of_step(task, {**inputs, "kept": "files"})


def _steps_of(task: Task) -> KeptSteps | None:
    """Where the task keeps steps for other jobs, if it does and may."""
    if task.steps is None or not task.steps_mb:
        return None
    kept = KeptSteps(Path(task.steps), task.steps_mb * 1024**2)
    try:
        kept.open()
    except PermissionError as error:
        log.warning("steps are not kept for other jobs", reason=str(error))
        return None
    return kept


def _digest(said: Any) -> str:
    versions = {
        **library_versions(),
        "shanhai": source_digest(),
        "python": platform.python_version(),
        **{name: version(name) for name in COMPUTING},
    }
    return hashlib.sha256(orjson.dumps([said, versions], option=orjson.OPT_SORT_KEYS)).hexdigest()


def _telling(progress: Progress, found: int) -> Progress:
    """Tell of finished windows while the first stages pass."""
    if not found:
        return progress

    def tell(percent: float, stage: str) -> None:
        early = stage in {"prepare", "align"}
        progress(percent, f"{RESUMED}:{found}" if early else stage)

    return tell
