"""One transaction for a command."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import create_engine, create_sessions
from shanhai.settings import DatabaseSettings

Result = TypeVar("Result")


async def in_transaction(work: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
    """Do the work in one transaction on the configured database."""
    engine = create_engine(DatabaseSettings(), application="shanhai-cli")
    try:
        async with create_sessions(engine).begin() as session:
            return await work(session)
    finally:
        await engine.dispose()
