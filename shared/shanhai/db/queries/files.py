"""Uploads, files of datasets that were replaced, and the result files rows refer to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, delete, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.data_sources import DATASETS
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Identity, Viewer
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.dataset import Dataset, Upload
from shanhai.db.tables.job import Job
from shanhai.errors import Conflict, NotFound, RateLimited, demand_state
from shanhai.vocabulary import ROLE_SCOPES, JobStatus, Scope

KEPT = timedelta(hours=24)
FORGOTTEN_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class UploadQuota:
    """What may wait at the same time: files, and bytes of all of them; 0 is no limit."""

    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class UploadShare:
    """What waits of what may: of an identity or, with a `region`, of all who work in it."""

    region: str | None
    quota: UploadQuota
    files: int
    bytes: int
    frees_at: datetime | None

    @property
    def policy(self) -> str:
        """Its name in the headers of answers."""
        return "uploads" if self.region is None else f"uploads-{self.region}"

    def left(self) -> Iterator[tuple[str, int, int]]:
        """Of what is limited: the unit, the limit, and what is left of it."""
        for unit, most, used in (
            ("content-bytes", self.quota.bytes, self.bytes),
            ("files", self.quota.files, self.files),
        ):
            if most:
                yield unit, most, max(0, most - used)


def share_headers(shares: Sequence[UploadShare]) -> dict[str, str]:
    """The fields of the draft standard `draft-ietf-httpapi-ratelimit-headers`, where any is due."""
    fields = [
        (f'"{share.policy}-{unit}";q={most};qu="{unit}"', f'"{share.policy}-{unit}";r={left}')
        for share in shares
        for unit, most, left in share.left()
    ]
    names = ("RateLimit-Policy", "RateLimit")
    told = zip(*fields, strict=True)  # nothing, where there is no limit
    return {name: ", ".join(texts) for name, texts in zip(names, told, strict=False)}


_TURNS = text("SELECT pg_advisory_xact_lock(7405231866014512005)")
_SHARES = text(
    """WITH root AS (
         SELECT id, code FROM region
          WHERE id = ANY(:held) AND (parent_id IS NULL OR parent_id <> ALL(:held))
       ), waiting AS (
         SELECT owner, region_ids, expires_at, coalesce(total_bytes, received_bytes) AS bytes
           FROM upload WHERE expires_at > now()
       )
       SELECT NULL::bigint AS id, NULL AS region, count(*) AS files,
              coalesce(sum(bytes), 0)::bigint AS bytes, min(expires_at) AS frees_at
         FROM waiting WHERE owner = :owner
       UNION ALL
       SELECT root.id, root.code, count(bytes), coalesce(sum(bytes), 0)::bigint, min(expires_at)
         FROM root LEFT JOIN waiting ON root.id = ANY(region_ids) GROUP BY root.id, root.code
        ORDER BY 2 NULLS FIRST"""
)


async def read_shares(
    session: AsyncSession, who: Identity, *, of_one: UploadQuota, of_region: UploadQuota
) -> tuple[list[UploadShare], list[int]]:
    """What waits of an identity and of each region its roles name, and those regions' ids.

    Who computes in every region counts to none.
    """
    computing = [grant for grant in who.grants or () if Scope.JOBS in ROLE_SCOPES[grant.role]]
    held = frozenset[int]().union(*(grant.regions or () for grant in computing))
    rows = (await session.execute(_SHARES, {"owner": who.owner, "held": sorted(held)})).all()
    shares = [
        UploadShare(
            row.region, of_one if row.id is None else of_region, row.files, row.bytes, row.frees_at
        )
        for row in rows
    ]
    return shares, [row.id for row in rows if row.id is not None]


async def reserve(
    session: AsyncSession,
    upload: Upload,
    who: Identity,
    *,
    of_one: UploadQuota,
    of_region: UploadQuota,
) -> None:
    """Enter an upload before its bytes come, for the next 24 hours.

    Raises:
        RateLimited: as much waits already, of the identity or of a region it works in.
    """
    # Two who count at the same time would both find room.
    await session.execute(_TURNS)
    shares, upload.region_ids = await read_shares(session, who, of_one=of_one, of_region=of_region)
    for share in shares:
        _demand_room(share, upload.total_bytes or 0, shares)
    upload.expires_at = func.now() + KEPT
    session.add(upload)
    await session.flush()


def _demand_room(share: UploadShare, more: int, shares: Sequence[UploadShare]) -> None:
    for unit, most, left in share.left():
        needed = more if unit == "content-bytes" else 1
        if needed <= left:
            continue
        wanted, wanted_zh = ("bytes", "字节") if unit == "content-bytes" else ("files", "个文件")
        whose, whose_zh = "yours", "您"
        if share.region is not None:
            whose, whose_zh = f"all who work in {share.region}", f" {share.region} 全体人员"
        raise RateLimited(
            f"uploads of {whose} may have {most} {wanted} at the same time; {left} are left and"
            f" {needed} needed: delete some that wait (GET /uploads), or try later",
            message_zh=f"{whose_zh}的上传同时最多 {most} {wanted_zh}，尚余 {left}，需要 {needed}："
            "请删除等待中的上传（GET /uploads），或稍后再试",
            retry_after_s=_seconds_until(share.frees_at),
            headers=share_headers(shares),
        )


def _seconds_until(moment: datetime | None) -> int:
    """Until the first upload expires; what is larger than the quota has nothing to wait for."""
    seconds = (
        KEPT.total_seconds() if moment is None else (moment - datetime.now(UTC)).total_seconds()
    )
    return max(1, ceil(seconds))


async def complete(
    session: AsyncSession, upload_id: UUID, *, received: int, sha256: str | None, act: Act
) -> Upload:
    """Register what has arrived of an upload that was entered before.

    Raises:
        Conflict: it was deleted meanwhile.
    """
    upload = await session.get(Upload, upload_id, with_for_update=True)
    if upload is None:
        raise Conflict("the upload was deleted meanwhile", message_zh="该上传已被删除")
    upload.received_bytes, upload.sha256 = received, sha256
    if sha256 is not None:
        upload.total_bytes = received
    await session.flush()
    record(session, act, "create", table="upload", object_id=str(upload.id), after=image(upload))
    return upload


async def release(session: AsyncSession, upload_id: UUID) -> bool:
    """Take back an entry of which nothing was registered; whether there is none now."""
    await session.execute(delete(Upload).where(Upload.id == upload_id, Upload.received_bytes == 0))
    return await session.get(Upload, upload_id) is None


async def list_uploads(session: AsyncSession, *, owner: str) -> Sequence[Upload]:
    """What waits of an owner, the newest first."""
    query = select(Upload).where(Upload.owner == owner, Upload.expires_at > func.now())
    return (await session.scalars(query.order_by(Upload.created_at.desc(), Upload.id))).all()


def state_of_upload(upload: Upload) -> str:
    """What tells an upload from what it was before more of it arrived."""
    return str(upload.received_bytes)


def demand_received(upload: Upload, expected: frozenset[str] | None) -> None:
    """Refuse to write to an upload of which more or less has arrived than somebody has read.

    Raises:
        Stale: it is in none of the states expected.
    """
    demand_state(state_of_upload(upload), expected, f"upload {upload.id}", f"上传 {upload.id}")


async def remove(
    session: AsyncSession,
    upload_id: UUID,
    *,
    owner: str,
    act: Act,
    expected: frozenset[str] | None = None,
) -> None:
    """Delete an upload of the owner; its file may go then.

    Raises:
        NotFound: there is none.
        Conflict: a job that has not ended needs it.
        Stale: it is in none of the states expected.
    """
    upload = await find(session, upload_id, owner=owner, lock=True)
    demand_received(upload, expected)
    if await session.scalar(select(_needed()).where(Upload.id == upload_id)):
        raise Conflict(
            f"a job that has not ended needs the upload {upload_id}",
            message_zh=f"尚未结束的作业需要上传 {upload_id}",
        )
    record(session, act, "delete", table="upload", object_id=str(upload_id), before=image(upload))
    await session.delete(upload)


async def find(session: AsyncSession, upload_id: UUID, *, owner: str, lock: bool = False) -> Upload:
    """An upload of the owner.

    Raises:
        NotFound: there is none, it has expired, or it is somebody else's.
    """
    query = select(Upload).where(
        Upload.id == upload_id, Upload.owner == owner, Upload.expires_at > func.now()
    )
    row = await session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise NotFound(f"there is no upload {upload_id}", message_zh=f"没有上传 {upload_id}")
    return row


async def forget_expired(session: AsyncSession) -> Sequence[UUID]:
    """Delete the rows of expired uploads no unfinished job needs; their files may go then."""
    expired = (
        select(Upload.id)
        .where(Upload.expires_at < func.now(), ~_needed())
        .limit(FORGOTTEN_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    rows = await session.scalars(delete(Upload).where(Upload.id.in_(expired)).returning(Upload.id))
    return rows.all()


def _needed() -> ColumnElement[bool]:
    """Whether a job that has not ended needs the upload."""
    return exists().where(
        Job.status.in_((JobStatus.ACCEPTED, JobStatus.RUNNING)),
        Job.inputs["upload"].astext == cast(Upload.id, Text),
    )


def image(upload: Upload) -> dict[str, object]:
    """What the audit log keeps of an upload."""
    return {
        "owner": upload.owner,
        "received_bytes": upload.received_bytes,
        "total_bytes": upload.total_bytes,
        "sha256": upload.sha256,
    }


async def find_former(
    session: AsyncSession, code: str, checksum: str, viewer: Viewer
) -> Dataset | None:
    """The dataset that had the code and the file before it was replaced, the latest of them.

    Args:
        session: Where to look.
        code: Its code, which its successor has now.
        checksum: SHA-256 of its file.
        viewer: Who asks; only one they might see.
    """
    met = " AND ".join(("true", *visibility(DATASETS, viewer)))
    seen = text(f"dataset.id IN (SELECT d.id FROM {DATASETS.source} WHERE {met})")  # noqa: S608
    statement = (
        select(Dataset)
        .where(
            Dataset.code == code,
            Dataset.checksum == checksum,
            Dataset.deleted_at.is_not(None),
            seen,
        )
        .order_by(Dataset.id.desc())
        .limit(1)
    )
    return await session.scalar(statement, viewer_values(viewer))


HOLDERS = (
    ("dataset", "uri"),
    ("document", "uri"),
    ("observation_archive", "uri"),
    ("bulletin", "files"),
    ("job", "task"),
    ("job", "result"),
)
"""Tables and columns: an address, or a document with addresses anywhere in it."""

ADDRESS = r"objects/[0-9a-f]{2}/[0-9a-f]{64}(?:\.[a-z0-9]{1,10})*"


async def read_references(session: AsyncSession) -> set[str]:
    """The addresses that rows and their former states name, in one state of the database."""
    await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    found: set[str] = set()
    for table, column in HOLDERS:
        for name in (table, f"{table}_history"):
            if await session.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is None:
                continue
            query = text(
                f"SELECT DISTINCT m[1] FROM {name},"  # noqa: S608 - names are those above
                f" regexp_matches({column}::text, :address, 'g') m"
            )
            found.update(await session.scalars(query, {"address": f"({ADDRESS})"}))
    return found
