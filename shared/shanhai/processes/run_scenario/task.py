"""What a scenario is computed from."""

from pydantic import Field

from shanhai.processes.kit.task import AssessedTask, Task


class RunScenarioTask(Task):
    """What a scenario is given."""

    assessed: AssessedTask | None = Field(
        None, description="assessment whose ratio and zones are compared with those after edits"
    )
