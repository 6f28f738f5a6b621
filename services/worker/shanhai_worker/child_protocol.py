"""What the worker and the child that computes tell each other: three files and a stream of lines.

The order lies in the workspace before the child starts; the child writes the outcome or the
failure before it ends, and a line of JSON whenever it gets on. A child that ends without writing
either has crashed. One that stays says that it is done and waits, until the worker has put another
order there and says so (`NEXT`), or closes the stream.
"""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, SerializeAsAny, TypeAdapter

from shanhai.isolation import Confinement
from shanhai.processes.catalogue import read_task
from shanhai.processes.kit.task import Task

ORDER = "order.json"
OUTCOME = "outcome.json"
FAILURE = "failure.json"
RESERVE = "reserve"
RESERVED_BYTES = 64 * 1024
"""Room that is taken with the order, for the failure of a child that finds the disk full."""
WORK = "work"
NEXT = b"\n"
MOST_JOBS = 200
"""Jobs one process computes, one after another."""
PATH_BYTES = 4096
"""The longest path there can be."""


def _with_own_members(task: Any) -> Any:
    """A task with the members its process has; one that is whole already stays as it is."""
    return task if isinstance(task, Task) else read_task(task)


class UploadLimits(BaseModel):
    """What the reader of a file from outside may use; a million rows need a few minutes.

    Attributes:
        file_bytes: Size of any one file it writes.
    """

    cpu_s: int = 3600
    file_bytes: int = 32 * 1024**3


class ChildOrder(BaseModel):
    """What the child has to do, and the limits it sets itself.

    Attributes:
        confinement: What it may do beyond reading the programs.
        caches: Folder for what libraries compile, where it must not be that of all jobs.
        stays: Whether it waits for another order of the same kind once it is done.
        report: The report whose PDF is all that is left to do; None of a whole computation.
    """

    task: Annotated[SerializeAsAny[Task], BeforeValidator(_with_own_members)]
    memory_limit_mb: int
    upload_limits: UploadLimits | None = None
    confinement: Confinement = Confinement()
    caches: str | None = None
    stays: bool = False
    report: str | None = None
    log_context: dict[str, Any] = {}


class Began(BaseModel, extra="forbid"):
    """The first line: the number of the process that computes."""

    pid: int


class ProgressReport(BaseModel, extra="forbid"):
    """How far a computation is."""

    percent: float = 0
    stage: str | None = None


class Done(BaseModel, extra="forbid"):
    """The outcome lies there, and the process waits for another order: its number is so high."""

    done: int


class Ended(BaseModel, extra="forbid"):
    """The last line: the exit code, negative for a signal."""

    code: int


News = Began | ProgressReport | Done | Ended
LINE: TypeAdapter[News] = TypeAdapter(News)
"""Reads a line of the stream."""


def write_durably(path: Path, text: str) -> None:
    """Write a file that is either whole or absent."""
    aside = path.with_suffix(".part")
    aside.write_text(text, encoding="utf-8")
    aside.rename(path)
