"""Packs of tiles: MBTiles and PMTiles."""

import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

from pmtiles.tile import Compression, Entry, TileType, zxy_to_tileid
from pmtiles.writer import finalize_header

from shanhai.processes.seed_tiles.collection import Placed
from shanhai.processes.seed_tiles.contract import Box, SeedTilesInputs
from shanhai.processes.seed_tiles.plan import Block, Sheet
from shanhai.processes.seed_tiles.service import legend_address

CENTRE_ZOOM = 9

Tiles = Callable[[Block], Iterator[Placed]]
"""Gives the tiles of a block that have something in them."""


@dataclass(frozen=True)
class PackFacts:
    """The sheet a pack is made of, how its tiles were drawn, and how many lack features."""

    sheet: Sheet
    inputs: SeedTilesInputs
    truncated: int = 0

    @property
    def bounds(self) -> Box:
        """The box of what is packed, in degrees."""
        return self.sheet.box

    @property
    def center(self) -> tuple[float, float, int]:
        """Longitude, latitude and level to begin with."""
        west, south, east, north = self.bounds
        first, last = self.sheet.zooms
        return (west + east) / 2, (south + north) / 2, min(max(CENTRE_ZOOM, first), last)

    @cached_property
    def members(self) -> dict[str, str]:
        """Names and texts that TileJSON and both formats know."""
        told = [layer.tilejson for layer in self.sheet.layers]
        credits_ = dict.fromkeys(one["en"]["attribution"] for one in told)
        lines = [one[lang]["description"] for lang in ("zh", "en") for one in told]
        return {
            "name": f"{self.sheet.title.zh} / {self.sheet.title.en}",
            "description": " / ".join(dict.fromkeys(lines)),
            "attribution": "; ".join(filter(None, credits_)),
            "type": "overlay",
            "version": "1",
        }

    @property
    def own_members(self) -> dict[str, Any]:
        """What only this platform tells: titles, versions, stand-ins, where the legend is."""
        layers = self.sheet.layers
        return {
            "title_zh": self.sheet.title.zh,
            "title_en": self.sheet.title.en,
            "layers": {layer.name: layer.version for layer in layers},
            "stand_in": any(layer.document["stand_in"] for layer in layers),
            "stand_in_notes": [note for layer in layers for note in layer.stand_in_notes],
            "truncated_tiles": self.truncated,
            "legend": [legend_address(layer, self.inputs) for layer in layers],
        }

    @property
    def vector_layers(self) -> list[dict[str, Any]]:
        """The layers inside a tile of features, with the levels of the pack."""
        first, last = self.sheet.zooms
        return [
            {**one, "minzoom": first, "maxzoom": last}
            for layer in self.sheet.layers
            for one in layer.vector_layers
        ]


def as_json(content: Any) -> str:
    """Compact JSON whose Chinese stays readable."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def whole_or_absent(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a file aside and give it its name when all is in it."""
    aside = path.with_suffix(".aside")
    aside.unlink(missing_ok=True)
    write(aside)
    aside.rename(path)


FORMATS = {"mvt": "pbf"}
DIGEST_BYTES = 16

# The application's number is the one SQLite lists for MBTiles: `MPBX`.
_SCHEMA = """
PRAGMA application_id = 0x4D504258;
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE metadata (name TEXT NOT NULL, value TEXT NOT NULL);
CREATE UNIQUE INDEX metadata_name ON metadata (name);
CREATE TABLE images (tile_id INTEGER PRIMARY KEY, tile_data BLOB NOT NULL);
CREATE TABLE map (
  zoom_level INTEGER NOT NULL, tile_column INTEGER NOT NULL, tile_row INTEGER NOT NULL,
  tile_id INTEGER NOT NULL REFERENCES images,
  PRIMARY KEY (zoom_level, tile_column, tile_row)
) WITHOUT ROWID;
CREATE VIEW tiles AS
  SELECT zoom_level, tile_column, tile_row, tile_data FROM map JOIN images USING (tile_id);
"""


def write_mbtiles(path: Path, facts: PackFacts, tiles: Tiles) -> int:
    """Write a pack; how many different tiles it has."""
    images: dict[bytes, int] = {}

    def write(aside: Path) -> None:
        with closing(sqlite3.connect(aside)) as base:
            base.executescript(_SCHEMA)
            with base:
                base.executemany("INSERT INTO metadata VALUES (?, ?)", metadata(facts).items())
                for tile in (one for block in facts.sheet.blocks() for one in tiles(block)):
                    _insert(base, tile, images)

    whole_or_absent(path, write)
    return len(images)


def metadata(facts: PackFacts) -> dict[str, str]:
    """The rows of `metadata`; all values are texts."""
    first, last = facts.sheet.zooms
    rows = {
        **facts.members,
        "format": FORMATS.get(facts.sheet.format, facts.sheet.format),
        "bounds": ",".join(f"{side:.9g}" for side in facts.bounds),
        "center": ",".join(f"{part:.9g}" for part in facts.center),
        "minzoom": str(first),
        "maxzoom": str(last),
        "shanhai": as_json(facts.own_members),
    }
    if facts.sheet.format == "mvt":
        rows["json"] = as_json({"vector_layers": facts.vector_layers})
    return rows


def _insert(base: sqlite3.Connection, tile: Placed, images: dict[bytes, int]) -> None:
    """Equal tiles are kept once; the row counts from the south, as in TMS."""
    digest = blake2b(tile.content, digest_size=DIGEST_BYTES).digest()
    image = images.get(digest)
    if image is None:
        image = images[digest] = len(images) + 1
        base.execute("INSERT INTO images VALUES (?, ?)", (image, tile.content))
    row = (1 << tile.zoom) - 1 - tile.row
    base.execute("INSERT INTO map VALUES (?, ?, ?, ?)", (tile.zoom, tile.column, row, image))


TYPES = {"mvt": TileType.MVT, "png": TileType.PNG, "jpg": TileType.JPEG, "webp": TileType.WEBP}


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
