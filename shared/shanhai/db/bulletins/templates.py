"""Templates of bulletins in their versions; that of the platform is version 0 of `default`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.bulletins.template import Template
from shanhai.db.identity import Identity, demand_role, demand_scopes
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.delivery import BulletinTemplate
from shanhai.errors import Conflict, NotFound, Stale
from shanhai.vocabulary import Role, Scope

DEFAULT = "default"
EDITORS = frozenset({Role.PLANNER, Role.APPROVER, Role.ADMIN})
SCOPES = frozenset({Scope.WRITE})
MOST_TEMPLATES = 200
"""Codes there may be: templates are few, and none is ever removed."""
_LOCK = 0x5348_4254


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    """A version of a template; nobody wrote that of the platform."""

    code: str
    version: int
    template: Template
    created_by: str | None = None
    created_at: datetime | None = None


@lru_cache(maxsize=1)
def default_template() -> StoredTemplate:
    """The template that comes with the platform."""
    data = (files(__package__) / "default.json").read_bytes()
    return StoredTemplate(DEFAULT, 0, Template.model_validate_json(data))


async def find_template(
    session: AsyncSession, code: str, version: int | None = None
) -> StoredTemplate:
    """A version of a template, the newest without a version.

    Raises:
        NotFound: there is none.
    """
    own = BulletinTemplate
    query = select(own).where(own.code == code).order_by(own.version.desc()).limit(1)
    if version is not None:
        query = query.where(own.version == version)
    row = await session.scalar(query)
    if row is not None:
        return _stored(row)
    if code == DEFAULT and version in {None, 0}:
        return default_template()
    named = code if version is None else f"{code}, {version}"
    raise NotFound(f"there is no template {named!r}", message_zh=f"没有公报模板 {named!r}")


async def list_templates(session: AsyncSession) -> list[StoredTemplate]:
    """The newest version of each template, by code."""
    own = BulletinTemplate
    query = select(own).ext(distinct_on(own.code)).order_by(own.code, own.version.desc())
    found = {row.code: _stored(row) for row in await session.scalars(query)}
    found.setdefault(DEFAULT, default_template())
    return [found[code] for code in sorted(found)]


async def list_versions(
    session: AsyncSession, code: str, *, limit: int, before: int | None = None
) -> Sequence[StoredTemplate]:
    """The versions of a template, the newest first; none where there is no such template."""
    own = BulletinTemplate
    query = select(own).where(own.code == code).order_by(own.version.desc()).limit(limit)
    if before is not None:
        query = query.where(own.version < before)
    rows = [_stored(row) for row in await session.scalars(query)]
    if code == DEFAULT and len(rows) < limit and (before is None or before > 0):
        rows.append(default_template())
    return rows


def demand_editor(identity: Identity) -> None:
    """Refuse who may not write templates, which serve every region.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
    """
    demand_scopes(identity, SCOPES)
    demand_role(identity, EDITORS, None)


async def store_template(
    session: AsyncSession,
    code: str,
    template: Template,
    *,
    identity: Identity,
    act: Act,
    expected: frozenset[str] | None,
) -> tuple[StoredTemplate, bool]:
    """Keep another version of a template, unless it is as it was; whether the template is new.

    Bulletins that were made by a former version stay as they are.

    Args:
        expected: Versions, one of which must be the newest; None for any.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        Stale: another version is the newest.
        Conflict: there are too many templates.
    """
    demand_editor(identity)
    await session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    newest = next(iter(await list_versions(session, code, limit=1)), None)
    if expected is not None and (newest is None or str(newest.version) not in expected):
        raise Stale(
            f"template {code!r} has changed since it was read; read it again",
            message_zh=f"公报模板 {code!r} 在读取之后已有变化，请重新读取",
        )
    if newest is None:
        await _demand_room(session)
    elif newest.template == template:
        return newest, False
    row = BulletinTemplate(
        code=code,
        version=1 if newest is None else newest.version + 1,
        content=template.model_dump(mode="json"),
        created_by=act.actor,
    )
    session.add(row)
    await session.flush()
    await session.refresh(row)
    action = "create" if newest is None else "replace"
    after = {"version": row.version}
    record(session, act, action, table="bulletin_template", object_id=code, after=after)
    return _stored(row), newest is None


async def _demand_room(session: AsyncSession) -> None:
    number = await session.scalar(select(func.count(BulletinTemplate.code.distinct())))
    if (number or 0) >= MOST_TEMPLATES:
        raise Conflict(
            f"there are {MOST_TEMPLATES} templates already; change one of them",
            message_zh=f"公报模板已达 {MOST_TEMPLATES} 个，请修改已有模板",
        )


def _stored(row: BulletinTemplate) -> StoredTemplate:
    content: dict[str, Any] = row.content
    return StoredTemplate(
        row.code, row.version, Template.model_validate(content), row.created_by, row.created_at
    )
