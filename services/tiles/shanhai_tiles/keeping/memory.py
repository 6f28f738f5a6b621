"""Tiles in the memory of one process."""

from collections import OrderedDict

from shanhai_tiles.keeping.tile import Tile

OVERHEAD_BYTES = 512
"""What an entry takes beside its body: many tiles are small, and empty ones must count too."""


class Memory:
    """Tiles, least recently used dropped first, bounded in bytes.

    A key names everything a tile's bytes depend on, so nothing ever needs to be removed because it
    changed. Only the event loop may use it.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.size = 0
        self._tiles: OrderedDict[str, Tile] = OrderedDict()

    def get(self, key: str) -> Tile | None:
        """The tile, or None; an empty tile is a tile."""
        tile = self._tiles.get(key)
        if tile is not None:
            self._tiles.move_to_end(key)
        return tile

    def put(self, key: str, tile: Tile) -> None:
        """Keep a tile, unless it alone would take an eighth of the room."""
        if _size_of(tile) > self.capacity // 8:
            return
        former = self._tiles.pop(key, None)
        self.size += _size_of(tile) - (0 if former is None else _size_of(former))
        self._tiles[key] = tile
        while self.size > self.capacity:
            _, dropped = self._tiles.popitem(last=False)
            self.size -= _size_of(dropped)


def _size_of(tile: Tile) -> int:
    return len(tile.body) + OVERHEAD_BYTES
