"""The administrator's key of a private stack."""

import asyncio

from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from shanhai.db.engine import async_url
from shanhai.db.queries.keys import create_key, verify_key
from shanhai.local.stack import Stack
from shanhai.vocabulary import Scope

NAME = "admin_key"


def admin_key(stack: Stack) -> str:
    """The key kept with the stack's secrets, or a new one when it is lost or no longer valid."""
    return asyncio.run(_admin_key(stack))


async def _admin_key(stack: Stack) -> str:
    engine = create_async_engine(async_url(stack.database_url))
    try:
        async with AsyncSession(engine) as session, session.begin():
            kept = stack.secrets.get(NAME)
            if kept is not None and await verify_key(session, kept) is not None:
                return kept
            key = await create_key(session, name="local administrator", scopes=list(Scope))
    finally:
        await engine.dispose()
    stack.secrets.keep(NAME, key)
    return key
