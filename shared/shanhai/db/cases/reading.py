"""A case as its steps need it, and what happened to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.cases.declaration import CASES
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.features.writing import state_tag
from shanhai.db.identity import Viewer
from shanhai.db.tables import CaseEvent, Region
from shanhai.errors import InvalidInput, NotFound


@dataclass(frozen=True, slots=True)
class CaseSeen:
    """A case a reader may know of."""

    id: int
    code: str
    state: str
    result: str | None
    region_id: int | None
    row_version: int

    @property
    def tag(self) -> str:
        """What tells this state of the row from others."""
        return state_tag(self.id, self.row_version)


async def find_case(
    session: AsyncSession, code: str, viewer: Viewer, *, lock: bool = False
) -> CaseSeen:
    """The case of a code, locked until the transaction ends where that is asked.

    Raises:
        NotFound: there is none the viewer may know of.
    """
    met = " AND ".join(("lc.code = :code", *visibility(CASES, viewer)))
    locking = " FOR NO KEY UPDATE OF lc" if lock else ""
    # Constants of the declaration; callers' values are bound.
    query = text(
        "SELECT lc.id, lc.code, lc.state, lc.result, lc.region_id, lc.row_version"  # noqa: S608
        f" FROM {CASES.source} WHERE {met}{locking}"
    )
    values = {"code": code, **viewer_values(viewer)}
    row = None if "\x00" in code else (await session.execute(query, values)).first()
    if row is None:
        raise NotFound(f"there is no case {code!r}", message_zh=f"没有案件 {code!r}")
    return CaseSeen(*row)


async def find_region(session: AsyncSession, code: str) -> int:
    """The id of the region a case is assigned to.

    Raises:
        InvalidInput: there is none.
    """
    query = select(Region.id).where(Region.code == code, Region.deleted_at.is_(None))
    found = None if "\x00" in code else await session.scalar(query)
    if found is None:
        raise InvalidInput(
            f"there is no region {code!r}", message_zh=f"没有区域 {code!r}", pointer="/region"
        )
    return found


async def read_events(session: AsyncSession, case_id: int) -> Sequence[CaseEvent]:
    """All that happened to a case, in its order."""
    query = select(CaseEvent).where(CaseEvent.case_id == case_id).order_by(CaseEvent.seq)
    return (await session.scalars(query)).all()
