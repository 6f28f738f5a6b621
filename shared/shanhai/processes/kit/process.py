"""The two halves of a process, and how it tells its progress."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from shanhai.processes.kit.task import Outcome, Task
from shanhai.storage.artifacts import StoredArtifact

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


class Progress(Protocol):
    """Called with per cent done (0–100, rising) and the stage in hand."""

    def __call__(self, percent: float, stage: str) -> None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Publication:
    """What `publish` is given: the task, what was computed, and where its files were stored.

    Attributes:
        task: The task that was computed.
        outcome: What `compute` gave back.
        stored: Where each output file is kept, by the file's name.
        requested_by: Who asked for it, for the audit log.
        workspace: The folder `compute` worked in; its files are still there.
    """

    task: Task
    outcome: Outcome
    stored: Mapping[str, StoredArtifact]
    requested_by: str
    workspace: Path


class Publish(Protocol):
    """The second half: writes the results' rows and returns the members of the results document."""

    async def __call__(  # noqa: D102
        self, session: "AsyncSession", publication: Publication
    ) -> dict[str, Any]: ...


class Compute(Protocol):
    """The first half, which runs in a process of its own."""

    def __call__(self, task: Any, workspace: Path, progress: Progress) -> Outcome:
        """Do the work with files only; idempotent, in a folder of its own."""
        ...
