"""Parts and packs read back: by the library's own reader, by SQLite, tile by tile."""

import gzip
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pmtiles.reader import MmapSource, Reader, all_tiles
from pmtiles.tile import Compression, TileType, deserialize_directory, zxy_to_tileid

from shanhai.processes.seed_tiles.collection import Parts, Placed, TileTally, clear_others
from shanhai.processes.seed_tiles.contract import SeedTilesInputs
from shanhai.processes.seed_tiles.pack import PackFacts, write_mbtiles, write_pmtiles
from shanhai.processes.seed_tiles.plan import Block, Levels, make_plan
from shanhai.processes.seed_tiles.service import SeenLayer
from shanhai.vocabulary import Label
from shanhai_tiles.grids import WEB_MERCATOR

GRID = Levels.of(WEB_MERCATOR.document().as_json())
NOTE = {"dataset": "dem", "title_zh": "高程", "title_en": "DEM", "note_zh": "替代", "note_en": "x"}


def facts(kind: str = "raster", *, deepest: int = 5, **inputs: Any) -> PackFacts:
    told = {
        "description": "Zones (rests on stand-in data)",
        "attribution": "A &amp; B",
        "legend": "http://tiles.test/layers/zones/legend.png?lang=zh",
    }
    layer = SeenLayer(
        "zones",
        kind,
        Label("分区", "Zones"),
        version="v1",
        bounds=(-180.0, -85.0, 180.0, 85.0),
        maxzoom=deepest,
        own=False,
        document={"stand_in": True, "stand_in_notes": [NOTE]},
        tilejson={"zh": {**told, "description": "分区（含替代数据）"}, "en": told},
        vector_layers=({"id": "zones", "fields": {"code": "String", "area_km2": "Number"}},),
    )
    asked = SeedTilesInputs(layers=["zones"], **inputs)
    return PackFacts(make_plan(GRID, [layer], asked, None).sheets[0], asked)


def picture(zoom: int, column: int, row: int) -> bytes:
    """Tiles of the west are all equal, those of the east all different."""
    if column < (1 << zoom) // 2:
        return b"\x89PNG sea"
    return f"\x89PNG {zoom}/{column}/{row}".encode()


def pictures(block: Block) -> Iterator[Placed]:
    return (Placed(block.zoom, x, y, picture(block.zoom, x, y)) for x, y in block.tiles())


def features(block: Block) -> Iterator[Placed]:
    """Tiles of features, none in the west."""
    for x, y in block.tiles():
        if x >= (1 << block.zoom) // 2:
            yield Placed(block.zoom, x, y, gzip.compress(f"{x} {y}".encode(), mtime=0))


def test_a_pmtiles_pack_holds_every_tile_in_the_order_of_its_directory(tmp_path: Path) -> None:
    path = tmp_path / "tiles.pmtiles"
    different = write_pmtiles(path, facts(pack="pmtiles"), pictures)
    with path.open("rb") as file:
        source = MmapSource(file)
        reader = Reader(source)
        header = reader.header()
        read = dict(all_tiles(source))
        for zoom, column, row in ((0, 0, 0), (3, 2, 5), (5, 31, 31)):
            assert reader.get(zoom, column, row) == picture(zoom, column, row)
        entries = deserialize_directory(source(header["root_offset"], header["root_length"]))
    assert read == {
        (z, x, y): picture(z, x, y) for z in range(6) for x in range(1 << z) for y in range(1 << z)
    }
    assert header["addressed_tiles_count"] == len(read) == 1365
    assert header["tile_contents_count"] == len(set(read.values())) == different
    assert header["tile_entries_count"] == len(entries) < len(read)  # runs of equal tiles are one
    assert (header["tile_type"], header["tile_compression"]) == (TileType.PNG, Compression.NONE)
    assert (header["min_zoom"], header["max_zoom"], header["center_zoom"]) == (0, 5, 5)
    assert (header["min_lon_e7"], header["max_lat_e7"]) == (-1_800_000_000, 850_000_000)
    assert header["clustered"]
    ends = [0]
    for entry in entries:  # each offset lies in what was written before, or follows it
        assert entry.offset <= ends[-1]
        ends.append(max(ends[-1], entry.offset + entry.length))
    assert ends[-1] == header["tile_data_length"]
    assert all(one.tile_id < other.tile_id for one, other in pairwise(entries))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["tiles.pmtiles"]


def test_a_pmtiles_pack_with_many_different_tiles_has_leaves(tmp_path: Path) -> None:
    path = tmp_path / "tiles.pmtiles"

    def content(zoom: int, x: int, y: int) -> bytes:
        """All different, and of lengths that no compression foresees."""
        return b"%d %d %d" % (zoom, x, y) + b"." * (blake2b(b"%d %d" % (x, y)).digest()[0])

    def all_different(block: Block) -> Iterator[Placed]:
        return (Placed(block.zoom, x, y, content(block.zoom, x, y)) for x, y in block.tiles())

    write_pmtiles(path, facts(pack="pmtiles", deepest=7), all_different)
    with path.open("rb") as file:
        reader = Reader(MmapSource(file))
        assert reader.header()["leaf_directory_length"] > 0
        assert reader.header()["root_length"] + 127 <= 16_384
        assert reader.get(7, 100, 27) == content(7, 100, 27)
        assert reader.get(8, 0, 0) is None


def test_a_pmtiles_pack_of_features_tells_its_layers_and_what_stands_in(tmp_path: Path) -> None:
    path = tmp_path / "tiles.pmtiles"
    write_pmtiles(path, facts("vector", pack="pmtiles"), features)
    with path.open("rb") as file:
        reader = Reader(MmapSource(file))
        header, metadata = reader.header(), reader.metadata()
        assert reader.get(2, 0, 0) is None
        assert gzip.decompress(reader.get(2, 3, 1) or b"") == b"3 1"
    assert (header["tile_type"], header["tile_compression"]) == (TileType.MVT, Compression.GZIP)
    assert header["addressed_tiles_count"] == sum(4**z // 2 for z in range(1, 6)) + 1
    assert metadata["name"] == "分区 / Zones"
    assert metadata["description"] == "分区（含替代数据） / Zones (rests on stand-in data)"
    assert metadata["attribution"] == "A &amp; B"
    assert metadata["vector_layers"] == [
        {
            "id": "zones",
            "fields": {"code": "String", "area_km2": "Number"},
            "minzoom": 0,
            "maxzoom": 5,
        }
    ]
    own = metadata["shanhai"]
    assert (own["title_zh"], own["stand_in"], own["layers"]) == ("分区", True, {"zones": "v1"})
    assert own["stand_in_notes"] == [NOTE]
    assert own["legend"] == ["http://tiles.test/layers/zones/legend.png?lang=zh"]


def test_the_legend_is_that_of_what_was_drawn() -> None:
    own = facts(rescale=(-1.0, 0.5), band=2).own_members
    assert own["legend"] == ["http://tiles.test/layers/zones/legend.png?lang=zh&rescale=-1%2C0.5"]


def test_an_mbtiles_pack_keeps_equal_tiles_once_and_counts_rows_from_the_south(
    tmp_path: Path,
) -> None:
    path = tmp_path / "tiles.mbtiles"
    different = write_mbtiles(path, facts(pack="mbtiles"), pictures)
    with closing(sqlite3.connect(path)) as base:
        rows = base.execute("SELECT zoom_level, tile_column, tile_row, tile_data FROM tiles")
        read = {(z, x, (1 << z) - 1 - y): content for z, x, y, content in rows}
        (images,) = base.execute("SELECT count(*) FROM images").fetchone()
        (number,) = base.execute("PRAGMA application_id").fetchone()
        metadata = dict(base.execute("SELECT name, value FROM metadata"))
        south = base.execute(
            "SELECT tile_data FROM tiles WHERE zoom_level = 3 AND tile_column = 6 AND tile_row = 0"
        ).fetchone()
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert read == {
        (z, x, y): picture(z, x, y) for z in range(6) for x in range(1 << z) for y in range(1 << z)
    }
    assert south == (picture(3, 6, 7),)
    assert images == different == len(set(read.values()))
    assert number.to_bytes(4, "big") == b"MPBX"
    assert metadata["format"] == "png"
    assert metadata["bounds"] == "-180,-85,180,85"
    assert metadata["center"] == "0,0,5"
    assert (metadata["minzoom"], metadata["maxzoom"]) == ("0", "5")
    assert json.loads(metadata["shanhai"])["stand_in_notes"] == [NOTE]
    assert "json" not in metadata
    assert sorted(file.name for file in tmp_path.iterdir()) == ["tiles.mbtiles"]


def test_an_mbtiles_pack_of_features_has_the_layers_in_json(tmp_path: Path) -> None:
    path = tmp_path / "tiles.mbtiles"
    write_mbtiles(path, facts("vector", pack="mbtiles"), features)
    with closing(sqlite3.connect(path)) as base:
        metadata = dict(base.execute("SELECT name, value FROM metadata"))
    assert metadata["format"] == "pbf"
    assert json.loads(metadata["json"])["vector_layers"][0]["fields"]["area_km2"] == "Number"


def test_a_pack_that_breaks_off_leaves_no_file_of_its_name(tmp_path: Path) -> None:
    def breaking(block: Block) -> Iterator[Placed]:
        yield Placed(block.zoom, 0, 0, b"one")
        raise OSError("no more")

    for write, suffix in ((write_pmtiles, "pmtiles"), (write_mbtiles, "mbtiles")):
        path = tmp_path / f"tiles.{suffix}"
        with pytest.raises(OSError, match="no more"):
            write(path, facts(pack=suffix), breaking)
        assert not path.exists()
        assert write(path, facts(pack=suffix), pictures) > 1
        assert path.exists()


class TestParts:
    BLOCK = Block(4, (0, 2), (0, 1))
    TILES = (Placed(4, 0, 0, b"abc"), Placed(4, 1, 0, b""))

    def test_a_finished_block_is_read_as_it_was_written(self, tmp_path: Path) -> None:
        parts = Parts(tmp_path / "0", content=True)
        assert parts.tally(self.BLOCK) is None
        assert parts.write(self.BLOCK, self.TILES) == TileTally(1, 1, 0, 3)
        assert Parts(tmp_path / "0", content=True).tally(self.BLOCK) == TileTally(1, 1, 0, 3)
        assert list(parts.read(self.BLOCK)) == [self.TILES[0]]

    def test_without_a_pack_only_the_numbers_are_kept(self, tmp_path: Path) -> None:
        parts = Parts(tmp_path, content=False)
        assert parts.write(self.BLOCK, self.TILES) == TileTally(1, 1, 0, 3)
        assert list(parts.read(self.BLOCK)) == []
        (file,) = tmp_path.iterdir()
        assert file.stat().st_size == 20

    def test_a_block_that_breaks_off_is_not_there(self, tmp_path: Path) -> None:
        def breaking() -> Iterator[Placed]:
            yield self.TILES[0]
            raise ConnectionError

        parts = Parts(tmp_path, content=True)
        with pytest.raises(ConnectionError):
            parts.write(self.BLOCK, breaking())
        assert parts.tally(self.BLOCK) is None
        parts.write(self.BLOCK, self.TILES)
        assert parts.tally(self.BLOCK) == TileTally(1, 1, 0, 3)

    def test_what_was_kept_for_another_version_goes(self, tmp_path: Path) -> None:
        for name in ("old", "new"):
            Parts(tmp_path / name / "0", content=True).write(self.BLOCK, self.TILES)
        clear_others(tmp_path, "new")
        assert [folder.name for folder in tmp_path.iterdir()] == ["new"]
        clear_others(tmp_path / "none", "new")


def test_the_number_of_a_tile_is_that_of_the_specification() -> None:
    # The specification's own examples: 0/0/0, 1/0/0, 1/0/1, 1/1/1, 1/1/0 and 2/0/0 are 0 to 5.
    places = [(0, 0, 0), (1, 0, 0), (1, 0, 1), (1, 1, 1), (1, 1, 0), (2, 0, 0)]
    assert [zxy_to_tileid(*place) for place in places] == list(range(6))
