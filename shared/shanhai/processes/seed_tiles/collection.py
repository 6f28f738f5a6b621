"""Asking for the tiles of a plan, block by block, and keeping what is finished as files.

An attempt that goes on where another stopped passes over the blocks that are there. Two attempts
at once, one of which has lost its job, write the same bytes under the same names.
"""

import gzip
import os
import shutil
import struct
import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import astuple, dataclass
from pathlib import Path

from shanhai.errors import LimitExceeded
from shanhai.processes.kit.task import Progress
from shanhai.processes.seed_tiles.contract import SeedTilesInputs
from shanhai.processes.seed_tiles.plan import Block, SeedingPlan, Sheet
from shanhai.processes.seed_tiles.service import (
    CONNECTIONS,
    SeenLayer,
    Tile,
    TileService,
    chosen,
    drawn,
    layer_path,
)

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


COLLECTED = 90.0
"""Per cent of a job that is done when all tiles are there."""
MOST_BYTES = 16 * 1024**3
"""Bytes of tiles that one pack may be made of."""


GZIP_LEVEL = 6


class LayerChanged(Exception):
    """A layer is no longer the version whose tiles are being collected."""

    def __init__(self, layer: str) -> None:
        super().__init__(layer)
        self.layer = layer


class Collector:
    """Collects the tiles of one plan.

    Args:
        service: Whom they are asked from.
        plan: Which they are.
        inputs: How they are drawn.
        folder: Where finished blocks are kept.
    """

    def __init__(
        self, service: TileService, plan: SeedingPlan, inputs: SeedTilesInputs, folder: Path
    ) -> None:
        self._service = service
        self._plan = plan
        self._packs = inputs.pack != "none"
        self._parameters = {**chosen(inputs), **drawn(inputs)}
        self._parts = [
            Parts(folder / str(number), content=self._packs) for number in range(len(plan.sheets))
        ]

    def collect(self, progress: Progress) -> dict[int, TileTally]:
        """Have every tile drawn, once; numbers by level.

        Raises:
            LayerChanged: a tile is of another version than its layer had when this began.
            LimitExceeded: the tiles of a pack take more room than they may.
        """
        tallies: dict[int, TileTally] = {}
        done, kept = 0, 0
        with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="tiles") as pool:
            for number, block in self._blocks():
                progress(COLLECTED * done / max(self._plan.count, 1), f"zoom:{block.zoom}")
                tally = self._made(pool, number, block)
                tallies[block.zoom] = tallies.get(block.zoom, TileTally()) + tally
                done += block.count * len(self._plan.sheets[number].layers)
                kept += tally.bytes
                if self._packs and kept > MOST_BYTES:
                    raise _too_large(block.zoom)
        return tallies

    def tiles(self, block: Block) -> Iterator[Placed]:
        """What was collected of a block of the one sheet that a pack is made of."""
        return self._parts[0].read(block)

    def _blocks(self) -> Iterator[tuple[int, Block]]:
        """Numbers of sheets and blocks, level by level, so that all layers get on together."""
        levels = [
            (level.zoom, number, level)
            for number, sheet in enumerate(self._plan.sheets)
            for level in sheet.levels
        ]
        for _, number, level in sorted(levels, key=lambda one: one[:2]):
            yield from ((number, block) for block in level.blocks())

    def _made(self, pool: Executor, number: int, block: Block) -> TileTally:
        """The numbers of a block that an earlier attempt finished, or that is made now."""
        parts, sheet = self._parts[number], self._plan.sheets[number]
        found = parts.tally(block)
        if found is not None:
            return found
        tiles = pool.map(lambda place: self._tile(sheet, block.zoom, *place), block.tiles())
        return parts.write(block, tiles)

    def _tile(self, sheet: Sheet, zoom: int, column: int, row: int) -> Placed:
        """The tile with the features of all layers; a protobuf after another is one message."""
        found = [self._of_layer(sheet, layer, zoom, column, row) for layer in sheet.layers]
        content = b"".join(tile.content for tile in found)
        if self._packs and sheet.format == "mvt" and content:
            content = gzip.compress(content, GZIP_LEVEL, mtime=0)
        return Placed(zoom, column, row, content, any(tile.truncated for tile in found))

    def _of_layer(self, sheet: Sheet, layer: SeenLayer, zoom: int, column: int, row: int) -> Tile:
        tail = f"/tiles/{self._plan.grid.id}/{zoom}/{column}/{row}.{sheet.format}"
        tile = self._service.tile(
            layer_path(layer.name, tail), {**self._parameters, "v": layer.version}, own=layer.own
        )
        if not tile.current:
            raise LayerChanged(layer.name)
        return tile


def _too_large(zoom: int) -> LimitExceeded:
    limit = MOST_BYTES // 1024**3
    return LimitExceeded(
        f"the tiles take more than {limit} GiB by level {zoom}; choose a smaller area or fewer"
        " levels",
        message_zh=f"到第 {zoom} 级瓦片已超过 {limit} GiB；请缩小范围或减少级别",
        pointer="/inputs/max_zoom",
    )
