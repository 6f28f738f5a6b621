"""What the platform leans on goes away for a while."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.faults.breakable import Breakable
from tests.faults.load import region_file
from tests.support.serving import kill

AWAY_S = 60.0
BALLAST = "ballast"


def test_redis_does_not_answer_for_a_minute(platform: Breakable) -> None:
    """Its connections stand open and nothing comes: work goes on at the pace of looking."""
    process = platform.redis.process()
    assert process is not None
    with platform.under_load() as load:
        load.go_on()
        os.kill(process.pid, signal.SIGSTOP)
        try:
            until = time.monotonic() + AWAY_S
            while time.monotonic() < until:
                load.go_on(1)
        finally:
            os.kill(process.pid, signal.SIGCONT)
        load.go_on()
    assert all(worker.poll() is None for worker in platform.standing)


@contextmanager
def small_disk(folder: Path, *, bytes_: int) -> Iterator[None]:
    """The folder as a file system of its own, whose files stay; only root may make one."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={bytes_},mode=0755"
    made = subprocess.run(
        ["/usr/bin/mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    if made.returncode != 0:
        pytest.skip("needs mount: a full disk is one of its own, which only root can make")
    try:
        yield
    finally:
        (folder / BALLAST).unlink(missing_ok=True)
        with tempfile.TemporaryDirectory() as aside:
            shutil.copytree(folder, aside, dirs_exist_ok=True)
            subprocess.run(["/usr/bin/umount", "--lazy", str(folder)], check=True)
            shutil.copytree(aside, folder, dirs_exist_ok=True)


def fill(folder: Path) -> None:
    """Leave no room."""
    ballast = folder / BALLAST
    with ballast.open("wb", buffering=0) as file:
        block = bytes(4096)
        try:
            while True:
                file.write(block)
        except OSError:
            return


def test_store_of_results_is_full(platform: Breakable) -> None:
    """Jobs end with the reason, uploads are refused for now, and room heals all."""
    sender = platform.sender()
    artifacts = platform.workers.folder / "artifacts"
    with small_disk(artifacts, bytes_=4_000_000):
        assert platform.beside.ask(sender.imported(), within_s=240) == "successful"
        asked = sender.import_region(lambda: fill(artifacts), rows=2)
        job = platform.beside.ask(asked, within_s=240)
        failed = platform.reach(job, "failed")
        assert failed.error is not None
        assert (failed.error["class"], failed.error["detail"]) == ("resource", "the disk is full")
        assert_uploads_are_refused(platform)
        (artifacts / BALLAST).unlink()
        assert platform.beside.ask(sender.imported(), within_s=240) == "successful"


def test_scratch_of_a_worker_is_full(platform: Breakable) -> None:
    """The process that computes can still say why it failed."""
    for worker in platform.standing:
        kill(worker)
    scratch = platform.workers.folder / "scratch"
    with small_disk(scratch, bytes_=1_000_000):
        cramped = platform.add_worker(scratch=scratch)
        sender = platform.sender()
        job = platform.beside.ask(sender.echo(pause=3))
        platform.reach(job, "running")
        fill(scratch)
        # Its order was written before; nothing else can be.
        failed = platform.reach(job, "failed")
        assert failed.error is not None
        assert failed.error["detail"] == "the disk is full"
        kill(cramped)


def assert_uploads_are_refused(platform: Breakable) -> None:
    """Writing is refused as something that passes, and reading goes on."""
    headers = {"Authorization": f"Bearer {platform.key}"}
    with httpx.Client(base_url=platform.url, headers=headers, timeout=30) as client:
        refusal = client.post("/uploads", content=region_file("full"))
        assert refusal.status_code in {503, 507}, refusal.text
        assert client.get("/jobs").status_code == 200
