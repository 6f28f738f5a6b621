"""The task of an echo."""

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.processes.echo.contract import ECHO, EchoInputs
from shanhai.processes.kit.resolution import Resolution
from shanhai.processes.kit.task import Task


async def resolve(session: AsyncSession, inputs: EchoInputs, *, requested_by: str) -> Task:
    """What was sent, as it is."""
    return Task(process=ECHO.id, inputs=inputs.model_dump(mode="json"))


RESOLUTION = Resolution(ECHO, resolve)
