"""One attempt at one job: computed in a child under a lease it renews, then published or failed."""

import asyncio
import json
import random
import signal
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from enum import StrEnum
from functools import partial
from pathlib import Path
from types import TracebackType

import structlog

from shanhai.db.engine import Sessions
from shanhai.errors import ShanhaiError
from shanhai.jobs import messages, states
from shanhai.jobs.fair_queue import pause_s
from shanhai.processes.kit.contract import Limits
from shanhai.processes.kit.task import Outcome, Task
from shanhai.raster.kept_steps import STEPS
from shanhai.telemetry import span, trace_id_of
from shanhai_worker import child_protocol
from shanhai_worker.child_process import (
    Child,
    Crashed,
    confinement_of,
    exceed,
    hand_over,
    limits_of,
)
from shanhai_worker.context import DATABASE_ERRORS, WorkerContext, is_outage, outlast
from shanhai_worker.metrics import StageClock
from shanhai_worker.publication import publish, store_files, task_of

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

LOOK_S = 0.5
"""Seconds between looks at the row: how old progress may be, and what a cancel waits for."""


class LeaseKeeper:
    """Holds one lease for as long as the context lasts.

    `ended` is set once the job is not to be computed any more; `standing` says why.
    """

    def __init__(
        self, sessions: Sessions, lease: states.Lease, *, lease_s: float, renew_s: float
    ) -> None:
        self.standing = states.Standing.HELD
        self.ended = asyncio.Event()
        self._sessions = sessions
        self._lease = lease
        self._lease_s = lease_s
        self._renew_s = renew_s
        self._report = child_protocol.ProgressReport()
        self._told = self._report
        self._renewed_at = asyncio.get_running_loop().time()
        self._stop = asyncio.Event()

    def tell(self, report: child_protocol.ProgressReport) -> None:
        """Take note of progress; it is passed on with the next look."""
        self._report = report

    async def __aenter__(self) -> "LeaseKeeper":
        self._task = asyncio.create_task(self._keep())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        await self._task

    async def _keep(self) -> None:
        while not await self._told_to_stop():
            standing = await self._attend()
            if standing is not states.Standing.HELD:
                self.standing = standing
                self.ended.set()
                return

    async def _told_to_stop(self) -> bool:
        try:
            async with asyncio.timeout(min(LOOK_S, self._renew_s)):
                return await self._stop.wait()
        except TimeoutError:
            return False

    async def _attend(self) -> states.Standing:
        """Renew or look; during an outage the job is taken to be held, for fencing guards it."""
        now = asyncio.get_running_loop().time()
        due = now - self._renewed_at >= self._renew_s - LOOK_S / 2
        try:
            async with asyncio.timeout(self._lease_s), self._sessions.begin() as session:
                if not due and self._report == self._told:
                    return await states.look(session, self._lease)
                standing = await states.renew(
                    session,
                    self._lease,
                    lease_s=self._lease_s,
                    percent=self._report.percent,
                    stage=self._report.stage,
                )
        except DATABASE_ERRORS as error:
            log.warning("lease not renewed", error=type(error).__name__)
            return states.Standing.HELD
        self._renewed_at, self._told = now, self._report
        return standing


PUBLISHING = child_protocol.ProgressReport(percent=99, stage="publish")


class Ending(StrEnum):
    """How an attempt ended."""

    SUCCESSFUL = "successful"
    FAILED = "failed"
    DISMISSED = "dismissed"
    CRASHED = "crashed"
    HANDED_BACK = "handed_back"
    POSTPONED = "postponed"
    LOST = "lost"


FINAL = frozenset({Ending.SUCCESSFUL, Ending.FAILED, Ending.DISMISSED})
"""Endings after which nothing the job has kept will be asked for again."""


class Interrupted(Exception):
    """The computation was stopped from outside; says how the attempt ends."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending)
        self.ending = ending


class Failed(Exception):
    """The computation failed for a reason that has been named."""

    def __init__(self, failure: messages.Failure) -> None:
        super().__init__(failure.detail.en)
        self.failure = failure


async def handle(context: WorkerContext, claim: states.Claim) -> Ending:
    """Carry one claim to its end, whatever that is."""
    started = asyncio.get_running_loop().time()
    bound = structlog.contextvars.bound_contextvars(**_log_context(claim))
    name, job_id = f"job {claim.kind}", str(claim.lease.job_id)
    with (
        bound,
        span(name, kind="consumer", parent=claim.traceparent, job_id=job_id) as traced,
    ):
        log.info("job claimed", process=claim.kind)
        ending = await _attempt(context, claim)
        if ending in FINAL:
            for folders in context.outliving:
                await asyncio.to_thread(folders.drop, claim.lease.job_id)
        seconds = asyncio.get_running_loop().time() - started
        context.meters.run_seconds.labels(claim.kind, ending.value).observe(seconds)
        traced.tell("ending", ending.value)
        log.info("job ended", process=claim.kind, ending=ending.value, seconds=round(seconds, 3))
    return ending


async def _attempt(context: WorkerContext, claim: states.Claim) -> Ending:
    """Compute and publish, and write down in the job's row how it went."""
    settle = partial(_settle, context, claim)
    try:
        with _folder(context, "shanhai-job-") as folder, _folder(context, "shanhai-held-") as held:
            # Others may pass through, and list nothing: the process of a job may read what it was
            # told of, and write none of it, since other jobs may read the same.
            held.chmod(0o711)
            return await _compute_and_publish(context, claim, folder, held)
    except Interrupted as interrupted:
        return await settle(interrupted.ending)
    except Crashed as crashed:
        log.error("computation crashed", reason=str(crashed))
        return await settle(Ending.CRASHED)
    except Failed as failed:
        return await settle(*_after(claim, failed.failure, context.settings.max_retries))
    except states.LeaseLost:
        return Ending.LOST
    except ShanhaiError as error:
        log.warning("job refused in the worker", error=type(error).__name__, reason=error.message)
        return await settle(*_after(claim, messages.classify(error), context.settings.max_retries))
    except Exception as error:
        log.exception("job failed in the worker")
        failure = messages.unreachable() if is_outage(error) else messages.classify(error)
        return await settle(*_after(claim, failure, context.settings.max_retries))


@contextmanager
def _folder(context: WorkerContext, prefix: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(
        prefix=prefix, dir=context.settings.scratch, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def _after(
    claim: states.Claim, failure: messages.Failure, max_retries: int
) -> tuple[Ending, messages.Failure]:
    """Whether a failure ends the job, or passes perhaps."""
    if failure.kind != "transient":
        return Ending.FAILED, failure
    if claim.retries < max_retries:
        return Ending.POSTPONED, failure
    return Ending.FAILED, messages.given_up(failure, claim.retries + 1)


async def _compute_and_publish(
    context: WorkerContext, claim: states.Claim, workspace: Path, held: Path
) -> Ending:
    settings, work = context.settings, workspace / child_protocol.WORK
    keeper = LeaseKeeper(
        context.sessions, claim.lease, lease_s=settings.lease_s, renew_s=settings.renew_s
    )
    async with keeper:
        order = await asyncio.to_thread(_write_order, context, claim, workspace, held)
        async with AsyncExitStack() as stack:
            if order.confinement.relay:
                await stack.enter_async_context(context.tiles.relay(workspace))
            outcome = await _compute(context, keeper, workspace, claim.kind)
        keeper.tell(PUBLISHING)
        stored = await store_files(context.artifacts, outcome, work)
    # From here on the row itself is locked, so nobody can take the job away.
    standing = await outlast(partial(publish, context, claim, outcome, stored, work))
    if standing is not states.Standing.HELD:
        raise Interrupted(_ending_of(standing))
    return Ending.SUCCESSFUL


async def _compute(
    context: WorkerContext, keeper: LeaseKeeper, workspace: Path, process: str
) -> Outcome:
    clock = StageClock(context.meters, process)

    def told(report: child_protocol.ProgressReport) -> None:
        clock.tell(report.stage)
        keeper.tell(report)

    child = await context.computing.start(workspace, told)
    try:
        await _watch(child, keeper, context, limits_of(process, context.settings))
    finally:
        code = await child.stop()
        clock.end()
    return await asyncio.to_thread(read_outcome, workspace, code)


async def _watch(child: Child, keeper: LeaseKeeper, context: WorkerContext, limits: Limits) -> None:
    """Return when the child has ended by itself.

    Raises:
        Interrupted: It has to be stopped: cancelled, lease lost, or the worker leaves.
        Failed: It has run too long, or holds too much memory.
    """
    ended = asyncio.ensure_future(child.wait())
    exceeded = asyncio.ensure_future(exceed(limits, child.pid))
    others = [asyncio.ensure_future(wait) for wait in (keeper.ended.wait(), context.leaving.wait())]
    waits = (ended, exceeded, *others)
    try:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    if keeper.ended.is_set():
        raise Interrupted(_ending_of(keeper.standing))
    if ended in done:
        return
    if exceeded in done:
        raise Failed(exceeded.result())
    raise Interrupted(Ending.HANDED_BACK)


def _ending_of(standing: states.Standing) -> Ending:
    return Ending.DISMISSED if standing is states.Standing.CANCELLED else Ending.LOST


def _write_order(
    context: WorkerContext, claim: states.Claim, workspace: Path, held: Path
) -> child_protocol.ChildOrder:
    task = task_of(claim)
    addresses = [dataset.uri for dataset in task.datasets.values()]
    if task.upload_uri is not None:
        addresses.append(task.upload_uri)
    kept, windows = _outliving(context, claim, task)
    # Who reads what others sent gets no network, not even to the cluster.
    cluster = context.cluster if task.upload_uri is None else None
    told = task.model_copy(
        update={
            "files": {uri: str(context.artifacts.hold(uri, held)) for uri in addresses},
            "timezone": context.timezone,
            "processes": context.settings.processes,
            "cluster": None if cluster is None else cluster.resolved(),
            "tiles": context.tiles.of(task, claim.requested_by),
            "kept": str(kept),
            "windows": None if windows is None else str(windows),
            "keep_from_s": context.settings.keep_from_s,
            "steps": None if task.upload_uri is not None else _steps(context),
            "steps_mb": context.settings.steps_mb,
        }
    )
    order = child_protocol.ChildOrder(
        task=told,
        memory_limit_mb=limits_of(claim.kind, context.settings).memory_mb,
        upload_limits=None if task.upload_uri is None else child_protocol.UploadLimits(),
        log_context=_log_context(claim),
        confinement=confinement_of(told, context.settings),
        caches=None if task.upload_uri is None else str(workspace),
    )
    (workspace / child_protocol.RESERVE).write_bytes(bytes(child_protocol.RESERVED_BYTES))
    (workspace / child_protocol.ORDER).write_text(order.model_dump_json(), encoding="utf-8")
    hand_over(context.settings, workspace, *workspace.iterdir())
    return order


def _outliving(context: WorkerContext, claim: states.Claim, task: Task) -> tuple[Path, Path | None]:
    """Where the job keeps what outlives an attempt; made, where it will be used, to be written."""
    kept = context.kept.of(claim.lease.job_id)
    windows = None if context.windows is None else context.windows.of(claim.lease.job_id)
    if task.upload_uri is not None:
        return kept, None
    for folder in (kept if task.layers else None, windows):
        if folder is not None:
            folder.parent.parent.mkdir(parents=True, exist_ok=True)
            folder.parent.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            hand_over(context.settings, folder.parent, folder)
    return kept, windows


def _steps(context: WorkerContext) -> str | None:
    """Where jobs keep finished steps for one another, made to be written."""
    if context.settings.scratch is None or not context.settings.steps_mb:
        return None
    folder = context.settings.scratch / STEPS
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    hand_over(context.settings, folder)
    return str(folder)


def read_outcome(workspace: Path, code: int) -> Outcome:
    """What the child left behind.

    Raises:
        Failed: It left a failure.
        Crashed: It left nothing.
    """
    if (workspace / child_protocol.FAILURE).exists():
        document = json.loads((workspace / child_protocol.FAILURE).read_text(encoding="utf-8"))
        raise Failed(messages.Failure.parse(document))
    if code == -signal.SIGXCPU:
        # Trying again would end the same way.
        raise Failed(messages.out_of_time(child_protocol.UploadLimits().cpu_s))
    if code != 0 or not (workspace / child_protocol.OUTCOME).exists():
        raise Crashed(_describe_exit(code))
    return Outcome.model_validate_json(
        (workspace / child_protocol.OUTCOME).read_text(encoding="utf-8")
    )


def _describe_exit(code: int) -> str:
    with suppress(ValueError):
        if code < 0:
            return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


async def _settle(
    context: WorkerContext,
    claim: states.Claim,
    ending: Ending,
    failure: messages.Failure | None = None,
) -> Ending:
    """Write the ending into the row; when it cannot be written, the lease runs out by itself."""
    try:
        await outlast(partial(_write_ending, context, claim, ending, failure))
    except states.LeaseLost:
        return Ending.LOST
    except Exception:
        log.exception("ending not written", ending=ending.value)
        return Ending.LOST
    return ending


async def _write_ending(
    context: WorkerContext, claim: states.Claim, ending: Ending, failure: messages.Failure | None
) -> None:
    async with context.sessions.begin() as session:
        match ending:
            case Ending.FAILED if failure is not None:
                await states.fail(session, claim.lease, failure)
            case Ending.POSTPONED if failure is not None:
                pause = pause_s(
                    claim.retries,
                    first_s=context.settings.retry_first_s,
                    longest_s=context.settings.retry_longest_s,
                    jitter=random.random(),  # noqa: S311  (jitter, not a secret)
                )
                await states.postpone(session, claim.lease, failure, pause_s=pause)
            case Ending.DISMISSED:
                await states.dismiss(session, claim.lease)
            case Ending.HANDED_BACK:
                await states.hand_back(session, claim.lease)
            case Ending.CRASHED:
                await states.crash(session, claim.lease, max_crashes=context.settings.max_crashes)
            case _:
                log.info("nothing to write", ending=ending.value)


def _log_context(claim: states.Claim) -> dict[str, str]:
    context = {"job_id": str(claim.lease.job_id), "attempt": str(claim.lease.attempt)}
    asked = {"request_id": claim.request_id, "trace_id": trace_id_of(claim.traceparent)}
    return context | {name: value for name, value in asked.items() if value}
