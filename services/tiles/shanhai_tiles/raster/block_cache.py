"""Unpacked blocks of rasters, in memory and, where there is a folder for it, on disk.

To unpack a block takes some ten times as long as to read its cells from a file, whose pages the
system has in memory as long as nobody else needs that.
"""

import os
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, Any

import numpy as np
import structlog
from numpy.typing import NDArray

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

Key = tuple[object, ...]
Block = NDArray[Any]
MEMORY_BYTES = 128 * 1024**2


class BlockFile:
    """Blocks that memory had no room for, in a file without a name, which goes with the process.

    It is written round and round: a block stays until what came later takes its place.
    """

    def __init__(self, folder: Path, capacity: int) -> None:
        self._capacity = capacity
        self._end = 0  # of all that was ever written, which begins anew at each multiple of it
        self._kept: OrderedDict[Key, tuple[int, str, tuple[int, ...]]] = OrderedDict()
        self._writing = Lock()
        self._usable = True
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] | None = TemporaryFile(dir=folder)  # noqa: SIM115 - see `close`
        except OSError as error:
            self._file = None
            self._give_up(error)

    def put(self, key: Key, block: Block) -> None:
        """Keep a block, unless it is there, or is larger than the file may be."""
        # One writes at a time: who was late would write over what came after it.
        with self._writing:
            known = self._kept.get(key)
            there = known is not None and self._holds(known[0])
            if self._file is None or not self._usable or there or block.nbytes > self._capacity:
                return
            start, left = self._end, self._capacity - self._end % self._capacity
            start += left if block.nbytes > left else 0
            self._end = start + block.nbytes
            while self._kept and not self._holds(next(iter(self._kept.values()))[0]):
                self._kept.popitem(last=False)
            data = np.ascontiguousarray(block).data
            try:
                written = os.pwrite(self._file.fileno(), data, start % self._capacity)
            except OSError as error:
                self._give_up(error)
                return
            if written == block.nbytes:
                self._kept[key] = (start, block.dtype.str, block.shape)

    def get(self, key: Key) -> Block | None:
        """The block of this name, if it is still there."""
        found = self._kept.get(key)
        if found is None or self._file is None:
            return None
        start, dtype, shape = found
        block = np.empty(shape, dtype)
        try:
            read = os.preadv(self._file.fileno(), [block.data], start % self._capacity)
        except OSError as error:
            self._give_up(error)
            return None
        # Whoever has begun to write there has said so first.
        return block if read == block.nbytes and self._holds(start) else None

    def close(self) -> None:
        """Give the room back."""
        if self._file is not None:
            self._file.close()

    def _give_up(self, error: OSError) -> None:
        """Write nothing more; what is there is still read."""
        self._usable = False
        log.warning("no more blocks are kept on disk", reason=str(error))

    def _holds(self, start: int) -> bool:
        return self._end - start <= self._capacity


class BlockCache:
    """Arrays that nobody changes, least recently used dropped first, bounded in bytes.

    Args:
        capacity: Those bytes.
        beyond: Takes what is dropped.
    """

    def __init__(self, capacity: int = MEMORY_BYTES, beyond: BlockFile | None = None) -> None:
        self.capacity = capacity
        self._beyond = beyond
        self.size = 0
        self._kept: OrderedDict[Key, Block] = OrderedDict()
        self._made: dict[Key, Future[Block]] = {}
        self._lock = Lock()

    def close(self) -> None:
        """Give back what it has on disk."""
        if self._beyond is not None:
            self._beyond.close()

    def get(self, key: Key, make: Callable[[], Block]) -> Block:
        """The block of this name, kept, or made once for all threads that ask meanwhile.

        It is kept unless it alone would take an eighth of the room. What `make` raises is raised
        to all of them.
        """
        with self._lock:
            block = self._kept.get(key)
            if block is not None:
                self._kept.move_to_end(key)
                return block
            awaited = self._made.get(key)
            mine = self._made.setdefault(key, Future())
        if awaited is not None:
            return awaited.result()
        try:
            block = None if self._beyond is None else self._beyond.get(key)
            block = make() if block is None else block
        except BaseException as error:
            mine.set_exception(error)
            raise
        else:
            self._keep(key, block)
            mine.set_result(block)
        finally:
            with self._lock:
                del self._made[key]
        return block

    def _keep(self, key: Key, block: Block) -> None:
        block.setflags(write=False)
        if block.nbytes > self.capacity // 8:
            return
        dropped = []
        with self._lock:
            self.size += block.nbytes
            self._kept[key] = block
            while self.size > self.capacity:
                dropped.append(self._kept.popitem(last=False))
                self.size -= dropped[-1][1].nbytes
        if self._beyond is not None:
            for one in dropped:
                self._beyond.put(*one)
