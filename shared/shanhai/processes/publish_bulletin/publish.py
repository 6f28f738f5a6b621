"""The row of a bulletin, in the job's transaction: a draft that may be published."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.bulletins.publication import BulletinDraft, BulletinSubject, add_draft
from shanhai.db.queries.audit import Act
from shanhai.db.tables.delivery import Bulletin
from shanhai.db.tables.plan import Plan
from shanhai.errors import NotFound
from shanhai.processes.kit.publication import job_id_of, region_of
from shanhai.processes.kit.task import Publication
from shanhai.processes.publish_bulletin.contract import PublishBulletinInputs, PublishBulletinTask


async def publish(session: AsyncSession, publication: Publication) -> dict[str, Any]:
    """Keep the bulletin as a draft, with its files and their hashes.

    Raises:
        NotFound: the region was removed, or the task holds no bulletin.
    """
    task, values = publication.task, publication.outcome.values
    held = task.bulletin if isinstance(task, PublishBulletinTask) else None
    if held is None:
        raise NotFound("the task holds no bulletin")
    inputs = PublishBulletinInputs.model_validate(task.inputs)
    region = await region_of(session, task)
    plan_id = await session.scalar(
        select(Plan.id).where(Plan.code == inputs.plan, Plan.deleted_at.is_(None))
    )
    corrects_id = await session.scalar(select(Bulletin.id).where(Bulletin.code == held.corrects))
    draft = BulletinDraft(
        subject=BulletinSubject(region.id, plan_id, inputs.first, inputs.last, inputs.public),
        region=region.code,
        job_id=job_id_of(task),
        issue=held.issue,
        version=held.version,
        corrects_id=corrects_id,
        title_zh=values["title_zh"],
        title_en=values["title_en"],
        template=held.template_code,
        template_version=held.template_version,
        content=values["content"],
        files={
            file.name: {
                "uri": publication.stored[file.name].uri,
                "sha256": publication.stored[file.name].sha256,
                "bytes": publication.stored[file.name].bytes,
                "media_type": file.media_type,
            }
            for file in publication.outcome.files
            if file.path.startswith("bulletin.") or file.name == "content"
        },
    )
    row = await add_draft(session, draft, Act(publication.requested_by))
    return {
        "bulletin": row.code,
        "state": row.state,
        "version": row.version,
        "issue": row.issue,
        "warnings": publication.outcome.warnings,
    }
