"""Limits of processes, and the memory a tree of processes holds."""

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from pydantic import ValidationError

from shanhai.processes.catalogue import CONTRACTS
from shanhai.processes.kit.contract import Limits
from shanhai.settings import WorkerSettings
from shanhai_worker.child_process import exceed, held_mb, limits_of
from shanhai_worker.periodic import remove_folders

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE)
child.stdout.readline()
print("ready", flush=True)
child.wait()
"""
CHILD = (
    "kept = bytearray(b'x' * 64 * 2**20); print('ready', flush=True); import sys; sys.stdin.read()"
)


def test_a_process_has_its_own_limits_within_those_of_all() -> None:
    assert limits_of("echo", WorkerSettings()) == CONTRACTS["echo"].limits
    tight = WorkerSettings(memory_limit_mb=600, job_timeout_s=60)
    assert limits_of("echo", tight) == Limits(600, 60)
    assert limits_of("delineate-zones", tight) == Limits(600, 60)


def test_limits_set_for_a_process_go_before_all_others() -> None:
    settings = WorkerSettings(limits="echo=512:7, delineate-zones=65536:86400")
    assert limits_of("echo", settings) == Limits(512, 7)
    assert limits_of("delineate-zones", settings) == Limits(65536, 86400)
    assert limits_of("import-dataset", settings) == CONTRACTS["import-dataset"].limits


@pytest.mark.parametrize("entry", ["echo", "echo=511:7", "echo=1024", "echo=1024:0", "e=1e9:1"])
def test_malformed_limits_are_refused(entry: str) -> None:
    with pytest.raises(ValidationError, match="must read process=MB:seconds"):
        WorkerSettings(limits=(entry,))


@pytest.fixture
def hog() -> Iterator[int]:
    """A process that holds little, and has started one that holds much."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        parent.stdout.readline()
        yield parent.pid
        parent.stdin.close()
        parent.wait(timeout=30)


def test_memory_of_processes_below_counts(hog: int) -> None:
    held = held_mb(hog)
    assert 64 < held < 200
    assert held_mb(os.getpid()) > held


def test_a_process_that_has_ended_holds_nothing() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(timeout=30)
    assert held_mb(ended.pid) == 0


def gone(*_: object) -> NoReturn:
    raise FileNotFoundError(2, "No such file or directory")


def test_a_process_that_ends_while_it_is_looked_at_holds_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Its folder is there, and gone when it is to be listed.
    for name in ("scandir", "listdir"):
        monkeypatch.setattr(os, name, gone)
    assert held_mb(os.getpid()) > 0


def _now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_look_that_fails_fails_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shanhai_worker.child_process.held_mb", gone)
    failure = await asyncio.wait_for(
        exceed(Limits(memory_mb=512, time_s=1), os.getpid(), _now()), 30
    )
    assert "ran longer" in failure.detail.en


async def test_too_much_memory_is_told_with_limit_and_figure(hog: int) -> None:
    failure = await asyncio.wait_for(exceed(Limits(memory_mb=32), hog, _now()), 30)
    assert failure.kind == "resource"
    limit, held = map(int, re.findall(r"(\d+) MB", failure.detail.en))
    assert limit == 32
    assert held > 64
    assert f"已用 {held} MB" in failure.detail.zh


async def test_who_keeps_within_the_limits_is_let_be(hog: int) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(exceed(Limits(memory_mb=512), hog, _now()), 0.05)


def test_what_killed_workers_left_goes_once_no_job_can_be_at_it(tmp_path: Path) -> None:
    ages_s = {"shanhai-job-lost": 1.5e5, "shanhai-job-long": 1.3e5, "steps": 1e6}
    for name, age_s in ages_s.items():
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    remove_folders(WorkerSettings(scratch=tmp_path, limits=("echo=512:60000",)))
    assert {folder.name for folder in tmp_path.iterdir()} == {"shanhai-job-long", "steps"}
