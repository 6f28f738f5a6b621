"""The state of a version's zones, by which two people who redraw it know of each other."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.zoning.schemes import DRAFT, SchemeVersion
from shanhai.errors import Stale

_LOCK = text("SELECT FROM zone_scheme WHERE id = :id FOR UPDATE")
_STATE = text(
    "SELECT left(encode(sha256(coalesce(string_agg(id || '.' || row_version, ',' ORDER BY id), '')"
    "::bytea), 'hex'), 16) FROM zone WHERE scheme_id = :id AND deleted_at IS NULL"
)


async def state_of_zones(session: AsyncSession, scheme: SchemeVersion) -> str:
    """What tells this state of a version's zones from others."""
    return str(await session.scalar(_STATE, {"id": scheme.id}))


async def demand_zones(
    session: AsyncSession, scheme: SchemeVersion, expected: frozenset[str] | None
) -> None:
    """Refuse to redraw zones that are in none of the expected states.

    Raises:
        Stale: they are not.
    """
    if expected is None:
        return
    # Of others only a new draft begins, and of them no zone changes.
    if scheme.status == DRAFT:
        await session.execute(_LOCK, {"id": scheme.id})
    if await state_of_zones(session, scheme) not in expected:
        raise Stale(
            f"the zones of version {scheme.version} of {scheme.code!r} have changed since they were"
            " read; read them again",
            message_zh=f"方案 {scheme.code!r} 第 {scheme.version} 版的分区在读取之后已被更改，"
            "请重新读取",
        )
