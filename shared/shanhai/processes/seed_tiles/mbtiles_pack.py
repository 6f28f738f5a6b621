"""MBTiles 1.3: a SQLite file with rows that count from the south."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

from shanhai.processes.seed_tiles.pack import PackFacts, Tiles, as_json, whole_or_absent
from shanhai.processes.seed_tiles.parts import Placed
from shanhai.processes.seed_tiles.plan import Sheet

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
                for tile in _all(facts.sheet, tiles):
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


def _all(sheet: Sheet, tiles: Tiles) -> Iterator[Placed]:
    return (tile for block in sheet.blocks() for tile in tiles(block))


def _insert(base: sqlite3.Connection, tile: Placed, images: dict[bytes, int]) -> None:
    """Equal tiles are kept once; the row counts from the south, as in TMS."""
    digest = blake2b(tile.content, digest_size=DIGEST_BYTES).digest()
    image = images.get(digest)
    if image is None:
        image = images[digest] = len(images) + 1
        base.execute("INSERT INTO images VALUES (?, ?)", (image, tile.content))
    row = (1 << tile.zoom) - 1 - tile.row
    base.execute("INSERT INTO map VALUES (?, ?, ?, ?)", (tile.zoom, tile.column, row, image))
