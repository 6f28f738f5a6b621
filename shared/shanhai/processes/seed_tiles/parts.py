"""Finished blocks of tiles as files of their own, whole or absent, in a folder that is kept.

An attempt that goes on where another stopped passes over the blocks that are there. Two attempts
at once, one of which has lost its job, write the same bytes under the same names.
"""

import os
import shutil
import struct
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from shanhai.processes.seed_tiles.levels import Block

_HEAD = struct.Struct("<IIIQ")
_RECORD = struct.Struct("<III")


@dataclass(frozen=True, slots=True)
class TileTally:
    """What came of tiles that were asked for.

    Attributes:
        tiles: How many have something in them.
        empty: How many have nothing.
        truncated: How many of the first lack features, for there were too many.
        bytes: What the first take.
    """

    tiles: int = 0
    empty: int = 0
    truncated: int = 0
    bytes: int = 0

    @classmethod
    def of(cls, tile: "Placed") -> "TileTally":
        """That of one tile."""
        if not tile.content:
            return cls(empty=1)
        return cls(tiles=1, truncated=int(tile.truncated), bytes=len(tile.content))

    def __add__(self, other: "TileTally") -> "TileTally":
        return TileTally(
            self.tiles + other.tiles,
            self.empty + other.empty,
            self.truncated + other.truncated,
            self.bytes + other.bytes,
        )


@dataclass(frozen=True, slots=True)
class Placed:
    """A tile and where it lies; rows count from the north."""

    zoom: int
    column: int
    row: int
    content: bytes
    truncated: bool = False


class Parts:
    """The finished blocks of one sheet.

    Args:
        folder: Where they are kept.
        content: Whether the tiles themselves are, or only that they were made.
    """

    def __init__(self, folder: Path, *, content: bool) -> None:
        self._folder = folder
        self._content = content
        folder.mkdir(parents=True, exist_ok=True)

    def tally(self, block: Block) -> TileTally | None:
        """The numbers of a block; None while it is not finished."""
        path = self._path(block)
        if not path.exists():
            return None
        with path.open("rb") as file:
            return TileTally(*_HEAD.unpack(file.read(_HEAD.size)))

    def write(self, block: Block, tiles: Iterable[Placed]) -> TileTally:
        """Keep a block durably as soon as all its tiles are there."""
        path, tally = self._path(block), TileTally()
        aside = path.with_suffix(f".{uuid.uuid4().hex}")
        with aside.open("xb") as file:
            file.write(_HEAD.pack(0, 0, 0, 0))
            for tile in tiles:
                tally += TileTally.of(tile)
                if tile.content and self._content:
                    file.write(_RECORD.pack(tile.column, tile.row, len(tile.content)))
                    file.write(tile.content)
            file.seek(0)
            file.write(_HEAD.pack(*astuple(tally)))
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)
        return tally

    def read(self, block: Block) -> Iterator[Placed]:
        """The tiles of a finished block that have something in them."""
        with self._path(block).open("rb") as file:
            file.seek(_HEAD.size)
            while record := file.read(_RECORD.size):
                column, row, size = _RECORD.unpack(record)
                yield Placed(block.zoom, column, row, file.read(size))

    def _path(self, block: Block) -> Path:
        return self._folder / f"{block.zoom:02}-{block.columns[0]}-{block.rows[0]}.part"


def clear_others(folder: Path, wanted: str) -> None:
    """Remove what is kept in a folder for other plans than the one wanted."""
    for other in folder.iterdir() if folder.exists() else ():
        if other.name != wanted:
            shutil.rmtree(other, ignore_errors=True)
