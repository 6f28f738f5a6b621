"""The half of a compliance check that has no database: it does nothing."""

from pathlib import Path

from shanhai.processes.kit.task import Outcome, Progress, Task


def compute(task: Task, workspace: Path, progress: Progress) -> Outcome:
    """Do nothing: without the database there is nothing to compare with."""
    return Outcome()
