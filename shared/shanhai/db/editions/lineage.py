"""The editions of a plan, from the first to the newest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.history import source_of
from shanhai.db.features.plans import PLANS
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Viewer


@dataclass(frozen=True, slots=True)
class EditionRow:
    """An edition, when it was begun, and on which days it is in force; the last is not one.

    The first is in force from the day its parts name, so without a day.
    """

    code: str
    name_zh: str
    name_en: str
    edition: int
    version: int
    status: str
    lineage: str
    supersedes: str | None
    begun_on: date
    in_force_from: date | None
    in_force_to: date | None


async def list_editions(
    session: AsyncSession, viewer: Viewer, plan_id: int, as_of: date | None = None
) -> list[EditionRow]:
    """The editions a viewer may know of, of the plan of a number; with `as_of` those of the day."""
    former = as_of is not None
    met = (
        PLANS.as_of if former else PLANS.live,
        *visibility(PLANS, viewer),
        "coalesce(p.lineage_id, p.id) = (SELECT coalesce(own.lineage_id, own.id) FROM plan own"
        " WHERE own.id = :plan)",
    )
    query = text(
        "SELECT p.code, p.name_zh, p.name_en, p.edition, p.version, p.status,"  # noqa: S608
        " (SELECT o.code FROM plan o WHERE o.id = coalesce(p.lineage_id, p.id)) AS lineage,"
        " (SELECT o.code FROM plan o WHERE o.id = p.supersedes_id) AS supersedes,"
        " p.created_at::date AS begun_on, lower(p.in_force) AS in_force_from,"
        " upper(p.in_force) AS in_force_to"
        f" FROM {source_of(PLANS, former=former)} WHERE {' AND '.join(met)}"
        " ORDER BY p.edition, p.id"
    )
    values = {"plan": plan_id, **viewer_values(viewer), **({"as_of": as_of} if former else {})}
    rows = await session.execute(query, values)
    return [EditionRow(*row) for row in rows]


def beside(editions: Sequence[EditionRow], code: str) -> str | None:
    """The edition one is compared with unasked: the one it follows, or the one that follows it."""
    own = next(row for row in editions if row.code == code)
    known = {row.code for row in editions}
    if own.supersedes in known:
        return own.supersedes
    later = [row.code for row in editions if row.supersedes == code]
    return later[-1] if later else None
