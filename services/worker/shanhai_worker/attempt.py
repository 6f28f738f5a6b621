"""One attempt at one job: computed in a child under a lease it renews, then published or failed."""

import asyncio
import json
import random
import signal
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from shanhai.errors import ShanhaiError
from shanhai.jobs import messages, states
from shanhai.jobs.fair_queue import pause_s
from shanhai.processes.catalogue import CONTRACTS
from shanhai.processes.kit.contract import Limits
from shanhai.processes.kit.report_pdf import BEGINS, STAGE
from shanhai.processes.kit.task import Outcome, Task
from shanhai.raster.kept_steps import STEPS
from shanhai.storage.artifacts import StoredArtifact
from shanhai.telemetry import span, trace_id_of
from shanhai.vocabulary import Label
from shanhai_worker import child_protocol
from shanhai_worker.child_process import (
    Child,
    Crashed,
    confinement_of,
    exceed,
    hand_over,
    limits_of,
    make_folder,
)
from shanhai_worker.context import WorkerContext, is_outage, outlast
from shanhai_worker.lease import LOOK_S, LeaseKeeper
from shanhai_worker.metrics import StageClock
from shanhai_worker.publication import (
    complete,
    is_all_in_values,
    publish,
    result_of,
    store_files,
    task_of,
)
from shanhai_worker.shared_process import SharedProcess, Sharing
from shanhai_worker.slots import Slot

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

PUBLISHING = child_protocol.ProgressReport(percent=BEGINS, stage="publish")
SETTING = child_protocol.ProgressReport(percent=BEGINS, stage=STAGE)


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


async def handle(context: WorkerContext, claim: states.Claim, slot: Slot) -> Ending:
    """Carry one claim to its end, whatever that is, once it has a slot."""
    started = asyncio.get_running_loop().time()
    bound = structlog.contextvars.bound_contextvars(**_log_context(claim))
    name, job_id = f"job {claim.kind}", str(claim.lease.job_id)
    with (
        bound,
        span(name, kind="consumer", parent=claim.traceparent, job_id=job_id) as traced,
    ):
        log.info("job claimed", process=claim.kind)
        ending = await _attempt(context, claim, slot)
        if ending in FINAL and not _shares(claim):
            for folders in context.outliving:
                await asyncio.to_thread(folders.drop, claim.lease.job_id)
        seconds = asyncio.get_running_loop().time() - started
        context.meters.run_seconds.labels(claim.kind, ending.value).observe(seconds)
        traced.tell("ending", ending.value)
        log.info("job ended", process=claim.kind, ending=ending.value, seconds=round(seconds, 3))
    return ending


async def _attempt(context: WorkerContext, claim: states.Claim, slot: Slot) -> Ending:
    """Compute and publish, and write down in the job's row how it went."""
    settle = partial(_settle, context, claim)
    try:
        async with slot as given:
            if not given:
                raise Interrupted(Ending.HANDED_BACK)
            if _shares(claim):
                await _compute_in_shared(context, claim, slot)
            else:
                await _compute_alone(context, claim)
            return Ending.SUCCESSFUL
    except Interrupted as interrupted:
        return await settle(interrupted.ending)
    except Crashed as crashed:
        log.error("computation crashed", reason=crashed.how.en)
        return await settle(Ending.CRASHED, messages.Failure("lost", crashed.how))
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
def _folders(context: WorkerContext) -> Iterator[tuple[Path, Path]]:
    """A workspace, and a folder of what the store holds for it."""
    scratch = context.settings.scratch
    with make_folder(scratch) as workspace, make_folder(scratch) as held:
        # Others may pass through, and list nothing: the process of a job may read what it was
        # told of, and write none of it, since other jobs may read the same.
        Path(held).chmod(0o711)
        yield Path(workspace), Path(held)


def _after(
    claim: states.Claim, failure: messages.Failure, max_retries: int
) -> tuple[Ending, messages.Failure]:
    """Whether a failure ends the job, or passes perhaps."""
    if failure.kind != "transient":
        return Ending.FAILED, failure
    if claim.retries < max_retries:
        return Ending.POSTPONED, failure
    return Ending.FAILED, messages.given_up(failure, claim.retries + 1)


def _shares(claim: states.Claim) -> bool:
    """Whether a process may compute it that has computed others: it needs none of the files."""
    contract = CONTRACTS.get(claim.kind)
    if contract is None or not contract.shares_process:
        return False
    return not any(map(claim.task.get, ("datasets", "layers", "upload_uri")))


async def _compute_in_shared(context: WorkerContext, claim: states.Claim, slot: Slot) -> None:
    task, work = task_of(claim), child_protocol.WORK
    async with context.shared.of(Sharing(claim.kind, claim.requested_by)) as process:
        async with _keeper(context, claim) as keeper:
            outcome = await _compute_next(context, keeper, claim, task, process)
            slot.note(claim.kind)
            stored = await store_files(context.artifacts, outcome, process.folder / work)
        if claim.subscribed or not is_all_in_values(task, outcome):
            await _publish(context, claim, outcome, stored, process.folder / work)
            return
    slot.release()
    result = result_of(claim, task, outcome, {}, outcome.values)
    _demand(await context.successes.succeed(claim.lease, result))


async def _compute_next(
    context: WorkerContext,
    keeper: LeaseKeeper,
    claim: states.Claim,
    task: Task,
    process: SharedProcess,
) -> Outcome:
    """Have the process compute a job, which is watched once it takes a while."""
    settings, limits = context.settings, limits_of(claim.kind, context.settings)
    order = child_protocol.ChildOrder(
        task=task.model_copy(update={"timezone": context.timezone}),
        memory_limit_mb=limits.memory_mb,
        log_context=_log_context(claim),
        confinement=confinement_of(task, settings),
        stays=True,
    )
    await asyncio.to_thread(process.write, order)
    clock, started = StageClock(context.meters, claim.kind), asyncio.get_running_loop().time()

    def told(report: child_protocol.ProgressReport) -> None:
        clock.tell(report.stage)
        keeper.tell(report)

    try:
        child = await process.begin(context.computing, told)
        done = asyncio.ensure_future(child.wait())
        await asyncio.wait((done,), timeout=min(LOOK_S, settings.renew_s) / 2)
        if not done.done():
            await _watch(child, keeper, context, limits, started)
        code = await done
    finally:
        clock.end()
    return await asyncio.to_thread(_collect, process, code)


def _collect(process: SharedProcess, code: int) -> Outcome:
    outcome = read_outcome(process.folder, code)
    if not outcome.files:
        process.clear()
    return outcome


async def _compute_alone(context: WorkerContext, claim: states.Claim) -> None:
    result = claim.result
    if result is None:
        with _folders(context) as folders:
            result = await _compute_and_publish(context, claim, *folders)
    if result is not None:
        with _folders(context) as folders:
            await _set_pdf(context, claim, result, *folders)


def _keeper(context: WorkerContext, claim: states.Claim) -> LeaseKeeper:
    settings = context.settings
    return LeaseKeeper(
        context.sessions, claim.lease, lease_s=settings.lease_s, renew_s=settings.renew_s
    )


async def _compute_and_publish(
    context: WorkerContext, claim: states.Claim, workspace: Path, held: Path
) -> dict[str, Any] | None:
    """The result to which a PDF follows; None once the job has ended."""
    work = workspace / child_protocol.WORK
    async with _keeper(context, claim) as keeper:
        order = await asyncio.to_thread(_write_order, context, claim, workspace, held)
        async with AsyncExitStack() as stack:
            if order.confinement.relay:
                await stack.enter_async_context(context.tiles.relay(workspace))
            outcome = await _compute(context, keeper, workspace, claim.kind)
        await keeper.pass_on(PUBLISHING)
        stored = await store_files(context.artifacts, outcome, work)
    return await _publish(context, claim, outcome, stored, work)


async def _publish(
    context: WorkerContext,
    claim: states.Claim,
    outcome: Outcome,
    stored: Mapping[str, StoredArtifact],
    work: Path,
) -> dict[str, Any] | None:
    # From here on the row itself is locked, so nobody can take the job away.
    standing, result = await outlast(partial(publish, context, claim, outcome, stored, work))
    _demand(standing)
    return result


async def _set_pdf(
    context: WorkerContext,
    claim: states.Claim,
    result: dict[str, Any],
    workspace: Path,
    held: Path,
) -> None:
    """Set the PDF of a job whose results are published, whichever attempt did that."""
    async with _keeper(context, claim) as keeper:
        uri = result["outputs"]["report"]["uri"]
        report = await asyncio.to_thread(context.artifacts.hold, uri, held)
        task = task_of(claim).model_copy(update={"files": {uri: str(report)}})
        _place_order(context, workspace, _order(context, claim, task, report=str(report)))
        keeper.tell(SETTING)
        pdf = await _compute(context, keeper, workspace, claim.kind, stage=STAGE)
        stored = await store_files(context.artifacts, pdf, workspace / child_protocol.WORK)
    _demand(await outlast(partial(complete, context, claim, result, pdf, stored)))


def _demand(standing: states.Standing) -> None:
    if standing is not states.Standing.HELD:
        raise Interrupted(_ending_of(standing))


async def _compute(
    context: WorkerContext,
    keeper: LeaseKeeper,
    workspace: Path,
    process: str,
    stage: str | None = None,
) -> Outcome:
    clock = StageClock(context.meters, process)
    clock.tell(stage)

    def told(report: child_protocol.ProgressReport) -> None:
        clock.tell(report.stage)
        keeper.tell(report)

    started = asyncio.get_running_loop().time()
    child = await context.computing.start(workspace, told)
    try:
        await _watch(child, keeper, context, limits_of(process, context.settings), started)
    finally:
        code = await child.stop()
        clock.end()
    return await asyncio.to_thread(read_outcome, workspace, code)


async def _watch(
    child: Child, keeper: LeaseKeeper, context: WorkerContext, limits: Limits, started: float
) -> None:
    """Return when the child is done by itself.

    Raises:
        Interrupted: It has to be stopped: cancelled, lease lost, or the worker leaves.
        Failed: It has run too long, or holds too much memory.
    """
    ended = asyncio.ensure_future(child.wait())
    exceeded = asyncio.ensure_future(exceed(limits, child.pid, started))
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
    addresses, store = [dataset.uri for dataset in task.datasets.values()], context.artifacts
    if task.upload_uri is not None:
        addresses.append(task.upload_uri)
    kept, windows = _outliving(context, claim, task)
    # Who reads what others sent gets no network, not even to the cluster.
    cluster = context.cluster if task.upload_uri is None else None
    told = task.model_copy(
        update={
            "files": {uri: str(store.hold(uri, held, task.upload_sha256)) for uri in addresses},
            "timezone": context.timezone,
            "processes": context.settings.processes_of_a_job(),
            "cluster": None if cluster is None else cluster.resolved(),
            "tiles": context.tiles.of(task, claim.requested_by),
            "kept": str(kept),
            "windows": None if windows is None else str(windows),
            "keep_from_s": context.settings.keep_from_s,
            "steps": None if task.upload_uri is not None else _steps(context),
            "steps_mb": context.settings.steps_mb,
        }
    )
    caches = None if task.upload_uri is None else str(workspace)
    order = _order(context, claim, told, caches=caches)
    _place_order(context, workspace, order)
    return order


def _order(
    context: WorkerContext, claim: states.Claim, task: Task, **more: str | None
) -> child_protocol.ChildOrder:
    return child_protocol.ChildOrder(
        task=task,
        memory_limit_mb=limits_of(claim.kind, context.settings).memory_mb,
        upload_limits=None if task.upload_uri is None else child_protocol.UploadLimits(),
        log_context=_log_context(claim),
        confinement=confinement_of(task, context.settings),
        **more,
    )


def _place_order(context: WorkerContext, workspace: Path, order: child_protocol.ChildOrder) -> None:
    (workspace / child_protocol.RESERVE).write_bytes(bytes(child_protocol.RESERVED_BYTES))
    (workspace / child_protocol.ORDER).write_text(order.model_dump_json(), encoding="utf-8")
    hand_over(context.settings, workspace, *workspace.iterdir())


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


def _describe_exit(code: int) -> Label:
    how = Label(f"退出码 {code}", f"exit code {code}")
    with suppress(ValueError):
        if code < 0:
            name = signal.Signals(-code).name
            how = Label(f"被信号 {name} 终止", f"killed by {name}")
    return Label(f"作业进程中途结束：{how.zh}", f"the process of the job ended: {how.en}")


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
            case Ending.CRASHED if failure is not None:
                most = context.settings.max_crashes
                await states.crash(session, claim.lease, max_crashes=most, why=failure.detail)
            case _:
                log.info("nothing to write", ending=ending.value)


def _log_context(claim: states.Claim) -> dict[str, str]:
    context = {"job_id": str(claim.lease.job_id), "attempt": str(claim.lease.attempt)}
    asked = {"request_id": claim.request_id, "trace_id": trace_id_of(claim.traceparent)}
    return context | {name: value for name, value in asked.items() if value}
