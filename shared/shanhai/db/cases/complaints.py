"""Complaints: what anybody reports of a place becomes a case, and is answered before it is closed.

Who reported is kept by `contact_detail` alone; the reporter reads state and answer by a receipt.
"""

import secrets
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.base import STORAGE_SRID
from shanhai.db.cases import leads
from shanhai.db.cases.queries import CaseSeen
from shanhai.db.comments import BY_PUBLIC, PersonTold, add_contact
from shanhai.db.compliance.intersections import Given
from shanhai.db.compliance.overlaps import read_lines
from shanhai.db.engine import read_today
from shanhai.db.fence import RowScope
from shanhai.db.identity import EVERYTHING, Identity
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.notice import Complaint
from shanhai.db.tables.provision import Document
from shanhai.errors import Conflict, InvalidInput, NotFound
from shanhai.passwords import digest_of_secret
from shanhai.storage.artifacts import StoredArtifact

SOURCE = "public"
"""What the register of cases calls the public."""
MOST_PHOTOS = 5
_CIRCLE = sa.text(
    "SELECT ST_AsBinary(ST_Multi(ST_Buffer("
    f"ST_GeomFromWKB(:wkb, {STORAGE_SRID})::geography, :metres)::geometry))"
)
_REGION = sa.text(
    "SELECT r.id FROM region r WHERE r.deleted_at IS NULL"  # noqa: S608 - a constant
    " AND r.level <> 'cooperation' AND (r.valid_to IS NULL OR r.valid_to > current_date)"
    f" AND ST_Intersects(r.geom, ST_GeomFromWKB(:wkb, {STORAGE_SRID}))"
    " ORDER BY ST_Area(r.geom), r.code LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class ComplaintContents:
    """What a reporter sends; `wkb` is the point, known to `accuracy_m` metres."""

    kind: str
    text: str
    seen_on: date
    wkb: bytes
    accuracy_m: float


async def open_complaint(
    session: AsyncSession,
    new: ComplaintContents,
    told: PersonTold,
    *,
    caller: Identity,
    request_id: str | None,
    verify_days: int,
    retention_days: int,
) -> str:
    """Open the case of a complaint in the smallest region it lies in; the code of its receipt.

    The area of the case is the circle the place lies in for sure, and its earlier day the one
    before it was seen: nothing is known of what was there before.

    Raises:
        InvalidInput: it was seen in the future or long ago, or lies in no known region.
    """
    today = await read_today(session)
    if not today - timedelta(days=365) <= new.seen_on <= today:
        raise InvalidInput(
            f"seen_on must lie in the year before today, {today}",
            message_zh=f"发现日期须在今天 {today} 之前一年以内",
            pointer="/seen_on",
        )
    region = await session.scalar(_REGION, {"wkb": new.wkb})
    if region is None:
        raise InvalidInput(
            "the place lies in no known region",
            message_zh="地点不在任何已知区域内",
            pointer="/place",
        )
    code = f"complaint-{secrets.token_hex(8)}"
    circle: bytes = await session.scalar(_CIRCLE, {"wkb": new.wkb, "metres": new.accuracy_m})
    lead = leads.Lead(
        source=SOURCE,
        external_id=code,
        kind=new.kind,
        sensed_before=new.seen_on - timedelta(days=1),
        sensed_after=new.seen_on,
        confidence=None,
        wkb=circle,
    )
    lines, _ = await read_lines(session, EVERYTHING, Given(circle), as_of=new.seen_on)
    inside = max((line.measure.area_m2 or 0.0 for line in lines), default=0.0)
    rule = leads.CaseRule({}, verify_days)
    act = Act(BY_PUBLIC, request_id, None)
    opened = await leads.open_case(session, act, lead, rule, lines, inside, region)
    case_id = await session.scalar(
        sa.text("SELECT id FROM lead_case WHERE code = :code"), {"code": opened.case}
    )
    receipt = secrets.token_urlsafe(24)
    row = Complaint(
        code=code, case_id=case_id, text=new.text, receipt_sha256=digest_of_secret(receipt)
    )
    session.add(row)
    await session.flush()
    if told.given or not caller.anonymous:
        delete_on = today + timedelta(days=retention_days)
        add_contact(session, told, caller, delete_on, complaint_id=row.id)
    return receipt


async def read_complaint(session: AsyncSession, case_id: int) -> Complaint | None:
    """The complaint a case was opened for; None where it was opened for something else."""
    query = sa.select(Complaint).where(Complaint.case_id == case_id)
    return await session.scalar(query.execution_options(populate_existing=True))


async def find_complaint(session: AsyncSession, case: CaseSeen) -> Complaint:
    """The complaint of a case.

    Raises:
        NotFound: the case was opened for something else.
    """
    found = await read_complaint(session, case.id)
    if found is None:
        raise NotFound(
            f"case {case.code!r} was opened for no complaint",
            message_zh=f"案件 {case.code!r} 并非由公众举报立案",
        )
    return found


async def add_photo(
    session: AsyncSession, receipt: str, file: StoredArtifact, *, request_id: str | None
) -> int:
    """Register a photo of a complaint as a document of its case; how many there are now.

    Raises:
        NotFound: there is no such receipt.
        Conflict: the case is closed, or has photos enough.
    """
    row = await session.scalar(
        sa.select(Complaint)
        .where(Complaint.receipt_sha256 == digest_of_secret(receipt))
        .with_for_update()
    )
    if row is None:
        raise NotFound("there is no such receipt", message_zh="没有该回执")
    case = (
        await session.execute(
            sa.text("SELECT code, region_id, state FROM lead_case WHERE id = :id"),
            {"id": row.case_id},
        )
    ).one()
    if case.state == "closed" or row.photos >= MOST_PHOTOS:
        raise Conflict(
            f"the complaint is closed, or has {MOST_PHOTOS} photos already",
            message_zh=f"举报已办结，或已有 {MOST_PHOTOS} 张照片",
        )
    row.photos += 1
    # Whoever has the receipt writes into the region of the case, with no role there.
    scope = RowScope.of(frozenset({case.region_id}), known=False)
    await session.execute(sa.text(scope.writing))
    document = Document(
        code=f"document-{secrets.token_hex(8)}",
        owner_collection="cases",
        owner_code=case.code,
        region_id=case.region_id,
        title_zh=f"举报照片 {row.photos}",
        title_en=f"Photo {row.photos} of the complaint",
        kind="photo",
        filename=f"photo-{row.photos}.jpg",
        media_type="image/jpeg",
        bytes=file.bytes,
        sha256=file.sha256,
        uri=file.uri,
        uploaded_by=BY_PUBLIC,
    )
    session.add(document)
    await session.flush()
    after = {"case": case.code, "bytes": file.bytes, "sha256": file.sha256}
    act = Act(BY_PUBLIC, request_id, None)
    record(session, act, "create", table="document", object_id=document.code, after=after)
    return row.photos


def demand_answer(found: Complaint | None, target: str, answer: str | None) -> None:
    """Refuse to close a complaint without an answer, or to answer anything else.

    Raises:
        InvalidInput: the answer is missing, or answers nobody.
    """
    closing = found is not None and target == "closed"
    if closing and answer is None:
        raise InvalidInput(
            "answer is needed: whoever complained is answered before the case is closed",
            message_zh="缺少 answer：销号前须答复举报人",
            pointer="/answer",
        )
    if answer is not None and not closing:
        raise InvalidInput(
            "answer belongs to closing the case of a complaint",
            message_zh="answer 只用于公众举报案件的销号",
            pointer="/answer",
        )
