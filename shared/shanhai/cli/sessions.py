"""One transaction for a command."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import DATABASE_ERRORS, create_engine, create_sessions
from shanhai.errors import Unavailable
from shanhai.settings import DatabaseSettings

Result = TypeVar("Result")


async def in_transaction(work: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
    """Do the work in one transaction on the configured database.

    Raises:
        Unavailable: It does not answer, or does not let us in.
    """
    engine = create_engine(DatabaseSettings(), application="shanhai-cli")
    try:
        async with create_sessions(engine).begin() as session:
            await _demand_connection(session)
            return await work(session)
    finally:
        await engine.dispose()


async def _demand_connection(session: AsyncSession) -> None:
    try:
        await session.connection()
    except DATABASE_ERRORS as error:
        # Not its text, which may name the account.
        reason = type(error.__cause__ or error).__name__
        raise Unavailable(
            f"the database of SHANHAI_DATABASE_URL does not answer or refuses us ({reason})",
            message_zh=f"SHANHAI_DATABASE_URL 所指数据库无响应或拒绝连接（{reason}）",
        ) from error
