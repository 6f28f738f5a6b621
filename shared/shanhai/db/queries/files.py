"""Uploads, files of datasets that were replaced, and the result files rows refer to."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Text, cast, delete, exists, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.dataset import Dataset, Upload
from shanhai.db.tables.job import Job
from shanhai.errors import NotFound
from shanhai.vocabulary import JobStatus

KEPT = timedelta(hours=24)
FORGOTTEN_AT_ONCE = 20


async def create(session: AsyncSession, upload: Upload, *, act: Act) -> Upload:
    """Register an upload for the next 24 hours."""
    upload.expires_at = func.now() + KEPT
    session.add(upload)
    await session.flush()
    await session.refresh(upload)
    record(session, act, "create", table="upload", object_id=str(upload.id), after=image(upload))
    return upload


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
    unfinished = exists().where(
        Job.status.in_((JobStatus.ACCEPTED, JobStatus.RUNNING)),
        Job.inputs["upload"].astext == cast(Upload.id, Text),
    )
    expired = (
        select(Upload.id)
        .where(Upload.expires_at < func.now(), ~unfinished)
        .limit(FORGOTTEN_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    rows = await session.scalars(delete(Upload).where(Upload.id.in_(expired)).returning(Upload.id))
    return rows.all()


def image(upload: Upload) -> dict[str, object]:
    """What the audit log keeps of an upload."""
    return {
        "owner": upload.owner,
        "received_bytes": upload.received_bytes,
        "total_bytes": upload.total_bytes,
        "sha256": upload.sha256,
    }


async def find_former(
    session: AsyncSession, code: str, checksum: str, *, public: bool
) -> Dataset | None:
    """The dataset that had the code and the file before it was replaced, the latest of them.

    Args:
        session: Where to look.
        code: Its code, which its successor has now.
        checksum: SHA-256 of its file.
        public: Only one that anybody may see.
    """
    statement = (
        select(Dataset)
        .where(
            Dataset.code == code,
            Dataset.checksum == checksum,
            Dataset.deleted_at.is_not(None),
            *([Dataset.public] if public else []),
        )
        .order_by(Dataset.id.desc())
        .limit(1)
    )
    return await session.scalar(statement)


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
