"""How far a database was migrated, and whether it can be read and written by this code."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

PACKAGED = Path(__file__).with_name("migrations")
MIGRATIONS = PACKAGED if PACKAGED.is_dir() else Path(__file__).resolve().parents[3] / "migrations"
"""The revisions: packed into the wheel, or beside the packages in a checkout."""


def expected_revision() -> str:
    """The newest revision this code knows: files of migrations begin with theirs, in order."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("*_*.py"))


@dataclass(frozen=True, slots=True)
class Schema:
    """How far a database was migrated.

    Attributes:
        revision: Of its last migration; None when it was never migrated.
        serves_since: The oldest revision whose code can use it as well; None where only that of
            `revision` can.
    """

    revision: str | None
    serves_since: str | None = None

    def serves(self, known: str | None) -> bool:
        """Whether code whose newest revision is `known` can use it."""
        if self.revision == known:
            return True
        if self.revision is None or self.serves_since is None or known is None:
            return False
        return self.serves_since <= known < self.revision


async def present_schema(session: AsyncSession) -> Schema:
    """How far the database was migrated."""
    return await (await session.connection()).run_sync(stored_schema)


def stored_schema(connection: Connection) -> Schema:
    """How far the database behind a connection was migrated."""
    if not connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL")):
        return Schema(None)
    # As a document: the second column came with revision 0088.
    row = connection.scalar(text("SELECT to_jsonb(v) FROM alembic_version v")) or {}
    return Schema(row.get("version_num"), row.get("serves_since"))


OK = "ok"
# Loads PostGIS, as reading any geometry does.
GEOMETRY = text("SELECT ST_X(ST_MakePoint(1, 2))")
# Every write runs a trigger in this language, whose library a package may have replaced.
FUNCTION = text("DO $$ BEGIN PERFORM 1; END $$")
HASH = text("SELECT audit_hash(audit_algorithm(), '')")


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
    schema = await present_schema(session)
    served = schema.serves(expected)
    reading = OK if served else f"at revision {schema.revision}, expected {expected}"
    if reading == OK:
        reading = await _attempt(session, GEOMETRY, "PostGIS")
    return DatabaseState(reading, await _look_into_writing(session) if reading == OK else reading)


async def _look_into_writing(session: AsyncSession) -> str:
    if await session.scalar(text("SHOW transaction_read_only")) == "on":
        return "read-only"
    told = await _attempt(session, FUNCTION, "PL/pgSQL")
    missing = "make the extension pgcrypto"
    return await _attempt(session, HASH, "the audit log's hash", missing) if told == OK else told


RESTART = "restart the database server"


async def _attempt(
    session: AsyncSession, statement: TextClause, what: str, remedy: str = RESTART
) -> str:
    """`ok` where a statement runs; else that a part of the server does not."""
    try:
        await session.execute(statement)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        state = getattr(error.orig, "sqlstate", None)
        return f"{what} does not run (SQLSTATE {state}): {remedy}"
    return OK
