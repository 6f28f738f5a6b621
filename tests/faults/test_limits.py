"""Jobs that want more than they may, and very many of them."""

from collections.abc import Coroutine
from typing import Any

from shanhai.db.tables.job import Job
from tests.faults.breakable import Breakable
from tests.support.serving import kill


def test_job_that_takes_too_long(platform: Breakable) -> None:
    failed = ended_by_limit(platform, platform.sender().echo(pause=60), "echo=512:2")
    assert failed.attempt == 1
    assert failed.error is not None
    assert "2 s" in failed.error["detail"]


def test_job_that_wants_too_much_memory(platform: Breakable) -> None:
    """Reading a file takes more than the least that can be set.

    orjson 3.13 does not look whether it was given the memory it asks for: it may end the process,
    which is then tried again as after any crash.
    """
    asked = platform.sender().import_region(rows=50_000)
    failed = ended_by_limit(platform, asked, "import-features=512:60")
    assert failed.error is not None
    assert "512 MB" in failed.error["detail"]


def test_files_of_different_columns_in_turn(platform: Breakable) -> None:
    """Two workers import 200 of them: what a table of that name had before is no matter."""
    senders = [platform.sender() for _ in range(8)]
    for _ in range(200 // len(senders)):
        imports = [platform.beside.begin(sender.imported()) for sender in senders]
        assert {one.result(240) for one in imports} == {"successful"}


def ended_by_limit(platform: Breakable, asked: Coroutine[Any, Any, str], limits: str) -> Job:
    """The job, once the only worker, with these limits, has ended it."""
    for worker in platform.standing:
        kill(worker)
    strict = platform.add_worker(limits=limits)
    failed = platform.reach(platform.beside.ask(asked), "failed")
    kill(strict)
    assert failed.error is not None
    assert failed.error["class"] == "resource"
    return failed
