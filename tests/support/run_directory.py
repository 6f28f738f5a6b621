"""The directory of one test run's servers: removed at the end, or by the next run after a crash."""

import fcntl
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shanhai.local import places

PREFIX = "shanhai-test-"
LOCK = "run.lock"
# A directory whose run has not come to lock it yet is not taken for abandoned.
GRACE_S = 600.0


MEMORY = Path("/dev/shm")  # noqa: S108
"""A file system in memory, where there is one: a database is made there in a quarter of the time,
since it has 1,600 files."""
AVAILABLE = re.compile(r"MemAvailable: *(\d+) kB")
LEAST_ROOM = 8 * 2**30
"""Bytes free below which servers stay on the disk; they take some hundred megabytes."""


def quick_place() -> Path:
    """Where servers are quick whose data nobody needs: in memory if there is plenty, or a disk."""
    disk = Path(tempfile.gettempdir())
    if not MEMORY.is_mount():
        return disk
    told = AVAILABLE.search(Path("/proc/meminfo").read_text())
    available = int(told[1]) * 1024 if told else 0
    return MEMORY if min(shutil.disk_usage(MEMORY).free, available) >= LEAST_ROOM else disk


@contextmanager
def run_directory(place: Path | None = None) -> Iterator[Path]:
    """A directory that the servers' account may enter, for as long as the context lasts."""
    parent = place or Path(tempfile.gettempdir())
    _sweep(parent)
    directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent)).resolve()
    directory.chmod(0o711)
    with (directory / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield directory
        finally:
            _remove(directory)


def _sweep(parent: Path) -> None:
    """Remove what runs that were killed have left: their locks are free."""
    for directory in parent.glob(f"{PREFIX}*"):
        if _is_old_and_ours(directory):
            _remove_abandoned(directory)


def _is_old_and_ours(directory: Path) -> bool:
    try:
        ours = directory.owner() == Path("/proc/self").owner()
        return ours and time.time() - directory.stat().st_mtime >= GRACE_S
    except (OSError, KeyError):
        return False


def _remove_abandoned(directory: Path) -> None:
    """Remove it unless its run holds its lock, or another run that removes it."""
    with suppress(FileNotFoundError, BlockingIOError), (directory / LOCK).open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if directory.exists():
            _remove(directory)


def discard_places(base: Path) -> None:
    """Delete what servers keep outside `base` on its behalf; they must have been stopped."""
    links = [link.readlink() for link in base.iterdir() if link.is_symlink()]
    for kept in {link.parent for link in links if link.parent.parent == places.ELSEWHERE}:
        if kept.exists():
            shutil.rmtree(kept)


def _remove(directory: Path) -> None:
    discard_places(directory)
    shutil.rmtree(directory)
