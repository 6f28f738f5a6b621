"""Today, as all that holds by days has it: `current_date` of connections that know the zone."""

from datetime import date

from sqlalchemy import func, select

from shanhai.db.fast_reads import Executor

TODAY = select(func.current_date())


async def read_today(session: Executor) -> date:
    """The day it is where the plan is carried out."""
    today: date = await session.scalar(TODAY, {})
    return today
