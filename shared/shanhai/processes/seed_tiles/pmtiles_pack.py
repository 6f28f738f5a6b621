"""PMTiles, version 3: one file that is read by ranges of bytes.

The directories and the header are written by the library `pmtiles`. Its own writer tells equal
tiles by Python's 64-bit hash alone, so what is the same is found here, by digest.
"""

import shutil
import tempfile
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

from pmtiles.tile import Compression, Entry, TileType, zxy_to_tileid
from pmtiles.writer import finalize_header

from shanhai.processes.seed_tiles.pack import PackFacts, Tiles, whole_or_absent
from shanhai.processes.seed_tiles.parts import Placed
from shanhai.processes.seed_tiles.plan import Sheet

TYPES = {"mvt": TileType.MVT, "png": TileType.PNG, "jpg": TileType.JPEG, "webp": TileType.WEBP}
DIGEST_BYTES = 16


def write_pmtiles(path: Path, facts: PackFacts, tiles: Tiles) -> int:
    """Write a pack whose tiles lie in the order of its directory; how many different ones it has.

    Memory grows by the directory alone: the tiles go to a file aside.
    """
    directory = Directory()

    def write(aside: Path) -> None:
        with tempfile.TemporaryFile(dir=path.parent) as data, aside.open("xb") as file:
            for number, content in in_order(facts.sheet, tiles):
                directory.add(number, content, data)
            for part in directory.head(facts):
                file.write(part)
            data.seek(0)
            shutil.copyfileobj(data, file)

    whole_or_absent(path, write)
    return directory.contents


class Directory:
    """Where each tile lies: equal tiles once, and runs of them as one entry."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._offsets: dict[bytes, int] = {}
        self._end = 0
        self._addressed = 0

    @property
    def contents(self) -> int:
        """How many different tiles there are."""
        return len(self._offsets)

    def add(self, number: int, content: bytes, data: IO[bytes]) -> None:
        """Note a tile by its number on the curve, rising, and write it unless it is there."""
        digest = blake2b(content, digest_size=DIGEST_BYTES).digest()
        offset = self._offsets.get(digest)
        if offset is None:
            offset = self._offsets[digest] = self._end
            data.write(content)
            self._end += len(content)
        self._addressed += 1
        last = self._entries[-1] if self._entries else None
        if last and last.offset == offset and last.tile_id + last.run_length == number:
            last.run_length += 1
        else:
            self._entries.append(Entry(number, offset, len(content), 1))

    def head(self, facts: PackFacts) -> tuple[bytes, bytes, bytes, bytes]:
        """Header, root directory, metadata and leaf directories."""
        metadata: dict[str, Any] = {**facts.members, "shanhai": facts.own_members}
        if facts.sheet.format == "mvt":
            metadata["vector_layers"] = facts.vector_layers
        head: tuple[bytes, bytes, bytes, bytes] = finalize_header(
            _header(facts),
            self._addressed,
            self._entries,
            self.contents,
            metadata,
            clustered=True,
            tile_data_length=self._end,
        )
        return head


def in_order(sheet: Sheet, tiles: Tiles) -> Iterator[tuple[int, bytes]]:
    """Numbers and contents of all tiles along the curve, in memory one block at a time."""
    for level in sheet.levels:
        corners = {
            zxy_to_tileid(block.zoom, block.columns[0], block.rows[0]): block
            for block in level.blocks()
        }
        # A block is a whole square of the curve, or its part inside the sheet, so blocks follow
        # one another as any one tile of each does.
        for _, block in sorted(corners.items(), key=lambda one: one[0]):
            numbered = [(_number(tile), tile.content) for tile in tiles(block)]
            yield from sorted(numbered)


def _number(tile: Placed) -> int:
    return zxy_to_tileid(tile.zoom, tile.column, tile.row)


def _header(facts: PackFacts) -> dict[str, Any]:
    west, south, east, north = (round(side * 1e7) for side in facts.bounds)
    longitude, latitude, zoom = facts.center
    vector = facts.sheet.format == "mvt"
    return {
        "tile_type": TYPES[facts.sheet.format],
        "tile_compression": Compression.GZIP if vector else Compression.NONE,
        "min_lon_e7": west,
        "min_lat_e7": south,
        "max_lon_e7": east,
        "max_lat_e7": north,
        "center_zoom": zoom,
        "center_lon_e7": round(longitude * 1e7),
        "center_lat_e7": round(latitude * 1e7),
    }
