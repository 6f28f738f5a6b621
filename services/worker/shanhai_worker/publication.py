"""From what a child left in its workspace to published results: all or nothing, then a PDF."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.authentication import Authenticator
from shanhai.db.identity import Identity
from shanhai.db.tables.job import Job
from shanhai.errors import Conflict, Forbidden, ShanhaiError, Unauthenticated
from shanhai.jobs.states import Claim, Standing, hold, succeed, tell_results
from shanhai.processes.catalogue import CONTRACTS, publish_of, read_task, resolution_of
from shanhai.processes.kit.publication import identity_of, publish_values, with_rights
from shanhai.processes.kit.report_pdf import NOT_SET, STAGE, completed, is_followed
from shanhai.processes.kit.task import AuthorityTask, Outcome, OutputFile, Publication, Task
from shanhai.storage.artifacts import ArtifactStore, StoredArtifact
from shanhai_worker.context import WorkerContext

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

STORED_AT_ONCE = 4
"""Files that are stored at a time: most of it is waiting for a disk, or for a store."""


def task_of(claim: Claim) -> Task:
    """The task as it was accepted, with the job it belongs to."""
    task = read_task(claim.task)
    return task.model_copy(update={"job_id": str(claim.lease.job_id)})


async def store_files(
    artifacts: ArtifactStore, outcome: Outcome, work: Path
) -> dict[str, StoredArtifact]:
    """Put every file into the store, durably, before any row can refer to it."""
    stored: dict[str, StoredArtifact] = {}
    await _store(artifacts, work, stored, outcome.files)
    return stored


async def _store(
    artifacts: ArtifactStore,
    work: Path,
    stored: dict[str, StoredArtifact],
    files: Sequence[OutputFile],
) -> None:
    room = asyncio.Semaphore(STORED_AT_ONCE)

    async def put(file: OutputFile) -> None:
        path, suffix = _inside(work, file.path), Path(file.path).suffix
        async with room:
            stored[file.name] = await asyncio.to_thread(artifacts.put, path, suffix=suffix)

    try:
        async with asyncio.TaskGroup() as tasks:
            for file in files:
                tasks.create_task(put(file))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed


async def publish(
    context: WorkerContext,
    claim: Claim,
    outcome: Outcome,
    stored: Mapping[str, StoredArtifact],
    work: Path,
) -> tuple[Standing, dict[str, Any] | None]:
    """Write the results in one transaction, and end the job unless a PDF follows.

    Returns:
        What the job's standing was: only a job that was held has been published. With it the
        result to which a PDF follows; None where the job has ended.
    """
    result, follows = None, is_followed(outcome, CONTRACTS[claim.kind])
    if follows:
        told = [*outcome.warnings, NOT_SET.document()]
        outcome = outcome.model_copy(update={"warnings": told})
    task = task_of(claim)
    write = await asyncio.to_thread(publish_of, claim.kind)  # may import libraries
    async with context.sessions.begin() as session:
        standing = await hold(session, claim.lease)
        if standing is Standing.HELD:
            published = await session.scalar(select(Job.result).where(Job.id == claim.lease.job_id))
            if published is not None:  # the answer to the commit was lost, not the commit
                return standing, published
            allowed, outcome = await _as_allowed(context, session, claim, task, outcome)
            kept = dict(stored)  # a transaction that is tried again begins with what was computed
            again = partial(_store, context.artifacts, work, kept)
            publication = Publication(allowed, outcome, kept, claim.requested_by, work, again)
            values = await write(session, publication)
            CONTRACTS[claim.kind].declared(Outcome(values=values))
            result = result_of(claim, task, outcome, kept, values)
            if follows:
                lease_s = context.settings.lease_s
                await tell_results(
                    session, claim.lease, result=result, stage=STAGE, lease_s=lease_s
                )
            else:
                await succeed(session, claim.lease, result=result)
    return standing, result if follows else None


async def complete(
    context: WorkerContext,
    claim: Claim,
    result: Mapping[str, Any],
    pdf: Outcome,
    stored: Mapping[str, StoredArtifact],
) -> Standing:
    """Add the PDF to a result that is published, or why there is none, and end the job.

    Returns:
        What the job's standing was: only a job that was held has been completed.
    """
    warnings = [*_without_notice(result["warnings"]), *pdf.warnings]
    values, files = dict(result["values"]), dict(result["outputs"])
    if "warnings" in values:
        values["warnings"] = [*_without_notice(values["warnings"]), *pdf.warnings]
    files |= {file.name: _describe(file, stored[file.name]) for file in pdf.files}
    checksums = {file.name: stored[file.name].sha256 for file in pdf.files}
    whole = {
        "outputs": files,
        "values": values,
        "manifest": completed(result["manifest"], checksums, pdf.warnings),
        "warnings": warnings,
    }
    async with context.sessions.begin() as session:
        standing = await hold(session, claim.lease)
        if standing is Standing.HELD:
            await succeed(session, claim.lease, result=whole)
    return standing


def _without_notice(warnings: list[dict[str, str]]) -> list[dict[str, str]]:
    return [one for one in warnings if one["code"] != NOT_SET.code]


async def _as_allowed(
    context: WorkerContext, session: AsyncSession, claim: Claim, task: Task, outcome: Outcome
) -> tuple[Task, Outcome]:
    """The task with the rights its owner has by now; what they may publish no more stays a draft.

    Raises:
        Unauthenticated: Their identity has ended, and the job would act in their name.
    """
    try:
        if task.authority is not None:
            owner = await _recall(context, session, claim, task.authority)
            task = with_rights(task, owner)
    except Unauthenticated as error:
        if CONTRACTS[task.process].acts_for_caller(task.inputs):
            raise
        return _kept_back(task, outcome, error)
    if not CONTRACTS[task.process].wishes_to_publish(task.inputs):
        return task, outcome
    try:
        resolution = await asyncio.to_thread(resolution_of, task.process)  # may import libraries
        await resolution.demand_publishable(session, task, identity_of(task))
    except (Unauthenticated, Forbidden, Conflict) as error:
        return _kept_back(task, outcome, error)
    return task, outcome


async def _recall(
    context: WorkerContext, session: AsyncSession, claim: Claim, kept: AuthorityTask
) -> Identity:
    authenticator = Authenticator(context.sessions, context.sessions.begin, session, context.oidc)
    return await authenticator.recall(
        claim.requested_by,
        None,
        groups=frozenset(kept.groups),
        proofs=frozenset(kept.proofs),
        anywhere=True,
    )


def _kept_back(task: Task, outcome: Outcome, error: ShanhaiError) -> tuple[Task, Outcome]:
    log.warning("result kept as a draft", reason=error.message)
    warning = {
        "code": "not_published",
        "detail": f"kept as a draft, not published: {error.message}",
        "detail_zh": f"未发布，保留为草案：{error.message_zh}",
    }
    warnings = [*outcome.warnings, warning]
    inputs = {**task.inputs, **CONTRACTS[task.process].draft_input}
    kept = task.model_copy(update={"inputs": inputs})
    return kept, outcome.model_copy(update={"warnings": warnings})


def is_all_in_values(task: Task, outcome: Outcome) -> bool:
    """Whether the values are all there is to publish, and nobody's rights bear on that."""
    return (
        not outcome.files
        and task.authority is None
        and not CONTRACTS[task.process].wishes_to_publish(task.inputs)
        and publish_of(task.process) is publish_values
    )


def result_of(
    claim: Claim,
    task: Task,
    outcome: Outcome,
    stored: Mapping[str, StoredArtifact],
    values: dict[str, Any],
) -> dict[str, Any]:
    """The result as the job's row keeps it."""
    return {
        "outputs": {file.name: _describe(file, stored[file.name]) for file in outcome.files},
        "values": values,
        "manifest": _base_manifest(claim, task) | outcome.manifest,
        "warnings": outcome.warnings,
    }


def _describe(file: OutputFile, stored: StoredArtifact) -> dict[str, Any]:
    return {
        "uri": stored.uri,
        "sha256": stored.sha256,
        "bytes": stored.bytes,
        "media_type": file.media_type,
        "title_zh": file.title_zh,
        "title_en": file.title_en,
    }


def _base_manifest(claim: Claim, task: Task) -> dict[str, Any]:
    """What any process needs to be run again with the same result."""
    return {
        "process": claim.kind,
        "inputs": task.inputs,
        "seed": claim.seed,
        "software": claim.software,
        "datasets": {
            theme: {"code": dataset.code, "sha256": dataset.checksum}
            for theme, dataset in task.datasets.items()
        },
    }


def _inside(work: Path, relative: str) -> Path:
    path = (work / relative).resolve()
    if not path.is_relative_to(work.resolve()):
        raise ValueError(f"output file {relative!r} lies outside the workspace")
    return path
