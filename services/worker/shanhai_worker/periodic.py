"""What runs by the clock: lost jobs, left files, tile shapes, months, alert rules, schedules."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai import __version__, crypto, syslog
from shanhai.db.alerts import observation_evaluation, plan_evaluation
from shanhai.db.alerts.transitions import send_notices
from shanhai.db.authentication import Authenticator
from shanhai.db.comments import forget_contacts
from shanhai.db.duties import mark_late
from shanhai.db.observations.archive import close_month
from shanhai.db.observations.partitions import make_months, months_ahead
from shanhai.db.observations.retention import draw_lines, find_due
from shanhai.db.observations.rollups import PORTION_DAYS, prune_changes, sum_up
from shanhai.db.queries import audit_chain
from shanhai.db.queries.audit import Act
from shanhai.db.queries.files import read_references
from shanhai.db.queries.system_status import forget_worker, note_worker
from shanhai.db.tables.dataset import Upload
from shanhai.db.tables.job import Job
from shanhai.db.tiles.simplification import fill_portions
from shanhai.db.tiles.simplification import prune_changes as prune_tile_changes
from shanhai.errors import InvalidInput, ShanhaiError, Unavailable
from shanhai.jobs.fair_queue import admit
from shanhai.jobs.upkeep import Attended, attend_to_next, reap, take_undispatched
from shanhai.settings import AuditSettings, WorkerSettings
from shanhai.storage.artifacts import GRACE_S, TooMany, demand_few, find_orphans, remove
from shanhai.vocabulary import JobStatus
from shanhai_worker.child_process import FOLDERS
from shanhai_worker.context import DATABASE_ERRORS, WorkerContext

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

DISPATCH_AFTER_S = 5.0


async def reap_jobs(context: WorkerContext) -> None:
    """Reap every second while there is what could be reaped or sent, for ever."""
    while True:
        try:
            await reap_once(context)
        except DATABASE_ERRORS as error:
            log.warning("nothing reaped", error=type(error).__name__)
        await context.agenda.wait_for("jobs")


async def reap_once(context: WorkerContext) -> None:
    """Take back expired jobs, let others into the line, then send those that wait unsent."""
    async with context.sessions.begin() as session:
        reaped = await reap(session, max_crashes=context.settings.max_crashes)
    for job in reaped:
        context.meters.expiries.inc()
        log.warning("lease expired", job_id=str(job.job_id), status=job.status.value)
    async with context.sessions.begin() as session:
        await admit(session, quota=context.quota)
    async with context.sessions.begin() as session:
        unsent = await take_undispatched(session, after_s=DISPATCH_AFTER_S)
    for lease in unsent:
        sent = await context.dispatcher.dispatch(lease.job_id, lease.attempt)
        context.meters.dispatches.labels(str(sent).lower()).inc()


PRESENT_S = 30.0
FAREWELL_S = 5.0


async def tell_presence(context: WorkerContext) -> None:
    """Say every half a minute that this worker runs, until it is stopped; then that it does not."""
    slots = context.settings.slots
    try:
        while True:
            try:
                async with context.sessions.begin() as session:
                    await note_worker(session, context.name, version=__version__, slots=slots)
            except DATABASE_ERRORS as error:
                log.warning("presence not told", error=type(error).__name__)
            await asyncio.sleep(PRESENT_S)
    finally:
        try:
            async with asyncio.timeout(FAREWELL_S), context.sessions.begin() as session:
                await forget_worker(session, context.name)
        except DATABASE_ERRORS as error:
            log.warning("presence not ended", error=type(error).__name__)


SWEEP_S = 600.0
FILES_EVERY_S = 6 * 3600.0
GOING_ON = (JobStatus.ACCEPTED, JobStatus.RUNNING)


async def remove_leftovers(context: WorkerContext) -> None:
    """Look every ten minutes, for files every six hours, for ever."""
    files_at: float | None = None
    while True:
        try:
            await asyncio.to_thread(remove_folders, context.settings)
            await sweep(context)
            await sweep_contacts(context)
            if files_at is None or time.monotonic() - files_at >= FILES_EVERY_S:
                files_at = time.monotonic()
                await sweep_files(context)
        except TooMany as error:
            log.error("no files removed", reason=error.message)
        except (Unavailable, *DATABASE_ERRORS) as error:
            log.warning("nothing swept", error=type(error).__name__)
        await asyncio.sleep(SWEEP_S)


async def sweep(context: WorkerContext) -> None:
    """Remove what jobs kept that have ended, or that there are no more."""
    for folders in context.outliving:
        kept = await asyncio.to_thread(folders.jobs)
        if not kept:
            continue
        for job_id in set(kept) - await _going_on(context, kept):
            await asyncio.to_thread(folders.drop, job_id)
            log.info("leftovers removed", job_id=str(job_id))


LEFT_S = 86400.0
"""How much longer than its job may run a folder is let alone, for what follows the computation."""


def remove_folders(settings: WorkerSettings) -> None:
    """Remove what workers that were killed have left of their jobs."""
    runs_s = [float(entry.rpartition(":")[2]) for entry in settings.limits]
    before = time.time() - max(settings.job_timeout_s, *runs_s, 0.0) - LEFT_S
    for folder in Path(settings.scratch or tempfile.gettempdir()).glob(f"{FOLDERS}*"):
        with suppress(OSError):  # another worker may be at it, too
            if folder.stat().st_mtime < before:
                shutil.rmtree(folder)
                log.info("folder of a killed worker removed", folder=folder.name)


async def sweep_contacts(context: WorkerContext) -> int:
    """Delete who took part in what is over for as long as the law lets it be kept; how many."""
    async with context.sessions.begin() as session:
        forgotten = await forget_contacts(session, BY_POLICY)
    if forgotten:
        log.info("contacts deleted", number=forgotten)
    return forgotten


async def _going_on(context: WorkerContext, jobs: Collection[UUID]) -> set[UUID]:
    async with context.sessions() as session:
        query = select(Job.id).where(Job.id.in_(jobs), Job.status.in_(GOING_ON))
        return set(await session.scalars(query))


async def sweep_files(context: WorkerContext) -> None:
    """Remove result files that no row has named for a while, and uploads that have none.

    Raises:
        TooMany: So many that something else must be wrong.
    """
    store = context.artifacts
    async with context.sessions() as session:
        referenced = await read_references(session)
        uploads = set(await session.scalars(select(Upload.id)))
    orphans, number = await asyncio.to_thread(find_orphans, store, referenced)
    demand_few(orphans, number)
    removed, size = await asyncio.to_thread(remove, store, orphans)
    before, there = time.time() - GRACE_S, await asyncio.to_thread(lambda: [*store.uploads()])
    left = {upload for upload, at in there if at < before and upload not in uploads}
    for upload in left:
        await asyncio.to_thread(store.drop_upload, upload)
    if removed or left:
        log.info("files removed", files=removed, bytes=size, uploads=len(left))


TILE_LOG_S = 30.0


async def maintain_tiles(context: WorkerContext) -> None:
    """Make shapes as they are waited for and forget old changes now and then, for ever."""
    pruned_at = 0.0
    while True:
        done = 0
        try:
            done = await fill_portions(context.sessions)
            if time.monotonic() - pruned_at >= TILE_LOG_S:
                pruned_at = time.monotonic()
                await _prune(context)
        except DATABASE_ERRORS as error:
            log.warning("nothing done for tiles", error=type(error).__name__)
        if not done:
            await context.agenda.wait_for("shapes", most_s=TILE_LOG_S)


async def _prune(context: WorkerContext) -> None:
    async with context.sessions.begin() as session:
        forgotten = await prune_tile_changes(session)
    if forgotten:
        log.info("changes of tiles forgotten", number=forgotten)


STATISTICS_S = 10.0
"""Seconds between looks for days that are due, while there are few."""
SETTLED = timedelta(minutes=1)
"""How long nothing must have come for a day that is over."""
TIDY_S = 3600.0
MONTHS_AHEAD = 2


async def maintain_statistics(context: WorkerContext) -> None:
    """Sum up days as they are due, and make months ahead now and then, for ever."""
    tidied_at: float | None = None
    while True:
        done = 0
        try:
            if tidied_at is None or time.monotonic() - tidied_at >= TIDY_S:
                await _tidy(context)
                tidied_at = time.monotonic()
            async with context.sessions.begin() as session:
                done = await sum_up(session, settled=SETTLED)
        except DATABASE_ERRORS as error:
            log.warning("nothing done for observations", error=type(error).__name__)
        await asyncio.sleep(0 if done >= PORTION_DAYS else STATISTICS_S)


async def _tidy(context: WorkerContext) -> None:
    async with context.sessions.begin() as session:
        made = await make_months(session, months_ahead(datetime.now(UTC), MONTHS_AHEAD))
    async with context.sessions.begin() as session:
        forgotten = await prune_changes(session)
    if made or forgotten:
        log.info("observations kept", months=[str(month) for month in made], forgotten=forgotten)


MONTHS_S = 3600.0
BY_POLICY = Act("keeper")


async def maintain_months(context: WorkerContext, after_months: int) -> None:
    """Look every hour, for ever.

    Args:
        after_months: How long a month must be over to be put into a file.
    """
    while True:
        try:
            await keep_months(context, after_months)
        except (ShanhaiError, *DATABASE_ERRORS) as error:
            log.warning("months of observations not kept", error=str(error)[:300])
        await asyncio.sleep(MONTHS_S)


async def keep_months(context: WorkerContext, after_months: int) -> list[date]:
    """Draw the lines of policies and close the months that are due; which were closed."""
    async with context.sessions.begin() as session:
        drawn = await draw_lines(session, act=BY_POLICY)
    for one in drawn:
        log.info("values removed by policy", property=one.property, before=one.line.isoformat())
    async with context.sessions() as session:
        due = await find_due(session, after_months=after_months)
    done = []
    for month in due:
        try:
            closed = await close_month(
                context.sessions, context.artifacts, month, scratch=context.settings.scratch
            )
        except ShanhaiError as error:
            # The others can be closed all the same.
            log.warning("month not closed", month=f"{month:%Y-%m}", error=error.message)
            continue
        if closed is not None:
            done.append(month)
            log.info("month closed", month=f"{month:%Y-%m}", rows=closed.rows, bytes=closed.bytes)
    return done


AGAIN_S = 30.0
"""Seconds until the chain is looked at once more where the database was away."""


class AuditKeeper:
    """What one worker knows of the chain."""

    def __init__(self, context: WorkerContext, settings: AuditSettings) -> None:
        self._context = context
        self._settings = settings
        self._meters = context.meters.watch
        self._key = _signing_key(settings)
        self._public = _public_keys(settings, self._key)
        self._known: audit_chain.Head | None = None

    async def run(self) -> None:
        """Look now and then, for ever."""
        while True:
            pause_s = self._settings.every_s
            try:
                await self.look()
            except (*DATABASE_ERRORS, OSError) as error:
                log.warning("audit log not verified", error=type(error).__name__)
                pause_s = min(pause_s, AGAIN_S)
            await asyncio.sleep(pause_s)

    async def look(self) -> None:
        """Follow what was added, tell the meters, and add the head to the file.

        A broken chain is told each time, and nothing is signed while it is.
        """
        try:
            since = await asyncio.to_thread(self._last_signed) if self._known is None else None
            async with self._context.sessions() as session:
                head = await audit_chain.verify_chain(
                    session, since=since or self._known or audit_chain.BEGINNING
                )
        except (audit_chain.AuditBroken, InvalidInput) as error:
            self._meters.audit_intact.set(0)
            log.error("audit log broken", reason=error.message)
            return
        self._known = head
        self._meters.audit_intact.set(1)
        self._meters.audit_verified(time.monotonic())
        if self._settings.heads is not None and self._key is not None:
            await asyncio.to_thread(audit_chain.add_head, self._settings.heads, head, self._key)

    def _last_signed(self) -> audit_chain.Head | None:
        """Up to where the chain was found whole before this worker began."""
        if self._settings.heads is None or self._key is None:
            return None
        heads = audit_chain.read_heads(self._settings.heads, self._public)
        return max((one.head for one in heads), key=lambda head: head.seq, default=None)


EXPORT_S = 5.0
"""Seconds between looks for entries to send, while there are none or the collector is away."""


async def export_audit_log(context: WorkerContext, settings: AuditSettings) -> None:
    """Send the audit log to the collector as it grows, for ever; nothing where none is named."""
    if not settings.syslog:
        return
    collector = syslog.LogCollector.named(
        settings.syslog,
        authority=settings.syslog_ca,
        certificate=settings.syslog_cert,
        answering=settings.syslog_answers,
    )
    while True:
        sent = 0
        try:
            sent = await export_portion(context, collector)
        except (*DATABASE_ERRORS, OSError) as error:
            log.warning("audit log not sent", collector=collector.name, error=str(error)[:300])
        await asyncio.sleep(0 if sent else EXPORT_S)


async def export_portion(context: WorkerContext, collector: syslog.LogCollector) -> int:
    """Send the entries that come next, a few hundred at most; how many."""

    async def send(rows: Sequence[Row[Any]]) -> None:
        content = b"".join(syslog.framed(_audit_message(row)) for row in rows)
        await asyncio.to_thread(collector.send, content)

    async with context.sessions() as session:
        return await audit_chain.export_after(session, collector.name, send)


def _audit_message(row: Row[Any]) -> bytes:
    """An entry without its images, which may hold what not everybody may see."""
    data = {
        "id": row.id,
        "link": row.seq,
        "actor": row.actor,
        "action": row.action,
        "table": row.object_table,
        "object": row.object_id,
        "request": row.request_id,
        "address": row.address,
        "digest": row.digest.hex(),
    }
    severity = syslog.WARNING if row.action.startswith("refuse") else syslog.INFORMATIONAL
    text = f"{row.actor} {row.action} {row.object_table} {row.object_id}"
    return syslog.message(row.at, data, text, name="audit", severity=severity)


def _signing_key(settings: AuditSettings) -> crypto.PrivateKey | None:
    """What heads are signed with, made where it is missing; None where none are written."""
    if settings.heads is None or settings.key_file is None:
        if settings.heads is not None:
            log.warning("heads of the audit log not written", missing="SHANHAI_AUDIT_KEY_FILE")
        return None
    if settings.public_key is not None:
        audit_chain.make_missing_key(settings.key_file, settings.public_key)
    return audit_chain.read_signing_key(settings.key_file)


def _public_keys(settings: AuditSettings, key: crypto.PrivateKey | None) -> audit_chain.HeadKeys:
    """What heads were signed with so far: with another suite, before it was changed."""
    if key is None or settings.public_key is None:
        return {}
    own = key.public_key()
    return {**audit_chain.read_public_key(settings.public_key), crypto.algorithm_of(own): own}


SILENCE_S = 10.0
PLANS_S = 600.0
"""A year that begins, a plan that is approved and a project that is accepted count by then."""
CHANGES = (
    observation_evaluation.evaluate_changes,
    plan_evaluation.evaluate_plans,
    plan_evaluation.evaluate_cases,
    plan_evaluation.evaluate_lines,
    plan_evaluation.evaluate_ledgers,
)


async def evaluate_alert_rules(context: WorkerContext) -> None:
    """Evaluate for ever."""
    silence_at = plans_at = float("-inf")
    due = True
    while True:
        done = await _evaluate_changes(context) if due else 0
        if time.monotonic() - silence_at >= SILENCE_S:
            silence_at = time.monotonic()
            await _evaluate(context, observation_evaluation.evaluate_silence)
            await _evaluate(context, observation_evaluation.end_expired)
        if time.monotonic() - plans_at >= PLANS_S:
            plans_at = time.monotonic()
            await _evaluate(context, observation_evaluation.note_all_plans)
            await _evaluate(context, observation_evaluation.note_all_lines)
            await _evaluate(context, observation_evaluation.note_all_cases)
            await _evaluate(context, mark_late)
            await _evaluate(context, observation_evaluation.note_all_ledgers)
        due = bool(done) or await context.agenda.wait_for("alerts", most_s=SILENCE_S)


async def _evaluate_changes(context: WorkerContext) -> int:
    """Evaluate a portion of what changed and send what is due; how much more there may be."""
    done = 0
    for evaluate in CHANGES:
        number = await _evaluate(context, evaluate)
        # Feeds bring something all the time: a few at once would keep a core busy.
        if evaluate is not CHANGES[0] or number >= observation_evaluation.MOST_CHANGES:
            done += number
    return done + await _evaluate(context, send_notices)


async def _evaluate(context: WorkerContext, part: Callable[[AsyncSession], Awaitable[Any]]) -> int:
    """How much a part of a round did; 0 after a fault, which ends nothing but the part."""
    try:
        async with context.sessions.begin() as session:
            return await part(session) or 0
    except DATABASE_ERRORS as error:
        log.warning("rules not evaluated", part=part.__name__, error=type(error).__name__)
        return 0


async def run_schedules(context: WorkerContext) -> None:
    """Attend within a second of what is due, for ever."""
    while True:
        attended = None
        try:
            attended = await submit_due(context)
        except DATABASE_ERRORS as error:
            log.warning("no schedule attended to", error=type(error).__name__)
        if attended is None:
            await context.agenda.wait_for("schedules")


async def submit_due(context: WorkerContext) -> Attended | None:
    """Attend to one schedule; workers are notified of its job by the commit."""

    def recalling(session: AsyncSession) -> Authenticator:
        return Authenticator(context.sessions, context.sessions.begin, session, context.oidc)

    async with context.sessions.begin() as session:
        attended = await attend_to_next(session, recalling, context.quota)
    if attended is not None:
        log.info("schedule attended to", schedule=attended.code, due=attended.due_at.isoformat())
    return attended
