"""Files sent by clients, kept for a day."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Text, cast, delete, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act, record
from shanhai.db.tables import Job, Upload
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
