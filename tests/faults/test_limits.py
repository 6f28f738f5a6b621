"""Jobs that want more than they may, and very many of them."""

from collections.abc import Coroutine
from typing import Any

from tests.faults.breakable import Breakable
from tests.support.serving import kill


def test_job_that_takes_too_long(platform: Breakable) -> None:
    failed = ended_by_limit(platform, platform.sender().echo(pause=60), "echo=512:2")
    assert "2 s" in failed["detail"]


def test_job_that_wants_too_much_memory(platform: Breakable) -> None:
    """Reading a file takes more than the least that can be set."""
    asked = platform.sender().import_region(rows=50_000)
    failed = ended_by_limit(platform, asked, "import-features=512:60")
    assert "512 MB" in failed["detail"]


def test_files_of_different_columns_in_turn(platform: Breakable) -> None:
    """Two workers import 200 of them: what a table of that name had before is no matter."""
    senders = [platform.sender() for _ in range(8)]
    for _ in range(200 // len(senders)):
        imports = [platform.beside.begin(sender.imported()) for sender in senders]
        assert {one.result(240) for one in imports} == {"successful"}


def ended_by_limit(
    platform: Breakable, asked: Coroutine[Any, Any, str], limits: str
) -> dict[str, Any]:
    """The failure of the job, once the only worker, with these limits, has ended it."""
    for worker in platform.standing:
        kill(worker)
    strict = platform.add_worker(limits=limits)
    failed = platform.reach(platform.beside.ask(asked), "failed")
    kill(strict)
    assert failed.error is not None
    assert (failed.error["class"], failed.attempt) == ("resource", 1)
    return failed.error
