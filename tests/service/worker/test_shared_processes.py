"""Processes that compute several jobs: a next job finds nothing of the former, nor fails by it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import pytest

from shanhai.db.engine import Sessions
from shanhai.db.queries.audit import Act
from shanhai.jobs.states import cancel
from shanhai.processes.kit.task import Outcome, Task
from shanhai.vocabulary import JobStatus
from shanhai_worker.child_process import child_environment
from shanhai_worker.child_protocol import FAILURE, NEXT, ORDER, OUTCOME, RESERVE, ChildOrder
from shanhai_worker.context import WorkerContext
from tests.support.job_rows import read_job, submit_echo
from tests.support.workers import children_of, eventually, reach_end

PROGRAM = """
import os, random, sys, tempfile, threading, time
from pathlib import Path

import numpy
import shanhai_worker.fork_server as child
from shanhai.processes.kit.task import Outcome

HELD = [1]
TOLD = "nothing"

def seen():
    mask = os.umask(0)
    os.umask(mask)
    draws = [random.random(), float(numpy.random.random())]
    return {{"environment": dict(os.environ), "folder": os.getcwd(), "mask": mask, "draws": draws,
             "held": list(HELD), "told": TOLD, "path": list(sys.path), "names": sorted(globals())}}

def compute(task, workspace, progress):
    global TOLD, ADDED
    before = seen()
    {body}
    return Outcome(values=before)

child.compute_of = {{"tried": compute}}.__getitem__
sys.exit(child.compute_jobs(Path(sys.argv[1])))
"""


class Conversation:
    """A process that was told to stay, and the stream it speaks through."""

    def __init__(
        self,
        folder: Path,
        process: subprocess.Popen[bytes],
        ours: socket.socket,
        lines: BinaryIO,
    ) -> None:
        self.folder = folder
        self.process = process
        self._ours = ours
        self._lines = lines

    def tell(self) -> dict[str, Any]:
        """What it says next; nothing when it has ended."""
        line = self._lines.readline()
        return json.loads(line) if line else {}

    def outcome(self) -> dict[str, Any]:
        """What the last job found when it began."""
        return Outcome.model_validate_json((self.folder / OUTCOME).read_text()).values

    def go_on(self) -> None:
        """Have it compute once more, as the worker does: the last outcome is taken away."""
        (self.folder / OUTCOME).unlink()
        self._ours.send(NEXT)


@contextmanager
def staying(folder: Path, body: str) -> Iterator[Conversation]:
    """A process that stays, whose jobs run the Python line `body`."""
    order = ChildOrder(task=Task(process="tried", inputs={}), memory_limit_mb=2048, stays=True)
    (folder / ORDER).write_text(order.model_dump_json())
    ours, theirs = socket.socketpair()
    ours.settimeout(60)
    program = [sys.executable, "-c", PROGRAM.format(body=body), str(folder)]
    with theirs, (folder.parent / "log").open("ab") as log:
        process = subprocess.Popen(
            program, env=child_environment(os.environ), stdout=theirs.fileno(), stderr=log
        )
    with ours, ours.makefile("rb") as lines:
        yield Conversation(folder, process, ours, lines)
    process.wait(60)


@pytest.fixture
def place_to_stay(tmp_path: Path) -> Path:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    return workspace


LEAVINGS = {
    "environment": "os.environ['LEFT'] = 'secret'; del os.environ['PATH']",
    "folder": "os.chdir(workspace); os.umask(0o077)",
    "random numbers": "random.seed(1); numpy.random.seed(1)",
    "module": "TOLD = 'secret'; ADDED = 1; HELD.append('secret'); sys.path.insert(0, 'work')",
}


@pytest.mark.parametrize("body", LEAVINGS.values(), ids=LEAVINGS)
def test_a_next_job_finds_the_process_as_the_first_did(place_to_stay: Path, body: str) -> None:
    with staying(place_to_stay, body) as process:
        assert process.tell() == {"done": 1}
        first = process.outcome()
        process.go_on()
        assert process.tell() == {"done": 2}
        assert process.outcome() == first


ENDING = {
    "memory": "sys.left = bytearray(os.urandom(1)) * 100_000_000",
    "a thread": "threading.Thread(target=time.sleep, args=(30,), daemon=True).start()",
    "a helper": "os.fork() or (time.sleep(5), os._exit(0))",
    "an open file": "sys.left = open('/dev/null')",
}


@pytest.mark.parametrize("body", ENDING.values(), ids=ENDING)
def test_what_cannot_be_put_back_ends_the_process_and_not_the_job(
    place_to_stay: Path, body: str
) -> None:
    with staying(place_to_stay, body) as process:
        assert process.tell() == {}
        assert process.outcome()["told"] == "nothing"
        assert process.process.wait(60) == 0


def test_a_failure_is_told_and_ends_the_process(place_to_stay: Path) -> None:
    with staying(place_to_stay, "raise KeyError('no')") as process:
        assert process.tell() == {}
        assert process.process.wait(60) == 1
        assert json.loads((place_to_stay / FAILURE).read_text())["class"] == "bug"


def test_a_crash_in_a_later_job_leaves_nothing(place_to_stay: Path) -> None:
    with staying(place_to_stay, "(Path(sys.argv[1]) / 'again').exists() and os.abort()") as process:
        assert process.tell() == {"done": 1}
        (place_to_stay / "again").touch()
        process.go_on()
        assert process.tell() == {}
        assert process.process.wait(60) == -signal.SIGABRT
        assert not (place_to_stay / OUTCOME).exists()


async def run_echo(
    worker: WorkerContext, sessions: Sessions, *, by: str = "tester", pause: float = 0
) -> UUID:
    job_id = await submit_echo(sessions, by, pause=pause, requested_by=by)
    await worker.dispatcher.dispatch(job_id, 0)
    return job_id


async def test_jobs_of_one_caller_follow_each_other_in_one_process(
    worker: WorkerContext, sessions: Sessions
) -> None:
    computed_by = []
    for _ in range(3):
        job = await reach_end(sessions, await run_echo(worker, sessions))
        assert (job.status, job.attempt) == (JobStatus.SUCCESSFUL, 1)
        assert job.result is not None
        assert job.result["values"] == {"message": "tester"}
        computed_by += children_of(os.getpid())
    assert len(computed_by) == 3
    assert len(set(computed_by)) == 1
    left = set(os.listdir(f"/proc/{computed_by[0]}/cwd"))
    assert left == {RESERVE}, "no order, outcome or file of a job is left"


async def test_another_caller_is_given_another_process(
    worker: WorkerContext, sessions: Sessions
) -> None:
    await reach_end(sessions, await run_echo(worker, sessions, by="one"))
    (first,) = children_of(os.getpid())
    await reach_end(sessions, await run_echo(worker, sessions, by="other"))
    assert len({first, *children_of(os.getpid())}) == 2


async def begin_second(worker: WorkerContext, sessions: Sessions) -> tuple[UUID, int]:
    """A job that runs on in a process that has computed another."""
    await reach_end(sessions, await run_echo(worker, sessions))
    (child,) = children_of(os.getpid())
    second = await run_echo(worker, sessions, pause=600)

    async def told() -> bool:
        return (await read_job(sessions, second)).stage is not None

    await eventually(told)
    assert children_of(os.getpid()) == [child]
    return second, child


async def test_a_job_cancelled_there_ends_with_the_process(
    worker: WorkerContext, sessions: Sessions
) -> None:
    second, child = await begin_second(worker, sessions)
    async with sessions.begin() as session:
        await cancel(session, second, act=Act("tester"))
    assert (await reach_end(sessions, second)).status == JobStatus.DISMISSED
    assert child not in children_of(os.getpid())
    third = await reach_end(sessions, await run_echo(worker, sessions))
    assert third.status == JobStatus.SUCCESSFUL


async def test_a_process_killed_there_costs_only_its_own_job_an_attempt(
    worker: WorkerContext, sessions: Sessions
) -> None:
    second, child = await begin_second(worker, sessions)
    os.kill(child, signal.SIGKILL)

    async def taken_up() -> bool:
        job = await read_job(sessions, second)
        return (job.attempt, job.crash_count) == (2, 1)

    await eventually(taken_up)
    third = await reach_end(sessions, await run_echo(worker, sessions))
    assert (third.status, third.attempt, third.crash_count) == (JobStatus.SUCCESSFUL, 1, 0)
    async with sessions.begin() as session:  # nobody need wait for it
        await cancel(session, second, act=Act("tester"))
    await reach_end(sessions, second)


@pytest.mark.configured(slots=1, lease_s=15)
async def test_a_job_taken_ahead_is_given_back_when_it_has_to_wait(
    worker: WorkerContext, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shanhai_worker.slots.QUICK_S", 60)
    await reach_end(sessions, await run_echo(worker, sessions))  # echo is quick, it seems
    slow = await submit_echo(sessions, pause=2)
    behind = await submit_echo(sessions)
    await worker.dispatcher.dispatch(slow, 0)

    async def given_back() -> bool:
        job = await read_job(sessions, behind)
        return (job.status, job.attempt) == (JobStatus.ACCEPTED, 1)

    await eventually(given_back)
    for job_id in (slow, behind):
        job = await reach_end(sessions, job_id)
        assert (job.status, job.crash_count) == (JobStatus.SUCCESSFUL, 0)
