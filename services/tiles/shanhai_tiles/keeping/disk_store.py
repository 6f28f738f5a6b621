"""Tiles in a folder, which processes of one machine share and a restart does not empty."""

import asyncio
import os
import tempfile
from pathlib import Path

import structlog

from shanhai_tiles.keeping.redis_store import FAILURES
from shanhai_tiles.keeping.tile import Tile, pack, unpack

SHARDS = 64
SWEPT_PART = 8
"""The part of a shard's room that a process fills before it looks at the shard again."""
BLOCK = 512
"""The unit of `st_blocks`."""

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class DiskStore:
    """Tiles as files, least recently used dropped first, bounded in bytes.

    The files lie in 64 folders of equal room; each process sweeps one when it has written an eighth
    of its room there, so the bound holds within that eighth for each process.
    """

    def __init__(self, folder: Path, capacity: int) -> None:
        self.folder = folder
        self.room = capacity // SHARDS
        # As if all of it had been written: what lies there from before is not known yet.
        self._unswept = dict.fromkeys(range(SHARDS), self.room)

    async def get(self, key: str) -> Tile | None:
        """The tile, or None where it is not, or damaged, or cannot be read."""
        return await asyncio.to_thread(self._get, key)

    async def put(self, key: str, tile: Tile) -> None:
        """Keep a tile, unless it alone would take a quarter of a folder's room."""
        kept = pack(key, tile)
        if len(kept) <= self.room // 4:
            await asyncio.to_thread(self._put, key, kept)

    async def claim(self, key: str) -> bool:
        """Always: a file says nothing of who is drawing it."""
        return True

    async def release(self, key: str) -> None:
        """There is no claim."""

    async def close(self) -> None:
        """There is nothing open."""

    def _get(self, key: str) -> Tile | None:
        path = self._path(key)
        try:
            kept = path.read_bytes()
            os.utime(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            _fail(error)
            return None
        tile = unpack(key, kept)
        if tile is None:
            path.unlink(missing_ok=True)
        return tile

    def _put(self, key: str, kept: bytes) -> None:
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(path, kept)
            shard = _shard_of(key)
            self._unswept[shard] += len(kept)
            if self._unswept[shard] >= self.room // SWEPT_PART:
                self._unswept[shard] = 0
                _sweep(path.parent, self.room)
        except OSError as error:
            _fail(error)

    def _path(self, key: str) -> Path:
        return self.folder / f"{_shard_of(key):02d}" / key


def _shard_of(key: str) -> int:
    return int(key[:2], 16) % SHARDS


def _write_whole(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _sweep(folder: Path, room: int) -> None:
    """Remove the files that were not used for longest until the others fit."""
    found = []
    for entry in os.scandir(folder):
        try:
            stat = entry.stat()
        except FileNotFoundError:
            continue
        found.append((stat.st_mtime_ns, max(stat.st_blocks * BLOCK, stat.st_size), entry.path))
    size = sum(bytes_ for _, bytes_, _ in found)
    for _, bytes_, path in sorted(found):
        if size <= room:
            return
        Path(path).unlink(missing_ok=True)
        size -= bytes_


def _fail(error: OSError) -> None:
    FAILURES.labels("disk").inc()
    log.warning("tiles are not kept on disk", error=type(error).__name__)
