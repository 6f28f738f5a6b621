"""What features are imported from."""

from pydantic import Field

from shanhai.processes.kit.task import Task


class ImportFeaturesTask(Task):
    """What the import of features is given."""

    references: dict[str, list[str]] = Field(
        default_factory=dict, description="codes a member may refer to, where they are few"
    )
