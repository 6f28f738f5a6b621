"""What the worker and the child that computes tell each other: three files and lines of progress.

The order lies in the workspace before the child starts; the child writes the outcome or the
failure before it ends, and a line of JSON to its standard output whenever it gets on. A child
that ends without writing either has crashed.
"""

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from shanhai.jobs.contracts import Task

ORDER = "order.json"
OUTCOME = "outcome.json"
FAILURE = "failure.json"
WORK = "work"


class Order(BaseModel):
    """What the child has to do, and the limits it sets itself."""

    task: Task
    parent_pid: int
    memory_limit_mb: int
    log_context: dict[str, Any] = {}


class Report(BaseModel):
    """How far a computation is."""

    percent: float = 0
    stage: str | None = None


def write_durably(path: Path, text: str) -> None:
    """Write a file that is either whole or absent."""
    aside = path.with_suffix(".part")
    aside.write_text(text, encoding="utf-8")
    aside.rename(path)
