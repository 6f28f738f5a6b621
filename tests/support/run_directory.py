"""The directory of one test run's servers: removed at the end, or by the next run after a crash."""

import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shanhai.local.places import discard_places

PREFIX = "shanhai-test-"
LOCK = "run.lock"
# A directory whose run has not come to lock it yet is not taken for abandoned.
GRACE_S = 600.0


@contextmanager
def run_directory() -> Iterator[Path]:
    """A directory that the servers' account may enter, for as long as the context lasts."""
    _sweep(Path(tempfile.gettempdir()))
    directory = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
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


def _remove(directory: Path) -> None:
    discard_places(directory)
    shutil.rmtree(directory)
