"""The second fence: which rows the database lets a statement reach, whatever its conditions say.

Policies of row-level security on every table with a region and a visibility read what is bound
here. They are coarser than the conditions of `shanhai.db.features.selection`: a row is reached by
its visibility or from its region. Nothing bound reaches nothing. The fence is against a query that
forgets its conditions; who can run SQL of their own can bind what they like.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Self

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

PUBLIC_ROWS = "public"
PUBLISHED_ROWS = "public signed_in"
EVERY_ROW = "everything"


@dataclass(frozen=True, slots=True)
class RowScope:
    """What is bound, as settings of PostgreSQL.

    Attributes:
        sees: The visibilities whose published rows are reached, or everything; empty for none.
        regions: The ids of the regions all of whose rows are reached, and may be written; an array.
    """

    sees: str = ""
    regions: str = ""

    @classmethod
    def of(cls, regions: frozenset[int] | None, *, known: bool) -> Self:
        """The rows of somebody with roles in some regions; None for every region."""
        if regions is None:
            return cls(EVERY_ROW)
        listed = "{" + ",".join(map(str, sorted(regions))) + "}" if regions else ""
        return cls(PUBLISHED_ROWS if known else PUBLIC_ROWS, listed)

    def reading(self, *, local: bool = False) -> str:
        """SQL that binds what is read: until something else is bound, or the transaction ends."""
        return (
            f"SELECT set_config('shanhai.sees', '{self.sees}', {local}),"
            f" set_config('shanhai.regions', '{self.regions}', {local})"
        )

    @property
    def writing(self) -> str:
        """SQL that binds what may be written, until the transaction ends."""
        allowed = "all" if self.sees == EVERY_ROW else self.regions or "{}"
        return f"SELECT set_config('shanhai.writes', '{allowed}', true)"


NOTHING = RowScope()
PLATFORM = RowScope(EVERY_ROW)
"""The platform's own work, for nobody in particular."""
OF_PLATFORM = {"shanhai.sees": EVERY_ROW, "shanhai.writes": "all"}
"""The settings of connections that only the platform's own work uses."""
BOUND: ContextVar[RowScope] = ContextVar("bound", default=NOTHING)
"""The caller's rows: what is read row by row, and what may be written."""


@contextmanager
def bound_to(scope: RowScope) -> Iterator[None]:
    """Reach these rows within the context; connections are bound when they are taken."""
    token = BOUND.set(scope)
    try:
        yield
    finally:
        BOUND.reset(token)


@asynccontextmanager
async def writing_everywhere(session: AsyncSession) -> AsyncIterator[None]:
    """Write rows of any region within the context: what a step brings with it is the platform's.

    An error within leaves it so until the transaction, or the savepoint, is rolled back.
    """
    former = await session.scalar(text("SELECT current_setting('shanhai.writes', true)"))
    await session.execute(text(PLATFORM.writing))
    yield
    bind = text("SELECT set_config('shanhai.writes', :former, true)")
    await session.execute(bind, {"former": former or ""})


# These look at boxes alone, raise no errors and tell nothing of the values they are given. Unless
# they are marked so, PostgreSQL asks the fence of every row before it uses the index on places.
LEAKPROOF = (
    "geometry_overlaps(geometry, geometry)",
    "geometry_within(geometry, geometry)",
    "geometry_contains(geometry, geometry)",
)
