"""What a bulletin is computed from."""

from pydantic import Field

from shanhai.processes.kit.task import Task
from shanhai.processes.publish_bulletin.document.task import BulletinTask


class PublishBulletinTask(Task):
    """What the computation of a bulletin is given."""

    bulletin: BulletinTask | None = Field(None, description="what a bulletin is made of")
