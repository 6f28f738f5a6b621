"""Whether a database can be read, and whether it can be written: what probes ask."""

from dataclasses import dataclass

from sqlalchemy import TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.migrate import present_revision

OK = "ok"
# Loads PostGIS, as reading any geometry does.
GEOMETRY = text("SELECT ST_X(ST_MakePoint(1, 2))")
# Every write runs a trigger in this language, whose library a package may have replaced.
FUNCTION = text("DO $$ BEGIN PERFORM 1; END $$")


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """`ok`, or what is wrong, of reading and of writing."""

    reading: str
    writing: str

    @property
    def fault(self) -> str | None:
        """What is wrong first of all; None where all is well."""
        return next((told for told in (self.reading, self.writing) if told != OK), None)


async def look_into_database(session: AsyncSession, expected: str | None) -> DatabaseState:
    """Read the revision, a geometry, and what a write needs besides.

    Args:
        session: A session that has done nothing yet.
        expected: The revision the code is written for.
    """
    present = await present_revision(session)
    reading = OK if present == expected else f"at revision {present}, expected {expected}"
    if reading == OK:
        reading = await _attempt(session, GEOMETRY, "PostGIS")
    return DatabaseState(reading, await _look_into_writing(session) if reading == OK else reading)


async def _look_into_writing(session: AsyncSession) -> str:
    if await session.scalar(text("SHOW transaction_read_only")) == "on":
        return "read-only"
    return await _attempt(session, FUNCTION, "PL/pgSQL")


async def _attempt(session: AsyncSession, statement: TextClause, what: str) -> str:
    """`ok` where a statement runs; else that a part of the server does not."""
    try:
        await session.execute(statement)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        state = getattr(error.orig, "sqlstate", None)
        return f"{what} does not run (SQLSTATE {state}): restart the database server"
    return OK
