"""What tiles are drawn of."""

from typing import Annotated

from pydantic import Field

from shanhai.processes.kit.task import Task

Number = Annotated[float, Field(allow_inf_nan=False)]
Box = tuple[Number, Number, Number, Number]
"""West, south, east, north in degrees."""


class SeedTilesTask(Task):
    """What the seeding of tiles is given."""

    area: Box | None = Field(None, description="box in degrees that is meant, where one was asked")
