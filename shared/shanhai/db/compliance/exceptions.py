"""Exceptions given by an approver for a project or one geometry, ended by revoking.

They lift a rule, or decide about what is not known there.

None is ever deleted: a check of a past day finds the exceptions of that day.
"""

import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.controls import CONTROL_AREAS, CONTROL_RULES
from shanhai.db.collections.regions import REGIONS
from shanhai.db.compliance import check
from shanhai.db.compliance.intersections import Given
from shanhai.db.compliance.overlaps import read_drawn, read_lines, read_zones
from shanhai.db.compliance.rules import activities
from shanhai.db.compliance.surroundings import read_around
from shanhai.db.engine import read_today
from shanhai.db.features.entity import Entity
from shanhai.db.features.query import read_feature
from shanhai.db.features.selection import Selection
from shanhai.db.identity import (
    EVERYTHING,
    Identity,
    Viewer,
    demand_role,
    demand_scopes,
    works_in,
)
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.control import ComplianceException, ControlArea, ControlRule
from shanhai.db.tables.project import Project
from shanhai.db.tables.zone import Region
from shanhai.errors import Conflict, InvalidInput, NotFound
from shanhai.vocabulary import Role, Scope

SCOPES = frozenset({Scope.WRITE, Scope.PROJECTS})
ROLES = frozenset({Role.APPROVER})
TABLE = "compliance_exception"


@dataclass(frozen=True, slots=True)
class ExceptionGrant:
    """An exception to be given; of `project` and `wkb` exactly one is there.

    Attributes:
        rule: The rule it lifts; none where it decides about a gap.
        gap: The code of what is not known there, and about which it decides.
        region: Who answers for a geometry; a project has its own.
        approver: The name of the person; the identity, where none is given.
        document: The decision's document, by code or file number.
        request: The code of the request it was given for.
        requested_by: Who requested it.
    """

    reason: str
    rule: str | None = None
    gap: str | None = None
    project: str | None = None
    wkb: bytes | None = None
    region: str | None = None
    control_area: str | None = None
    approver: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    document: str | None = None
    request: str | None = None
    requested_by: str | None = None


@dataclass(frozen=True, slots=True)
class ExceptionSubject:
    """What an exception is about, found by its codes.

    Attributes:
        region_id: Who answers for it; none is known where neither project nor region is named.
        wkb: The shape, the project's as well.
    """

    region_id: int | None
    rule_id: int | None
    area_id: int | None
    project: check.ProjectShape | None
    wkb: bytes

    @property
    def sha256(self) -> str:
        """What tells the shape from others."""
        return check.digest_of(self.wkb)


@dataclass(frozen=True, slots=True)
class ExceptionFilter:
    """Which exceptions are asked for: in force on `day`, given before the one of this number."""

    code: str | None = None
    project: str | None = None
    rule: str | None = None
    day: date | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """An exception with the codes of what it refers to."""

    row: ComplianceException
    project: str | None
    region: str | None
    control_area: str | None

    def document(self) -> dict[str, Any]:
        """The exception as it is shown and kept in the audit log."""
        row = self.row
        return {
            "code": row.code,
            "rule": row.rule,
            "gap": row.gap,
            "project": self.project,
            "geometry_sha256": row.geometry_sha256,
            "region": self.region,
            "control_area": self.control_area,
            "reason": row.reason,
            "approver": row.approver,
            "approved_at": row.approved_at.isoformat(),
            "valid_from": None if row.valid_from is None else row.valid_from.isoformat(),
            "valid_to": None if row.valid_to is None else row.valid_to.isoformat(),
            "document": row.attrs.get("document"),
            "request": row.attrs.get("request"),
            "requested_by": row.attrs.get("requested_by"),
            "revoked": row.attrs.get("revoked"),
        }


async def grant(
    session: AsyncSession, identity: Identity, act: Act, given: ExceptionGrant
) -> Granted:
    """Give an exception.

    Raises:
        Unauthenticated, Forbidden: who gives it is no approver of the regions concerned.
        InvalidInput: the rule, gap, project, region or area is not there, or the period is none.
    """
    demand_scopes(identity, SCOPES)
    today = await read_today(session)
    subject = await find_subject(session, identity, given, today)
    demand_role(identity, ROLES, subject.region_id)
    for concerned in await find_concerned(session, given, subject):
        demand_role(identity, ROLES, concerned)
    project = subject.project
    told = {name: getattr(given, name) for name in ("document", "request", "requested_by")}
    attrs = {name: value for name, value in told.items() if value is not None}
    if project is not None:
        attrs["project_geometry_sha256"] = subject.sha256
    row = ComplianceException(
        code=f"exception-{secrets.token_hex(6)}",
        region_id=subject.region_id,
        project_id=None if project is None else project.id,
        geometry_sha256=subject.sha256 if project is None else None,
        control_area_id=subject.area_id,
        rule_id=subject.rule_id,
        rule=given.rule,
        gap=given.gap,
        reason=given.reason,
        approver=given.approver or identity.owner,
        valid_from=given.valid_from or today,
        valid_to=given.valid_to,
        attrs=attrs,
    )
    session.add(row)
    await session.flush()
    granted = await find_exception(session, row.code)
    record(session, act, "create", table=TABLE, object_id=row.code, after=granted.document())
    return granted


async def revoke(
    session: AsyncSession, identity: Identity, act: Act, code: str, reason: str
) -> Granted:
    """End an exception today, or before it begins.

    Raises:
        Unauthenticated, Forbidden: who revokes it is no approver of its region.
        NotFound: there is none.
        Conflict: it was revoked before.
    """
    demand_scopes(identity, SCOPES)
    found = await find_exception(session, code, identity.viewer, lock=True)
    row, before = found.row, found.document()
    demand_role(identity, ROLES, row.region_id)
    if "revoked" in row.attrs:
        raise Conflict(f"{code!r} was revoked before", message_zh=f"{code!r} 已被撤销")
    today = await read_today(session)
    ends = max(today, row.valid_from or today)
    row.valid_to = ends if row.valid_to is None else min(ends, row.valid_to)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    row.attrs = {**row.attrs, "revoked": {"by": identity.owner, "at": at, "reason": reason}}
    row.row_version += 1
    row.updated_at = datetime.now(UTC)
    await session.flush()
    after = found.document()
    record(session, act, "revoke", table=TABLE, object_id=code, before=before, after=after)
    return found


async def find_exception(
    session: AsyncSession, code: str, viewer: Viewer = EVERYTHING, *, lock: bool = False
) -> Granted:
    """The exception of a code.

    Raises:
        NotFound: there is none the reader may know of.
    """
    query = _query(ExceptionFilter(code=code), viewer)
    if lock:
        query = query.with_for_update(of=ComplianceException)
    found = (await session.execute(query)).one_or_none() if "\x00" not in code else None
    if found is None:
        raise NotFound(f"there is no exception {code!r}", message_zh=f"没有例外 {code!r}")
    return Granted(*found)


async def list_exceptions(
    session: AsyncSession, wanted: ExceptionFilter, viewer: Viewer, *, limit: int
) -> list[Granted]:
    """Exceptions in the regions in which a reader has a role, the newest first."""
    query = _query(wanted, viewer).order_by(ComplianceException.id.desc()).limit(limit)
    return [Granted(*found) for found in await session.execute(query)]


def _query(wanted: ExceptionFilter, viewer: Viewer) -> Any:
    row = ComplianceException
    query: Any = (
        select(row, Project.code, Region.code, ControlArea.code)
        .outerjoin(Project, Project.id == row.project_id)
        .outerjoin(Region, Region.id == row.region_id)
        .outerjoin(ControlArea, ControlArea.id == row.control_area_id)
        .where(row.deleted_at.is_(None))
        .where(works_in(viewer, row.region_id, Project.region_id, ControlArea.region_id))
    )
    if wanted.code is not None:
        query = query.where(row.code == wanted.code)
    if wanted.project is not None:
        query = query.where(Project.code == wanted.project)
    if wanted.rule is not None:
        query = query.where(row.rule == wanted.rule)
    if wanted.before is not None:
        query = query.where(row.id < wanted.before)
    if wanted.day is not None:
        begun = row.valid_from.is_(None) | (row.valid_from <= wanted.day)
        open_still = row.valid_to.is_(None) | (row.valid_to > wanted.day)
        query = query.where(begun, open_still)
    return query


async def find_subject(
    session: AsyncSession, identity: Identity, given: ExceptionGrant, today: date
) -> ExceptionSubject:
    """What an exception is to be about, as the identity may know of it.

    Raises:
        InvalidInput: the rule, project, region or area is not there, or the period is none.
    """
    if given.valid_to is not None and given.valid_to <= (given.valid_from or today):
        raise InvalidInput(
            "valid_to must be after valid_from",
            message_zh="失效日期必须晚于生效日期",
            pointer="/valid_to",
        )
    rule_id = await _optional(session, identity, CONTROL_RULES, given.rule, "rule")
    area_id = await _optional(session, identity, CONTROL_AREAS, given.control_area, "control_area")
    project, wkb = await _shape(session, identity, given)
    region_id = await _optional(session, identity, REGIONS, given.region, "region")
    if project is not None:
        region_id = project.region_id
    return ExceptionSubject(region_id, rule_id, area_id, project, wkb)


async def _shape(
    session: AsyncSession, identity: Identity, given: ExceptionGrant
) -> tuple[check.ProjectShape | None, bytes]:
    if given.project is None:
        return None, given.wkb or b""
    try:
        project = await check.find_project(session, identity.viewer, given.project)
    except (NotFound, InvalidInput) as error:
        raise InvalidInput(
            error.message, message_zh=error.message_zh, pointer="/project"
        ) from error
    return project, project.wkb


async def find_concerned(
    session: AsyncSession, given: ExceptionGrant, subject: ExceptionSubject
) -> frozenset[int]:
    """The regions that answer for the lines or zones an exception is about.

    Raises:
        InvalidInput: nothing of the gap's code is unknown there.
    """
    if subject.rule_id is None:
        return await _of_gap(session, given, subject.project, subject.wkb)
    return await _of_rule(session, subject.rule_id, Given(subject.wkb))


async def _of_gap(
    session: AsyncSession, given: ExceptionGrant, project: check.ProjectShape | None, wkb: bytes
) -> frozenset[int]:
    """The region of what is not known, whatever is to be done there.

    Raises:
        InvalidInput: nothing of that code is unknown there.
    """
    named = () if project is None else project.measures
    asked = check.CheckRequest((*activities().known, *named), given.region)
    try:
        result = await check.check_geometry(session, EVERYTHING, Given(wkb), asked, project=project)
    except InvalidInput as error:
        raise InvalidInput(
            error.message, message_zh=error.message_zh, pointer="/geometry"
        ) from error
    found = next((gap for gap in result.gaps if gap.code == given.gap), None)
    if found is None:
        listed = ", ".join(gap.code for gap in result.gaps)
        raise InvalidInput(
            f"{given.gap!r} is not what is unknown there; that is: {listed or 'nothing'}",
            message_zh=f"{given.gap!r} 不是该处的未知项；未知项为：{listed or '无'}",
            pointer="/gap",
        )
    return frozenset() if found.region_id is None else frozenset({found.region_id})


async def _of_rule(session: AsyncSession, rule_id: int, given: Given) -> frozenset[int]:
    """The regions that answer for the lines or zones the rule would hold in."""
    rule = await session.get_one(ControlRule, rule_id)
    if rule.scope == "control_area":
        kinds = None if rule.subject is None else frozenset({rule.subject})
        _, regions = await read_lines(session, EVERYTHING, given, as_of=None, kinds=kinds)
        return regions
    if rule.scope == "zone_class":
        zones, regions = await read_zones(session, EVERYTHING, given, day=await read_today(session))
        classes = {zone.class_code for zone in zones}
        return regions if rule.subject is None or rule.subject in classes else frozenset()
    if rule.scope == "outside_control_area" and rule.subject is not None:
        around = (await read_around(session, given)).around
        drawn = await read_drawn(session, EVERYTHING, {rule.subject}, around, as_of=None)
        return drawn.get(rule.subject, frozenset())
    return frozenset()


async def _id(
    session: AsyncSession, identity: Identity, entity: Entity, code: str, name: str
) -> int:
    row = await read_feature(session, entity, Selection(identity.viewer, code=code))
    if row is None:
        raise InvalidInput(
            f"there is no {code!r} in {entity.name}",
            message_zh=f"{entity.title.zh}中没有 {code!r}",
            pointer=f"/{name}",
        )
    return row.key


async def _optional(
    session: AsyncSession, identity: Identity, entity: Entity, code: str | None, name: str
) -> int | None:
    return None if code is None else await _id(session, identity, entity, code, name)
