"""Whether there was room for a file that GDAL wrote: the system knows, and GDAL does not tell."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROBE_BYTES = 64 * 1024


@contextmanager
def proving_room(path: Path, *, copied: Path | None = None) -> Iterator[None]:
    """Have a file written in this context, and ask for a little more room behind it.

    GDAL tells a full disk like any write that failed, without the reason; and not at all when the
    disk fills up while the file is closed, which leaves a damaged one that looks finished.

    Args:
        path: The file that is written.
        copied: The file it is made from, which is larger. GDAL removes a copy that failed, so that
            there is room again: then room for all of it is asked for.

    Raises:
        OSError: ENOSPC, EDQUOT or EFBIG: the file is not whole.
    """
    try:
        yield
    except Exception:
        _ask(path, PROBE_BYTES if copied is None else copied.stat().st_size)
        raise
    _ask(path, PROBE_BYTES)


def _ask(path: Path, room: int) -> None:
    """Have the system find so many bytes more, or say why not; the file stays as it is."""
    made = not path.exists()
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(file).st_size
        try:
            os.posix_fallocate(file, size, room)
        finally:
            os.ftruncate(file, size)
    finally:
        os.close(file)
        if made:
            path.unlink()
