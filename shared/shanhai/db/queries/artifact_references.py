"""Which result files rows refer to: what no row names may be removed.

Every column that names files of the artifact store stands in `HOLDERS`. A test looks for others by
their names; whoever adds one under another name adds it here.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

HOLDERS = (
    ("dataset", "uri"),
    ("document", "uri"),
    ("observation_archive", "uri"),
    ("bulletin", "files"),
    ("job", "task"),
    ("job", "result"),
)
"""Tables and columns: an address, or a document with addresses anywhere in it."""

ADDRESS = r"objects/[0-9a-f]{2}/[0-9a-f]{64}(?:\.[a-z0-9]{1,10})*"


async def read_references(session: AsyncSession) -> set[str]:
    """The addresses that rows and their former states name, in one state of the database."""
    await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    found: set[str] = set()
    for table, column in HOLDERS:
        for name in (table, f"{table}_history"):
            if await session.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is None:
                continue
            query = text(
                f"SELECT DISTINCT m[1] FROM {name},"  # noqa: S608 - names are those above
                f" regexp_matches({column}::text, :address, 'g') m"
            )
            found.update(await session.scalars(query, {"address": f"({ADDRESS})"}))
    return found
