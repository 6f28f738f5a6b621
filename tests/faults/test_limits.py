"""Jobs that want more than they may."""

from tests.faults.breakable import Breakable


def test_job_that_takes_too_long(platform: Breakable) -> None:
    for worker in platform.standing:
        worker.kill()
        worker.wait(60)
    hasty = platform.add_worker(job_timeout_s=2)
    job = platform.beside.ask(platform.sender().echo(pause=60))
    failed = platform.reach(job, "failed")
    assert failed.error is not None
    assert failed.error["class"] == "resource"
    assert "2 s" in failed.error["detail"]
    assert failed.attempt == 1
    hasty.kill()
    hasty.wait(60)
