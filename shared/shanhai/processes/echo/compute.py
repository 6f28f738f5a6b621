"""The standard's test process: wait, then give back what was sent."""

import time
from pathlib import Path

from shanhai.processes.echo.contract import EchoInputs
from shanhai.processes.kit.task import Outcome, Progress, Task

STEP_S = 0.1


def compute(task: Task, workspace: Path, progress: Progress) -> Outcome:
    """Wait as long as asked, telling how far it is."""
    inputs = EchoInputs.model_validate(task.inputs)
    started = time.monotonic()
    while (waited := time.monotonic() - started) < inputs.pause:
        progress(100 * waited / inputs.pause, "wait")
        time.sleep(min(STEP_S, inputs.pause - waited))
    return Outcome(values=inputs.values())
