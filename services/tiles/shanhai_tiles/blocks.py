"""Blocks of rasters as they are after unpacking, kept for all threads.

Unpacking a block takes milliseconds. GDAL keeps blocks too, but for each handle its own: several
threads that draw one raster would each unpack and keep all of it.
"""

from collections import OrderedDict
from threading import Lock
from typing import Any

from numpy.typing import NDArray

Key = tuple[object, ...]
Block = NDArray[Any]


class Blocks:
    """Arrays that nobody changes, least recently used dropped first, bounded in bytes."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.size = 0
        self._kept: OrderedDict[Key, Block] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Key) -> Block | None:
        """The block of this name, if it is kept."""
        with self._lock:
            block = self._kept.get(key)
            if block is not None:
                self._kept.move_to_end(key)
        return block

    def put(self, key: Key, block: Block) -> None:
        """Keep a block, unless it alone would take an eighth of the room."""
        if block.nbytes > self.capacity // 8:
            return
        block.setflags(write=False)
        with self._lock:
            former = self._kept.pop(key, None)
            self.size += block.nbytes - (0 if former is None else former.nbytes)
            self._kept[key] = block
            while self.size > self.capacity:
                _, dropped = self._kept.popitem(last=False)
                self.size -= dropped.nbytes
