"""Requests for exceptions: asked for by planners, granted or refused by approvers, or withdrawn.

A request lifts nothing. Granted, an exception is given as if the approver had given it directly.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import shapely
from sqlalchemy import BigInteger, cast, false, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID
from shanhai.db.compliance.exceptions import (
    ROLES,
    SCOPES,
    ExceptionGrant,
    Granted,
    find_concerned,
    find_subject,
    grant,
)
from shanhai.db.engine import read_today
from shanhai.db.identity import (
    EVERYTHING,
    Identity,
    Viewer,
    demand_role,
    demand_scopes,
    works_in,
)
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.control import ComplianceException, ControlArea, ExceptionRequest
from shanhai.db.tables.project import Project
from shanhai.db.tables.zone import Region
from shanhai.errors import Conflict, Forbidden, InvalidInput, NotFound
from shanhai.vocabulary import EXCEPTION_REQUEST_STATES, Role, Scope

REQUESTERS = frozenset({Role.PLANNER})
REQUESTS = "exception_request"
RequestStep = Literal["grant", "refuse", "withdraw"]
_STATES = {term.code: term.label for term in EXCEPTION_REQUEST_STATES}


@dataclass(frozen=True, slots=True)
class ExceptionRequestFilter:
    """Which requests are asked for.

    Attributes:
        geometry_sha256: Those for a shape, or for a project that had it.
        decidable: Only those on which who asks may decide.
        before: Only those made before the one of this number.
    """

    state: str | None = None
    project: str | None = None
    geometry_sha256: str | None = None
    decidable: bool = False
    before: int | None = None


@dataclass(frozen=True, slots=True)
class RequestedException:
    """A request with the codes of what it refers to."""

    row: ExceptionRequest
    project: str | None
    region: str
    control_area: str | None
    exception: str | None
    wkb: bytes | None

    def document(self) -> dict[str, Any]:
        """The request as it is shown and kept in the audit log."""
        row = self.row
        return {
            "code": row.code,
            "state": row.state,
            "rule": row.rule,
            "gap": row.gap,
            "project": self.project,
            "geometry_sha256": row.geometry_sha256,
            "region": self.region,
            "control_area": self.control_area,
            "reason": row.reason,
            "valid_from": None if row.valid_from is None else row.valid_from.isoformat(),
            "valid_to": None if row.valid_to is None else row.valid_to.isoformat(),
            "requested_by": row.requested_by,
            "requested_at": row.requested_at.isoformat(),
            "decided_by": row.decided_by,
            "decided_at": None if row.decided_at is None else row.decided_at.isoformat(),
            "decision_reason": row.decision_reason,
            "exception": self.exception,
        }

    def geometry(self) -> dict[str, Any] | None:
        """The shape it is for as GeoJSON, to the last digit; none for a project."""
        if self.wkb is None:
            return None
        told: dict[str, Any] = shapely.geometry.mapping(shapely.from_wkb(self.wkb))
        return told

    def steps(self, identity: Identity) -> tuple[RequestStep, ...]:
        """What somebody may do with it now."""
        row = self.row
        if row.state != "requested" or not identity.may(*SCOPES):
            return ()
        if row.requested_by == identity.owner:
            return ("withdraw",)
        if all(identity.acts_as(ROLES, region_id) for region_id in row.region_ids):
            return ("grant", "refuse")
        return ()


async def request_exception(
    session: AsyncSession, identity: Identity, act: Act, given: ExceptionGrant
) -> RequestedException:
    """Ask for an exception, as a planner of the region that answers for the project or shape.

    Raises:
        Unauthenticated, Forbidden: who asks is no planner of the region.
        InvalidInput: the rule, gap, project, region or area is not there, or the period is none.
    """
    demand_scopes(identity, SCOPES)
    subject = await find_subject(session, identity, given, await read_today(session))
    region_id = subject.region_id
    demand_role(identity, REQUESTERS, region_id)
    if region_id is None:
        raise InvalidInput(
            "a geometry needs the region that answers for it",
            message_zh="几何须给出负责的区域",
            pointer="/region",
        )
    concerned = await find_concerned(session, given, subject)
    project = subject.project
    shape = func.ST_GeomFromWKB(subject.wkb, STORAGE_SRID)
    row = ExceptionRequest(
        code=f"request-{secrets.token_hex(6)}",
        region_id=region_id,
        region_ids=sorted({region_id, *concerned}),
        project_id=None if project is None else project.id,
        geom=shape if project is None else None,
        geometry_sha256=subject.sha256,
        control_area_id=subject.area_id,
        rule_id=subject.rule_id,
        rule=given.rule,
        gap=given.gap,
        reason=given.reason,
        valid_from=given.valid_from,
        valid_to=given.valid_to,
        requested_by=identity.owner,
    )
    session.add(row)
    await session.flush()
    asked = await find_request(session, row.code)
    record(session, act, "create", table=REQUESTS, object_id=row.code, after=asked.document())
    return asked


async def grant_request(
    session: AsyncSession,
    identity: Identity,
    act: Act,
    code: str,
    *,
    approver: str | None = None,
    document: str | None = None,
) -> RequestedException:
    """Give the exception that was requested, from today on where it was to begin before.

    Args:
        approver: The name of the person; the identity, where none is given.
        document: The decision's document, by code or file number.

    Raises:
        Unauthenticated, Forbidden: who grants it is no approver of the regions concerned, or
            requested it.
        NotFound: there is none the identity may know of.
        Conflict: it was decided or withdrawn before, or what it asks for is no longer so.
    """
    asked = await _to_be_decided(session, identity, code)
    row, today = asked.row, await read_today(session)
    given = ExceptionGrant(
        reason=row.reason,
        rule=row.rule,
        gap=row.gap,
        project=asked.project,
        wkb=asked.wkb,
        region=asked.region,
        control_area=asked.control_area,
        approver=approver,
        valid_from=max(today, row.valid_from or today),
        valid_to=row.valid_to,
        document=document,
        request=row.code,
        requested_by=row.requested_by,
    )
    try:
        granted = await grant(session, identity, act, given)
    except InvalidInput as error:
        # What the request said was right when it was made.
        raise Conflict(
            f"what was requested is no longer so: {error.message}",
            message_zh=f"申请的内容已不成立：{error.message_zh}",
        ) from error
    now = granted.row.attrs.get("project_geometry_sha256", row.geometry_sha256)
    if now != row.geometry_sha256:
        raise Conflict(
            f"the shape of project {asked.project!r} has changed since the request",
            message_zh=f"申请之后项目 {asked.project!r} 的范围已变更",
        )
    return await _end(session, identity, act, asked, "granted", exception=granted)


async def refuse_request(
    session: AsyncSession, identity: Identity, act: Act, code: str, reason: str
) -> RequestedException:
    """Refuse what was requested.

    Raises:
        Unauthenticated, Forbidden: who refuses it is no approver of the regions concerned, or
            requested it.
        NotFound: there is none the identity may know of.
        Conflict: it was decided or withdrawn before.
    """
    asked = await _to_be_decided(session, identity, code)
    for region_id in asked.row.region_ids:
        demand_role(identity, ROLES, region_id)
    return await _end(session, identity, act, asked, "refused", reason=reason)


async def withdraw_request(
    session: AsyncSession, identity: Identity, act: Act, code: str
) -> RequestedException:
    """Take a request back.

    Raises:
        Unauthenticated, Forbidden: somebody else requested it.
        NotFound: there is none the identity may know of.
        Conflict: it was decided or withdrawn before.
    """
    demand_scopes(identity, SCOPES)
    asked = await find_request(session, code, identity.viewer, lock=True)
    if asked.row.requested_by != identity.owner:
        raise Forbidden(
            "a request is withdrawn by who made it", message_zh="申请只能由申请人本人撤回"
        )
    _demand_open(asked)
    return await _end(session, identity, act, asked, "withdrawn")


async def find_request(
    session: AsyncSession, code: str, viewer: Viewer = EVERYTHING, *, lock: bool = False
) -> RequestedException:
    """The request of a code.

    Raises:
        NotFound: there is none the reader may know of.
    """
    query = _requests(viewer).where(ExceptionRequest.code == code)
    if lock:
        query = query.with_for_update(of=ExceptionRequest)
    found = (await session.execute(query)).one_or_none() if "\x00" not in code else None
    if found is None:
        raise NotFound(f"there is no request {code!r}", message_zh=f"没有申请 {code!r}")
    return _requested(found)


async def list_requests(
    session: AsyncSession, wanted: ExceptionRequestFilter, identity: Identity, *, limit: int
) -> Sequence[RequestedException]:
    """Requests in the regions in which a reader has a role, the newest first."""
    row = ExceptionRequest
    query = _requests(identity.viewer).order_by(row.id.desc()).limit(limit)
    if wanted.state is not None:
        query = query.where(row.state == wanted.state)
    if wanted.project is not None:
        query = query.where(Project.code == wanted.project)
    if wanted.geometry_sha256 is not None:
        query = query.where(row.geometry_sha256 == wanted.geometry_sha256)
    if wanted.before is not None:
        query = query.where(row.id < wanted.before)
    if wanted.decidable:
        query = query.where(*_decidable(identity))
    return [_requested(found) for found in await session.execute(query)]


def _decidable(identity: Identity) -> list[Any]:
    """Conditions of the requests on which an identity may decide."""
    row = ExceptionRequest
    if not identity.may(*SCOPES):
        return [false()]
    met: list[Any] = [row.state == "requested", row.requested_by != identity.owner]
    if identity.grants is not None and Scope.ADMIN not in identity.scopes:
        held = [one.regions for one in identity.grants if one.role in ROLES]
        if None not in held:
            own = sorted(frozenset().union(*(regions for regions in held if regions)))
            met.append(row.region_ids.contained_by(cast(literal(own), ARRAY(BigInteger))))
    return met


def _requests(viewer: Viewer) -> Any:
    row = ExceptionRequest
    return (
        select(
            row,
            Project.code,
            Region.code,
            ControlArea.code,
            ComplianceException.code,
            func.ST_AsBinary(row.geom, "NDR"),
        )
        .join(Region, Region.id == row.region_id)
        .outerjoin(Project, Project.id == row.project_id)
        .outerjoin(ControlArea, ControlArea.id == row.control_area_id)
        .outerjoin(ComplianceException, ComplianceException.id == row.exception_id)
        .where(works_in(viewer, row.region_id))
    )


def _requested(found: Any) -> RequestedException:
    row, project, region, area, exception, wkb = found
    shape = None if wkb is None else bytes(wkb)
    return RequestedException(row, project, region, area, exception, shape)


async def _to_be_decided(
    session: AsyncSession, identity: Identity, code: str
) -> RequestedException:
    """The request of a code, locked, for somebody else than who made it."""
    demand_scopes(identity, SCOPES)
    asked = await find_request(session, code, identity.viewer, lock=True)
    demand_role(identity, ROLES, asked.row.region_id)
    if asked.row.requested_by == identity.owner:
        raise Forbidden(
            "who requested an exception does not decide on it",
            message_zh="申请例外者不得自行决定",
        )
    _demand_open(asked)
    return asked


def _demand_open(asked: RequestedException) -> None:
    row = asked.row
    if row.state != "requested":
        state = _STATES[row.state]
        raise Conflict(
            f"the request {row.code!r} is no longer open: {state.en}",
            message_zh=f"申请 {row.code!r} 已处理：{state.zh}",
        )


async def _end(
    session: AsyncSession,
    identity: Identity,
    act: Act,
    asked: RequestedException,
    state: str,
    *,
    reason: str | None = None,
    exception: Granted | None = None,
) -> RequestedException:
    row, before = asked.row, asked.document()
    row.state, row.decision_reason = state, reason
    row.decided_by, row.decided_at = identity.owner, datetime.now(UTC)
    row.exception_id = None if exception is None else exception.row.id
    await session.flush()
    ended = await find_request(session, row.code)
    done = {"granted": "grant", "refused": "refuse", "withdrawn": "withdraw"}[state]
    after = ended.document()
    record(session, act, done, table=REQUESTS, object_id=row.code, before=before, after=after)
    return ended
