"""Today, as all that holds by days has it: `current_date` of connections that know the zone."""

from datetime import date

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession


async def read_today(session: AsyncSession) -> date:
    """The day it is where the plan is carried out."""
    return (await session.execute(select(func.current_date()))).scalar_one()
