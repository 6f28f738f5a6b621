"""Find a version of a zone scheme, and begin a new one from it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.zones import ZONE_SCHEMES
from shanhai.db.features.permissions import demand_role, editing_of
from shanhai.db.features.query import read_feature
from shanhai.db.features.selection import Selection
from shanhai.db.identity import Identity, Viewer
from shanhai.db.queries.audit import Act, record
from shanhai.errors import Conflict, NotFound

DRAFT = "draft"
_SCHEME = text(
    "SELECT s.id, s.code, s.version, s.status, s.kind, s.origin, s.region_id, s.job_id::text AS job"
    " FROM zone_scheme s WHERE s.id = :id"
)
_LOCK_CODE = text("SELECT pg_advisory_xact_lock(hashtextextended('zone_scheme ' || :code, 0))")
_DRAFT_OF = text(
    "SELECT s.version FROM zone_scheme s WHERE s.code = :code AND s.deleted_at IS NULL"
    " AND s.status IN ('draft', 'review', 'approved') ORDER BY s.version DESC LIMIT 1"
)
# A computed scheme that a person goes on with is drawn; the job it began with stays in `attrs`.
_COPY_SCHEME = text(
    "INSERT INTO zone_scheme (code, name_zh, name_en, region_id, plan_id, kind, origin, status,"
    " version, supersedes_id, gap_reason, attrs)"
    " SELECT s.code, s.name_zh, s.name_en, s.region_id, s.plan_id, s.kind, 'drawn', 'draft',"
    " (SELECT max(version) + 1 FROM zone_scheme WHERE code = s.code), s.id, s.gap_reason,"
    " s.attrs || jsonb_strip_nulls(jsonb_build_object('began_from', s.version, 'note',"
    " CAST(:note AS text), 'computed_by', coalesce(s.job_id::text, s.attrs->>'computed_by')))"
    " FROM zone_scheme s WHERE s.id = :id RETURNING id"
)
_COPY_ZONES = text(
    "INSERT INTO zone (scheme_id, class_id, code, name_zh, name_en, functions, problems, geom,"
    " attrs, valid_from)"
    " SELECT :new_id, z.class_id, z.code, z.name_zh, z.name_en, z.functions, z.problems, z.geom,"
    " z.attrs, current_date FROM zone z WHERE z.scheme_id = :id AND z.deleted_at IS NULL"
)
_COPY_TOWNS = text(
    "INSERT INTO zone_town (zone_id, region_id, share)"
    " SELECT new.id, t.region_id, t.share FROM zone_town t JOIN zone old ON old.id = t.zone_id"
    " JOIN zone new ON new.code = old.code AND new.scheme_id = :new_id"
    " WHERE old.scheme_id = :id AND old.deleted_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class SchemeVersion:
    """A version of a zone scheme; `job` computed it."""

    id: int
    code: str
    version: int
    status: str
    kind: str
    origin: str
    region_id: int
    job: str | None

    def named(self) -> dict[str, Any]:
        """How documents name it."""
        return {"code": self.code, "version": self.version, "status": self.status}


async def find_scheme(
    session: AsyncSession, viewer: Viewer, code: str, version: int | None = None
) -> SchemeVersion:
    """A version of a scheme; the one in force, or else the newest, when none is named.

    Raises:
        NotFound: there is none, or none the viewer may know of.
    """
    filters = {} if version is None else {"version": version}
    selection = Selection(viewer, filters=filters, code=code)
    row = await read_feature(session, ZONE_SCHEMES, selection) if "\x00" not in code else None
    if row is None:
        which = "" if version is None else f" version {version}"
        raise NotFound(
            f"there is no zone scheme {code!r}{which}",
            message_zh=f"没有分区方案 {code!r}" + ("" if version is None else f" 第 {version} 版"),
        )
    return await _scheme(session, row.key)


async def begin_version(
    session: AsyncSession, identity: Identity, act: Act, scheme: SchemeVersion, note: str
) -> SchemeVersion:
    """A new draft of a scheme, with the zones of the version it begins from.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        Conflict: a version of the scheme is being worked on already.
    """
    demand_writer(identity, scheme)
    await session.execute(_LOCK_CODE, {"code": scheme.code})
    present = await session.scalar(_DRAFT_OF, {"code": scheme.code})
    if present is not None:
        raise Conflict(
            f"version {present} of {scheme.code!r} is not published yet; go on with that one",
            message_zh=f"方案 {scheme.code!r} 第 {present} 版尚未发布，请在该版本上继续",
        )
    new_id = await session.scalar(_COPY_SCHEME, {"id": scheme.id, "note": note})
    for copying in (_COPY_ZONES, _COPY_TOWNS):
        await session.execute(copying, {"id": scheme.id, "new_id": new_id})
    new = await _scheme(session, int(new_id or 0))
    after = {**new.named(), "began_from": scheme.version, "note": note}
    record(session, act, "begin_version", table="zone_scheme", object_id=new.code, after=after)
    return new


def demand_writer(identity: Identity, scheme: SchemeVersion) -> None:
    """Refuse an identity that may not write schemes of the region.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
    """
    demand_role(identity, editing_of(ZONE_SCHEMES, identity, "update").roles, scheme.region_id)


async def _scheme(session: AsyncSession, scheme_id: int) -> SchemeVersion:
    return SchemeVersion(*(await session.execute(_SCHEME, {"id": scheme_id})).one())
