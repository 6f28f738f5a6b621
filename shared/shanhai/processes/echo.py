"""The standard's test process: wait, then give the message back."""

import time
from pathlib import Path

from shanhai.jobs.contracts import ECHO, EchoInputs, Outcome, Task
from shanhai.processes.base import Progress

STEP_S = 0.1


class Echo:
    """Returns the text it was given."""

    contract = ECHO

    def compute(self, task: Task, workspace: Path, progress: Progress) -> Outcome:
        """Wait as long as asked, telling how far it is."""
        inputs = EchoInputs.model_validate(task.inputs)
        started = time.monotonic()
        while (waited := time.monotonic() - started) < inputs.pause:
            progress(100 * waited / inputs.pause, "wait")
            time.sleep(min(STEP_S, inputs.pause - waited))
        return Outcome(values={"message": inputs.message})
