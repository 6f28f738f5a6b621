"""`shanhai schedules`: jobs that recur."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.cli.listing import AsJson, tell_rows
from shanhai.cli.local_time import clock
from shanhai.cli.sessions import in_transaction
from shanhai.db.identity import Identity
from shanhai.db.queries.keys import OPERATOR
from shanhai.db.tables.job import Schedule
from shanhai.jobs.failures import Failure
from shanhai.jobs.schedules import (
    Run,
    attendance_of,
    list_last_runs,
    list_schedules,
    set_enabled,
)
from shanhai.vocabulary import Scope

app = typer.Typer(no_args_is_help=True)
Code = Annotated[str, typer.Argument(help="Code of the schedule.")]
WHO = Identity(OPERATOR.actor, frozenset({Scope.ADMIN}))
"""Who is at the terminal of the platform sees all schedules, as administrators do."""


@app.callback()
def schedules() -> None:
    """Jobs that recur."""


@app.command("list")
def show_list(as_json: AsJson = False) -> None:
    """Print code, state, when it is due next, its last time with what became of it, and owner.

    `late` is what was due a minute ago and nobody attended to.
    """
    now = datetime.now(UTC)
    rows = [_row(schedule, run, now) for schedule, run in asyncio.run(in_transaction(_read))]
    tell_rows(rows, as_json=as_json)


@app.command()
def pause(code: Code) -> None:
    """Let a schedule rest; the jobs it made go on."""
    _set(code, False)


@app.command()
def resume(code: Code) -> None:
    """Attend to a schedule again, from its next time on."""
    _set(code, True)


def _set(code: str, enabled: bool) -> None:
    async def change(session: AsyncSession) -> Schedule:
        return await set_enabled(session, code, enabled, identity=WHO, act=OPERATOR)

    schedule = asyncio.run(in_transaction(change))
    due = "" if schedule.next_at is None else f"  next {clock()(schedule.next_at)}"
    typer.echo(f"{schedule.code}  {attendance_of(schedule, datetime.now(UTC))}{due}")


async def _read(session: AsyncSession) -> Sequence[tuple[Schedule, Run | None]]:
    found = await list_schedules(session, WHO)
    last = await list_last_runs(session, found)
    return [(schedule, last.get(schedule.id)) for schedule in found]


def _row(schedule: Schedule, run: Run | None, now: datetime) -> dict[str, Any]:
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
