"""Folders that outlive an attempt at a job, so that the next can go on where it stopped.

They lie in the artifact store, which all workers share. Nothing in them is a result: whatever is
lost is made again.
"""

import shutil
import uuid
from collections.abc import Collection
from pathlib import Path


class KeptFolders:
    """A folder for each job that wants one, made by the job itself."""

    def __init__(self, store: Path) -> None:
        self._root = store / "kept"

    def of(self, job: uuid.UUID) -> Path:
        """Where a job keeps what it has finished; nothing is there before it makes the folder."""
        return self._root / str(job)

    def drop(self, job: uuid.UUID) -> None:
        """Remove what a job kept."""
        shutil.rmtree(self.of(job), ignore_errors=True)

    def jobs(self) -> Collection[uuid.UUID]:
        """The jobs that have something there; what others put there is left alone."""
        if not self._root.exists():
            return []
        names = (folder.name for folder in self._root.iterdir() if folder.is_dir())
        return [job for name in names if (job := _job_named(name)) is not None]


def _job_named(name: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(name)
    except ValueError:
        return None
