"""What every manifest begins with: the run, the program and the region it was computed for."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from shanhai import __version__
from shanhai.processes.kit.git_version import git_commit
from shanhai.processes.kit.task import Task
from shanhai.raster.versions import library_versions


def run_record(task: Task) -> dict[str, Any]:
    """Members that tell one run from another, and all of its task that is no dataset.

    Only `job_id`, `created_utc` and what tells of program and machine differ between equal runs.
    """
    return {
        "process": task.process,
        "job_id": task.job_id,
        "created_utc": task.created_utc or datetime.now(UTC).isoformat(timespec="seconds"),
        "code_version": __version__,
        "git_commit": git_commit(),
        "library_versions": versions(),
        "platform": platform.platform(),
        "threads": 1,
        "seed": task.seed,
        "plan": task.plan,
        "region": task.region.model_dump(mode="json") if task.region else None,
    }


def versions() -> dict[str, str]:
    """Versions of the libraries whose change may change a result."""
    own = {
        "python": platform.python_version(),
        # Read from their metadata: a computation need not load them all.
        **{name: version(name) for name in ("numpy", "scipy", "scikit-learn", "numba")},
    }
    return own | library_versions()
