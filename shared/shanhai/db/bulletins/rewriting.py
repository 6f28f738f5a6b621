"""Changing the words of a draft; what a bulletin tells of its period stays as it was computed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.bulletins.publication import SeenBulletin, find_bulletin, state_tag
from shanhai.db.bulletins.template import Wording
from shanhai.db.identity import Identity, demand_role, demand_scopes
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.delivery import Bulletin
from shanhai.errors import Conflict, Stale
from shanhai.vocabulary import Role, Scope

EDITORS = frozenset({Role.PLANNER, Role.APPROVER})
SCOPES = frozenset({Scope.WRITE})


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A draft in other words: its titles and the files that were made anew."""

    wording: Wording
    title_zh: str
    title_en: str
    files: Mapping[str, Any]


async def find_draft(
    session: AsyncSession,
    code: str,
    *,
    identity: Identity,
    expected: frozenset[str] | None = None,
    lock: bool = False,
) -> SeenBulletin:
    """A draft whose words the identity may change.

    Args:
        expected: States, one of which it must be in; None for any.
        lock: Whether nobody else may change it until the transaction ends.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        NotFound: there is none it may know of.
        Conflict: it is published.
        Stale: it is in none of the states expected.
    """
    demand_scopes(identity, SCOPES)
    seen = await find_bulletin(session, code, identity.viewer)
    if lock:
        await session.refresh(seen.bulletin, with_for_update=True)
    demand_role(identity, EDITORS, seen.bulletin.region_id)
    if seen.bulletin.state != "draft":
        raise Conflict(
            f"bulletin {code!r} is published, and never changes; make a correction of it",
            message_zh=f"公报 {code!r} 已发布，不再更改；请另编更正版",
        )
    if expected is not None and state_tag(seen.bulletin) not in expected:
        raise Stale(
            f"bulletin {code!r} has changed since it was read; read it again",
            message_zh=f"公报 {code!r} 在读取之后已有变化，请重新读取",
        )
    return seen


async def keep_words(
    session: AsyncSession,
    code: str,
    rewritten: Rewritten,
    *,
    identity: Identity,
    act: Act,
    expected: frozenset[str],
) -> SeenBulletin:
    """Keep other words of a draft, and the documents that have them.

    Raises:
        Unauthenticated, Forbidden, NotFound, Conflict, Stale: as `find_draft`.
    """
    seen = await find_draft(session, code, identity=identity, expected=expected, lock=True)
    row = seen.bulletin
    before = _image(row)
    now = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    row.wording = rewritten.wording.model_dump(mode="json")
    row.title_zh, row.title_en = rewritten.title_zh, rewritten.title_en
    row.files = {**row.files, **rewritten.files}
    row.revision += 1
    row.edited_by = act.actor
    row.edited_at = now
    await session.flush()
    record(
        session, act, "replace", table="bulletin", object_id=code, before=before, after=_image(row)
    )
    return seen


def _image(row: Bulletin) -> dict[str, Any]:
    """What the audit log keeps of a draft's words."""
    return {
        "revision": row.revision,
        "title_zh": row.title_zh,
        "title_en": row.title_en,
        "wording": row.wording,
        "files": {name: one["sha256"] for name, one in row.files.items()},
    }
