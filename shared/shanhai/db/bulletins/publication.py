"""Reading, drafting, wording and publishing bulletins."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, extract, func, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, defer

from shanhai.db.bulletins.template import Words
from shanhai.db.deliveries.webhooks import announce, find_listening
from shanhai.db.identity import (
    PUBLISH_SCOPES,
    PUBLISHERS,
    Identity,
    Viewer,
    demand_role,
    demand_scopes,
)
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.delivery import Bulletin
from shanhai.db.tables.plan import Plan
from shanhai.db.tables.zone import Region
from shanhai.errors import Conflict, NotFound, demand_state
from shanhai.vocabulary import Lang, Role, Scope

_BELOW = text("""
  WITH RECURSIVE within (id) AS (
    SELECT id FROM region WHERE code = :code
    UNION
    SELECT region.id FROM region JOIN within ON region.parent_id = within.id
  ) SELECT id FROM within
""")


@dataclass(frozen=True, slots=True)
class SeenBulletin:
    """A bulletin with the codes of its region, plan, and the bulletins before and after it."""

    bulletin: Bulletin
    region: str
    region_zh: str
    region_en: str
    plan: str | None
    corrects: str | None
    corrected_by: str | None = None


@dataclass(frozen=True, slots=True)
class BulletinFilter:
    """Which bulletins are asked for; those of a period meet it."""

    region: str | None = None
    state: str | None = None
    first: date | None = None
    last: date | None = None


def visible_to(viewer: Viewer) -> ColumnElement[bool] | None:
    """Bulletins a viewer may know of; None where nothing is hidden.

    Those made of public data once they are published; all others where the viewer works.
    """
    if viewer.sees_all:
        return None
    public = and_(Bulletin.state == "published", Bulletin.is_public)
    if not viewer.regions:
        return public
    return or_(public, Bulletin.region_id.in_(sorted(viewer.regions)))


def state_tag(row: Bulletin) -> str:
    """What tells the state of a bulletin from others: whether it is published, and its words."""
    return f"{row.state}-{row.revision}"


async def find_bulletin(session: AsyncSession, code: str, viewer: Viewer) -> SeenBulletin:
    """A bulletin.

    Raises:
        NotFound: there is none the viewer may know of.
    """
    query = _seen(viewer).where(Bulletin.code == code)
    row = None if "\x00" in code else (await session.execute(query)).first()
    if row is None:
        raise NotFound(f"there is no bulletin {code!r}", message_zh=f"没有公报 {code!r}")
    after = select(Bulletin.code).where(
        Bulletin.corrects_id == row[0].id, Bulletin.state == "published"
    )
    return replace(SeenBulletin(*row), corrected_by=await session.scalar(after.limit(1)))


async def list_bulletins(
    session: AsyncSession,
    viewer: Viewer,
    asked: BulletinFilter,
    *,
    limit: int,
    before: tuple[date, int] | None = None,
) -> Sequence[SeenBulletin]:
    """Bulletins without content and wording, those of the latest periods first.

    Args:
        asked: Of which region, with those below it; in which state; of which days.
        before: Only those behind the one of this last day and id.
    """
    own = Bulletin
    heads = _seen(viewer).options(defer(own.content), defer(own.wording))
    query = heads.order_by(own.last_day.desc(), own.id.desc()).limit(limit)
    if asked.region is not None:
        within = (await session.scalars(_BELOW, {"code": asked.region})).all()
        query = query.where(own.region_id.in_(within))
    if asked.state is not None:
        query = query.where(own.state == asked.state)
    if asked.first is not None:
        query = query.where(own.last_day >= asked.first)
    if asked.last is not None:
        query = query.where(own.first_day <= asked.last)
    if before is not None:
        query = query.where(tuple_(own.last_day, own.id) < before)
    return [SeenBulletin(*row) for row in await session.execute(query)]


def _seen(viewer: Viewer) -> Any:
    former = aliased(Bulletin)
    query: Any = (
        select(Bulletin, Region.code, Region.name_zh, Region.name_en, Plan.code, former.code)
        .join(Region, Region.id == Bulletin.region_id)
        .outerjoin(Plan, Plan.id == Bulletin.plan_id)
        .outerjoin(former, former.id == Bulletin.corrects_id)
    )
    met = visible_to(viewer)
    return query if met is None else query.where(met)


DRAFTERS = frozenset({Role.PLANNER})
DRAFT_SCOPES = frozenset({Scope.JOBS})
EDITORS = frozenset({Role.PLANNER, Role.APPROVER})
EDIT_SCOPES = frozenset({Scope.WRITE})
"""Who may change the words of a draft."""
PUBLISHED = "bulletin.published"
_LOCK = 0x5348_4255
_TAKE = text("SELECT pg_advisory_xact_lock(:lock)")


@dataclass(frozen=True, slots=True)
class BulletinSubject:
    """What a bulletin is about; at most one of those published that no other corrects."""

    region_id: int
    plan_id: int | None
    first: date
    last: date
    is_public: bool

    @classmethod
    def of(cls, row: Bulletin) -> "BulletinSubject":
        """What a bulletin is about."""
        return cls(row.region_id, row.plan_id, row.first_day, row.last_day, row.is_public)


@dataclass(frozen=True, slots=True)
class BulletinDraft:
    """A bulletin that was made: what it is about, its numbers, content and files."""

    subject: BulletinSubject
    region: str
    job_id: uuid.UUID
    issue: int
    version: int
    corrects_id: int | None
    title_zh: str
    title_en: str
    template: str
    template_version: int
    content: Mapping[str, Any]
    files: Mapping[str, Any]


async def find_standing(session: AsyncSession, subject: BulletinSubject) -> Bulletin | None:
    """The published bulletin about something that no later one corrects."""
    own = Bulletin
    query = (
        select(own)
        .where(
            own.region_id == subject.region_id,
            own.plan_id.is_not_distinct_from(subject.plan_id),
            own.first_day == subject.first,
            own.last_day == subject.last,
            own.is_public == subject.is_public,
            own.state == "published",
        )
        .order_by(own.version.desc(), own.id.desc())
        .limit(1)
    )
    return await session.scalar(query)


async def next_issue(session: AsyncSession, region_id: int, year: int) -> int:
    """The number after those of the bulletins of a region published of a year."""
    own = Bulletin
    last = await session.scalar(select(func.max(own.issue)).where(*_of_year(region_id, year)))
    return (last or 0) + 1


async def add_draft(session: AsyncSession, draft: BulletinDraft, act: Act) -> Bulletin:
    """Keep a bulletin as a draft; its code tells region, days and how many there were before."""
    await session.execute(_TAKE, {"lock": _LOCK})
    own, subject = Bulletin, draft.subject
    days = f"{subject.first:%Y%m%d}-{subject.last:%Y%m%d}"
    before = await session.scalar(
        select(func.count()).where(
            own.region_id == subject.region_id,
            own.first_day == subject.first,
            own.last_day == subject.last,
        )
    )
    row = own(
        code=f"{draft.region}.{days}.{(before or 0) + 1}",
        region_id=subject.region_id,
        plan_id=subject.plan_id,
        job_id=draft.job_id,
        first_day=subject.first,
        last_day=subject.last,
        issue=draft.issue,
        version=draft.version,
        corrects_id=draft.corrects_id,
        title_zh=draft.title_zh,
        title_en=draft.title_en,
        template=draft.template,
        template_version=draft.template_version,
        is_public=subject.is_public,
        state="draft",
        content=dict(draft.content),
        files=dict(draft.files),
        created_by=act.actor,
    )
    session.add(row)
    await session.flush()
    after = {"state": "draft", "files": {name: one["sha256"] for name, one in draft.files.items()}}
    record(session, act, "create", table="bulletin", object_id=row.code, after=after)
    return row


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A draft in other words: its titles and the files that were made anew."""

    wording: Words
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
    demand_scopes(identity, EDIT_SCOPES)
    seen = await find_bulletin(session, code, identity.viewer)
    if lock:
        await session.refresh(seen.bulletin, with_for_update=True)
    demand_role(identity, EDITORS, seen.bulletin.region_id)
    if seen.bulletin.state != "draft":
        raise Conflict(
            f"bulletin {code!r} is published, and never changes; make a correction of it",
            message_zh=f"公报 {code!r} 已发布，不再更改；请另编更正版",
        )
    _demand_state(seen.bulletin, expected)
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
    before = _told_by(row)
    now = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    row.wording = rewritten.wording.model_dump(mode="json")
    row.title_zh, row.title_en = rewritten.title_zh, rewritten.title_en
    row.files = {**row.files, **rewritten.files}
    row.revision += 1
    row.edited_by = act.actor
    row.edited_at = now
    await session.flush()
    after = _told_by(row)
    record(session, act, "replace", table="bulletin", object_id=code, before=before, after=after)
    return seen


def _told_by(row: Bulletin) -> dict[str, Any]:
    """What the audit log keeps of a draft's words."""
    return {
        "revision": row.revision,
        "title_zh": row.title_zh,
        "title_en": row.title_en,
        "wording": row.wording,
        "files": {name: one["sha256"] for name, one in row.files.items()},
    }


def _demand_state(row: Bulletin, expected: frozenset[str] | None) -> None:
    demand_state(state_tag(row), expected, f"bulletin {row.code!r}", f"公报 {row.code!r}")


async def publish_draft(
    session: AsyncSession,
    code: str,
    *,
    identity: Identity,
    act: Act,
    expected: frozenset[str] | None = None,
) -> Bulletin:
    """Publish a draft.

    Args:
        expected: States, one of which it must be in; None for any.

    Raises:
        Unauthenticated, Forbidden: the identity may not publish in the region.
        NotFound: there is none it may know of.
        Stale: it is in none of the states expected.
        Conflict: it is published already, another one about the same stands and is not corrected
            by it, or another one has its number.
    """
    demand_scopes(identity, PUBLISH_SCOPES)
    await session.execute(_TAKE, {"lock": _LOCK})
    row = (await find_bulletin(session, code, identity.viewer)).bulletin
    await session.refresh(row, with_for_update=True)
    demand_role(identity, PUBLISHERS, row.region_id)
    _demand_state(row, expected)
    if row.state != "draft":
        raise Conflict(
            f"bulletin {code!r} is published already", message_zh=f"公报 {code!r} 已发布"
        )
    await _demand_place(session, row)
    now = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    row.state, row.published_by, row.published_at = "published", act.actor, now
    await session.flush()
    before, after = {"state": "draft"}, {"state": "published"}
    await _announce(session, row, now)
    record(session, act, "publish", table="bulletin", object_id=code, before=before, after=after)
    return row


async def _announce(session: AsyncSession, row: Bulletin, at: datetime) -> None:
    """Tell the webhooks that listen, once this is committed."""
    listening = await find_listening(session, PUBLISHED, row.region_id)

    def tell(lang: Lang) -> dict[str, Any]:
        return {
            "code": row.code,
            "title": row.title_zh if lang == "zh" else row.title_en,
            "issue": row.issue,
            "year": row.last_day.year,
            "version": row.version,
            "first": row.first_day.isoformat(),
            "last": row.last_day.isoformat(),
            "public": row.is_public,
            "sha256": {name: one["sha256"] for name, one in row.files.items()},
            "href": f"/bulletins/{row.code}",
        }

    await announce(session, listening, PUBLISHED, tell, at=at)


async def _demand_place(session: AsyncSession, row: Bulletin) -> None:
    """Refuse a second bulletin about the same, and a number given twice."""
    standing = await find_standing(session, BulletinSubject.of(row))
    if standing is not None and standing.id != row.corrects_id:
        raise Conflict(
            f"{standing.code!r} is published of the same region and period; make the bulletin anew"
            f" with `corrects`: {standing.code!r}",
            message_zh=f"同一区域和时段已发布 {standing.code!r}；请以 corrects 指明更正后重新编制",
        )
    own, year = Bulletin, row.last_day.year
    query = select(own.code).where(
        *_of_year(row.region_id, year), own.issue == row.issue, own.is_public == row.is_public
    )
    if row.corrects_id is not None:
        # All versions of a bulletin keep its number.
        same = (own.first_day == row.first_day) & (own.last_day == row.last_day)
        query = query.where(~same)
    other = await session.scalar(query.limit(1))
    if other is not None:
        raise Conflict(
            f"issue {row.issue} of {year} is {other!r}; make the bulletin anew with another number",
            message_zh=f"{year} 年第 {row.issue} 期已是 {other!r}；请以另一期号重新编制",
        )


def _of_year(region_id: int, year: int) -> tuple[ColumnElement[bool], ...]:
    own = Bulletin
    return (
        own.region_id == region_id,
        own.state == "published",
        extract("year", own.last_day) == year,
    )
