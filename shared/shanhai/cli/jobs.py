"""`shanhai jobs`, `shanhai schedules`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import orjson
import typer
from rich.console import Console
from rich.progress import Progress
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.cli.kit import AsJson, clock, committed, nested, parse_settings, tell_rows
from shanhai.client import ApiClient
from shanhai.db.features.selection import TimeInterval
from shanhai.db.identity import Identity
from shanhai.db.queries.jobs import JobFilter, find_job, find_retry, list_jobs
from shanhai.db.queries.keys import OPERATOR
from shanhai.db.tables.job import Job, Schedule
from shanhai.errors import NotFound
from shanhai.jobs.fair_queue import Quota
from shanhai.jobs.messages import Failure, FailureClass
from shanhai.jobs.results import message_of
from shanhai.jobs.schedules import (
    Run,
    attendance_of,
    list_last_runs,
    list_schedules,
    set_enabled,
)
from shanhai.jobs.states import cancel
from shanhai.jobs.submission import resubmit_as_asked
from shanhai.settings import PublicSettings, QueueSettings
from shanhai.vocabulary import JobStatus, Scope

app = typer.Typer(no_args_is_help=True)
Ids = Annotated[list[UUID], typer.Argument(metavar="ID...", help="Jobs.")]


@app.callback()
def jobs() -> None:
    """Jobs: computations that were asked for."""


@app.command()
def submit(
    process: Annotated[str, typer.Argument(help="Id of the process, such as `delineate-zones`.")],
    key: Annotated[str, typer.Option(envvar="SHANHAI_API_KEY", help="API key, scope `jobs`.")],
    region: Annotated[str | None, typer.Option(help="Region code.")] = None,
    option: Annotated[
        list[str] | None, typer.Option("--set", help="Another input as name=value; repeat.")
    ] = None,
    api: Annotated[str | None, typer.Option(help="Base URL; default SHANHAI_API_URL.")] = None,
    tiles: Annotated[str | None, typer.Option(help="Base URL; default SHANHAI_TILES_URL.")] = None,
) -> None:
    """Ask the API for a process, wait for its end, and tell its results and where its maps are."""
    stated = parse_settings(option or [])
    inputs = nested(stated if region is None else {"region": region, **stated}, {})
    public = PublicSettings()
    with ApiClient(api or public.api_url, key) as client:
        job = client.submit(process, inputs)
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(process, total=100)
            job.wait(lambda done, stage: bar.update(task, completed=done, description=stage))
        results = job.results()
    for line in told_results(results, job.url, tiles or public.tiles_url):
        typer.echo(line)


def told_results(results: Mapping[str, Any], job: str, tiles: str) -> Iterator[str]:
    """The results of a job in lines: single values, remarks, files, and its layers' maps."""
    yield f"job  {job}"
    for name, value in results.items():
        if isinstance(value, str | int | float):
            yield f"{name}  {value}"
        elif isinstance(value, dict) and "href" in value:
            yield f"{name}  {value['href']}"
    for one in (*results.get("flags", ()), *results.get("warnings", ())):
        yield f"note  {one['detail']} / {one['detail_zh']}"
    for name, layer in results.get("layers", {}).items():
        yield f"map of {name}  {tiles}/layers/{layer}/map"


@app.command("list")
def show_list(
    dead: Annotated[
        bool,
        typer.Option(
            "--dead",
            help="Only those given up though their inputs are not to blame, and not tried again.",
        ),
    ] = False,
    status: Annotated[
        list[JobStatus] | None, typer.Option(help="Only in this state; repeat for several.")
    ] = None,
    process: Annotated[
        list[str] | None, typer.Option(help="Only of this process; repeat for several.")
    ] = None,
    failure: Annotated[
        FailureClass | None, typer.Option(help="Only with a failure of this class.")
    ] = None,
    hours: Annotated[
        float | None,
        typer.Option(min=0, max=1e6, help="Only those asked for in the last so many hours."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Jobs at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Print id, state and since when, process, class of failure and caller; the newest first."""
    wanted = JobFilter(
        dead=dead,
        statuses=tuple(status or ()),
        kinds=tuple(process or ()),
        failure=failure,
        created=None
        if hours is None
        else TimeInterval(datetime.now(UTC) - timedelta(hours=hours), None),
    )
    found = committed(lambda session: list_jobs(session, wanted, limit=limit + 1))
    tell_rows([_row(job) for job in found[:limit]], as_json=as_json)
    if len(found) > limit:
        typer.echo(f"more than {limit}: see --limit / 多于 {limit} 个，请用 --limit", err=True)


@app.command()
def show(job: Annotated[UUID, typer.Argument(metavar="ID", help="A job.")]) -> None:
    """Print what is known of a job."""

    async def read(session: AsyncSession) -> tuple[Job, UUID | None]:
        return await _find(session, job), await find_retry(session, job)

    for name, value in _members(*committed(read)):
        if value is not None:
            typer.echo(f"{name:<15} {value}")


@app.command()
def retry(ids: Ids) -> None:
    """Ask once more for jobs that failed or were dismissed, all of them or none.

    In the name of who asked for them; prints each with the new job that repeats it. A worker
    begins it within seconds.
    """
    for former, made in committed(lambda session: _retry(session, ids)):
        typer.echo(f"{former}  {made}")


@app.command()
def dismiss(ids: Ids) -> None:
    """End jobs that wait or run; prints each with its state now.

    A running job is stopped by its worker within seconds, one that has ended stays as it is.
    """

    async def end(session: AsyncSession) -> list[tuple[UUID, JobStatus]]:
        # In one order, so that two operators never wait for each other.
        return [(one, await cancel(session, one, act=OPERATOR)) for one in sorted(set(ids))]

    for job, status in committed(end):
        typer.echo(f"{job}  {status}")


async def _retry(session: AsyncSession, ids: list[UUID]) -> list[tuple[UUID, UUID]]:
    formers = [await _find(session, one) for one in sorted(set(ids))]
    # Callers keep to what they may have running; what they have waiting does not hinder this.
    quota = Quota(running=QueueSettings().queue_running)
    made = []
    # In one order, as locks are taken per caller.
    for former in sorted(formers, key=lambda job: (job.requested_by, job.created_at, job.id)):
        job = await resubmit_as_asked(session, former, quota=quota, act=OPERATOR)
        made.append((former.id, job.id))
    return made


async def _find(session: AsyncSession, job_id: UUID) -> Job:
    job = await find_job(session, job_id, reader=None)
    if job is None:
        raise NotFound(f"there is no job {job_id}", message_zh=f"没有作业 {job_id}")
    return job


def _row(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "state": job.status,
        "since": _since(job),
        "process": job.kind,
        "failure": None if job.error is None else Failure.parse(job.error).kind,
        "caller": job.requested_by,
    }


def _since(job: Job) -> datetime:
    """When it came into the state it is in."""
    if JobStatus(job.status) is JobStatus.RUNNING:
        return job.started_at or job.created_at
    return job.finished_at or job.created_at


def _members(job: Job, retry: UUID | None) -> Iterator[tuple[str, Any]]:
    failure = None if job.error is None else Failure.parse(job.error)
    yield "job", job.id
    yield "process", job.kind
    yield "state", f"{job.status}, {job.progress} %"
    yield "message", message_of(job, "en")
    yield "", message_of(job, "zh")
    if failure is not None:
        yield "failure", failure.kind
        for fault in failure.faults:
            yield "fault", f"{fault.pointer}: {fault.detail}"
    yield "asked for by", job.requested_by
    yield "request", job.request_id
    told = clock()
    yield "created", told(job.created_at)
    for name, at in (
        ("started", job.started_at),
        ("finished", job.finished_at),
        ("lease until", job.lease_until),
        ("not before", job.not_before),
    ):
        yield name, None if at is None else told(at)
    yield "held", job.held
    yield "priority", job.priority
    yield "attempts", f"{job.attempt}, {job.crash_count} crashed, {job.retries} postponed"
    yield "worker", job.worker
    yield "stage", job.stage
    yield "software", job.software
    yield "retry of", job.retry_of
    yield "tried again as", retry
    yield "inputs", orjson.dumps(job.inputs).decode()


schedules_app = typer.Typer(no_args_is_help=True)
Code = Annotated[str, typer.Argument(help="Code of the schedule.")]
WHO = Identity(OPERATOR.actor, frozenset({Scope.ADMIN}))
"""Who is at the terminal of the platform sees all schedules, as administrators do."""


@schedules_app.callback()
def schedules() -> None:
    """Jobs that recur."""


@schedules_app.command("list")
def show_schedules(as_json: AsJson = False) -> None:
    """Print code, state, when it is due next, its last time with what became of it, and owner.

    `late` is what was due a minute ago and nobody attended to.
    """
    now = datetime.now(UTC)
    rows = [_schedule_row(schedule, run, now) for schedule, run in committed(_read)]
    tell_rows(rows, as_json=as_json)


@schedules_app.command()
def pause(code: Code) -> None:
    """Let a schedule rest; the jobs it made go on."""
    _set(code, False)


@schedules_app.command()
def resume(code: Code) -> None:
    """Attend to a schedule again, from its next time on."""
    _set(code, True)


def _set(code: str, enabled: bool) -> None:
    schedule = committed(
        lambda session: set_enabled(session, code, enabled, identity=WHO, act=OPERATOR)
    )
    due = "" if schedule.next_at is None else f"  next {clock()(schedule.next_at)}"
    typer.echo(f"{schedule.code}  {attendance_of(schedule, datetime.now(UTC))}{due}")


async def _read(session: AsyncSession) -> Sequence[tuple[Schedule, Run | None]]:
    found = await list_schedules(session, WHO)
    last = await list_last_runs(session, found)
    return [(schedule, last.get(schedule.id)) for schedule in found]


def _schedule_row(schedule: Schedule, run: Run | None, now: datetime) -> dict[str, Any]:
    """A schedule, and its last time with the state of its job or why there is none."""
    refused = None if run is None or run.row.error is None else Failure.parse(run.row.error)
    return {
        "code": schedule.code,
        "state": attendance_of(schedule, now),
        "next": schedule.next_at,
        "last": None if run is None else run.row.due_at,
        "job": None if run is None else run.row.job_id,
        "became": _became(run, refused),
        "process": schedule.process,
        "owner": schedule.owner,
    }


def _became(run: Run | None, refused: Failure | None) -> str | None:
    if refused is not None:
        return f"refused: {refused.detail.en}"
    return None if run is None else run.status
