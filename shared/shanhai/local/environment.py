"""The administrator's key, and the environment file of a private stack."""

import asyncio
import shlex
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from shanhai.db.engine import async_url
from shanhai.db.queries.keys import create_key, verify_key
from shanhai.local.files import write_whole
from shanhai.local.stack import Stack
from shanhai.vocabulary import Scope

ENVIRONMENT_FILE = "env"


def write_environment(home: Path, settings: Mapping[str, str]) -> Path:
    """Keep settings as exports a shell can read, for the owner alone; it holds secrets."""
    path = home / ENVIRONMENT_FILE
    lines = (f"export {name}={shlex.quote(value)}\n" for name, value in sorted(settings.items()))
    write_whole(path, "".join(lines), mode=0o600)
    return path


ADMIN_KEY = "admin_key"


def admin_key(stack: Stack) -> str:
    """The key kept with the stack's secrets, or a new one when it is lost or no longer valid."""
    return asyncio.run(_admin_key(stack))


async def _admin_key(stack: Stack) -> str:
    engine = create_async_engine(async_url(stack.database_url))
    try:
        async with AsyncSession(engine) as session, session.begin():
            kept = stack.secrets.get(ADMIN_KEY)
            if kept is not None and await verify_key(session, kept) is not None:
                return kept
            key = await create_key(session, name="local administrator", scopes=list(Scope))
    finally:
        await engine.dispose()
    stack.secrets.keep(ADMIN_KEY, key)
    return key
