"""Every format is written from the same rows and read back by GDAL or pyarrow."""

import csv
import io
import math
import sqlite3
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.vector.formats import FILE_FORMATS, FORMULA_STARTS, FormatName, neutralised, restored
from shanhai.vector.geojson_kml import KmlSource
from shanhai.vector.shapefile import short_names
from shanhai.vector.tables import FeatureColumn, FeatureTable, kind_of
from shanhai.vector.writer import write_table
from tests.support.room import room_for

COLUMNS = (
    FeatureColumn("code", "text"),
    FeatureColumn("name_zh", "text"),
    FeatureColumn("area_km2", "number"),
    FeatureColumn("rank", "integer"),
    FeatureColumn("public", "boolean"),
    FeatureColumn("valid_from", "date"),
    FeatureColumn("updated_at", "moment"),
    FeatureColumn("requirements", "json"),
)
MOMENT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
SQUARE = shapely.MultiPolygon([shapely.box(118, 24, 118.5, 24.5)])


def row(number: int, geometry: Any = SQUARE, name: str = "海沧区") -> list[Any]:
    wkb = None if geometry is None else shapely.to_wkb(geometry)
    values = [f"c.{number}", name, 1.5, number, True, date(2020, 1, 2), MOMENT, {"zh": ["一"]}]
    return [wkb, *values]


def table(*blocks: Sequence[list[Any]], **options: Any) -> FeatureTable:
    described: dict[str, Any] = {"geometry_type": "MultiPolygon", "epsg": 4490, **options}
    return FeatureTable("things", COLUMNS, blocks, **described)


def written(path: Path, made: FeatureTable, name: FormatName, **options: Any) -> Path:
    target = path / f"things{FILE_FORMATS[name].suffix}"
    write_table(target, made, name, **options)
    return target


@pytest.mark.parametrize("name", ["fgb", "gpkg", "shp", "parquet"])
def test_formats_keep_rows_and_crs(tmp_path: Path, name: FormatName) -> None:
    path = written(tmp_path, table([row(1), row(2)], [row(3, None)]), name)
    if name == "parquet":
        rows = pq.read_table(path).to_pylist()
        assert rows[0]["valid_from"] == date(2020, 1, 2)
        geometries = [item["geometry"] for item in rows]
    else:
        info = pyogrio.read_info(path)
        assert info["crs"] == "EPSG:4490"
        assert info["total_bounds"] == pytest.approx((118, 24, 118.5, 24.5))
        meta, _, found, columns = pyogrio.raw.read(path)
        rows = [
            dict(zip(meta["fields"], values, strict=True)) for values in zip(*columns, strict=True)
        ]
        geometries = list(found)
    assert [item["code"] for item in rows] == ["c.1", "c.2", "c.3"]
    assert rows[1]["name_zh"] == "海沧区"
    assert [item["rank"] for item in rows] == [1, 2, 3]
    assert shapely.from_wkb(geometries[0]).area == pytest.approx(0.25)
    assert geometries[2] in {None, b""}


def test_geopackage_is_of_a_version_older_readers_know(tmp_path: Path) -> None:
    """GDAL before 3.7, as QGIS 3.22 has it, warns of 1.4 and may not see all of it."""
    path = written(tmp_path, table([row(1)]), "gpkg")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (10300,)


@pytest.mark.parametrize("name", ["csv", "geojsonseq", "fgb", "gpkg", "parquet", "kml"])
def test_no_room_is_told(tmp_path: Path, name: FormatName) -> None:
    """GDAL calls some files finished whose ends did not fit."""
    rows = [row(number) for number in range(200)]
    (tmp_path / "whole").mkdir()
    size = written(tmp_path / "whole", table(rows), name).stat().st_size
    with room_for(size - 1), pytest.raises(OSError, match="File too large"):
        written(tmp_path, table(rows), name)


def test_geoparquet_describes_its_geometry(tmp_path: Path) -> None:
    import json

    path = written(tmp_path, table([row(1)], notes={"licence": "CC BY 4.0"}), "parquet")
    metadata = pq.read_metadata(path).metadata
    geo = json.loads(metadata[b"geo"])
    column = geo["columns"]["geometry"]
    assert geo["version"] == "1.1.0"
    assert column["geometry_types"] == ["MultiPolygon"]
    assert column["bbox"] == [118, 24, 118.5, 24.5]
    assert column["crs"]["id"] == {"authority": "EPSG", "code": 4490}
    assert metadata[b"shanhai:licence"] == b"CC BY 4.0"


def test_every_format_of_an_empty_table_is_a_file(tmp_path: Path) -> None:
    for name in FILE_FORMATS:
        path = written(tmp_path, table([], epsg=4326), name)  # type: ignore[arg-type]  # one of the formats
        assert path.stat().st_size > 0 or name == "geojsonseq"


def test_csv_holds_wkt_and_marks_what_looks_like_a_formula(tmp_path: Path) -> None:
    path = written(tmp_path, table([row(1, name="=cmd|'/c calc'!A0"), row(2, None)]), "csv")
    text = path.read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert rows[0]["name_zh"] == "'=cmd|'/c calc'!A0"
    assert shapely.from_wkt(rows[0]["geometry"]).equals(SQUARE)
    assert rows[0]["updated_at"] == "2024-05-06T07:08:09+00:00"
    assert rows[1]["geometry"] == ""


def test_csv_leaves_negative_numbers_alone(tmp_path: Path) -> None:
    made = FeatureTable(
        "t", (FeatureColumn("value", "number"),), [[[None, -1.5]]], geometry_type=None
    )
    assert "-1.5" in written(tmp_path, made, "csv").read_text().splitlines()[1:]


@given(st.text())
def test_neutralised_cells_are_text_and_come_back(text: str) -> None:
    cell = neutralised(text)
    assert cell in (text, f"'{text}")
    assert not cell.startswith(FORMULA_STARTS) or math.isfinite(float(cell))
    assert restored(cell) == text


@pytest.mark.parametrize("text", ["-200.0000", "-1", "0.5"])
def test_plain_numbers_stay_numbers(text: str) -> None:
    assert restored(neutralised(text)) == neutralised(text) == text


@pytest.mark.parametrize("text", ["-1+2", "-1\n", "-", "-.5", "+8613800000000", "-A1", "'-1"])
def test_what_only_begins_like_a_number_is_kept_as_text(text: str) -> None:
    assert neutralised(text) == f"'{text}"
    assert restored(neutralised(text)) == text


@given(st.lists(st.text(max_size=30), unique=True, max_size=40))
def test_short_names_are_short_and_distinct(names: list[str]) -> None:
    short = short_names(names)
    assert all(len(name.encode()) <= 10 for name in short.values())
    assert len({name.lower() for name in short.values()}) == len(names)


def members(path: Path) -> Iterator[str]:
    with zipfile.ZipFile(path) as archive:
        yield from archive.namelist()


def test_shapefile_in_gbk_says_so_and_maps_its_names(tmp_path: Path) -> None:
    path = written(tmp_path, table([row(1)]), "shp", encoding="GBK")
    with zipfile.ZipFile(path) as archive:
        assert "海沧区".encode("gbk") in archive.read("things.dbf")
        assert archive.read("things.cpg").strip() in {b"GBK", b"CP936", b"936"}
        assert "requiremen\trequirements" in archive.read("fields.txt").decode()


def test_shapefile_refuses_what_gbk_cannot_say(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="GBK"):
        written(tmp_path, table([row(1, name="岭𠮷")]), "shp", encoding="GBK")


def test_shapefile_cuts_long_text_between_characters(tmp_path: Path) -> None:
    path = written(tmp_path, table([row(1, name="海" * 200)]), "shp")
    assert pyogrio.read_arrow(path)[1].to_pylist()[0]["name_zh"] == "海" * 84


def test_shapefile_of_mixed_geometry_has_one_file_per_kind(tmp_path: Path) -> None:
    rows = [row(1), row(2, shapely.Point(118, 24)), row(3, None)]
    path = written(tmp_path, table(rows, geometry_type="Unknown"), "shp")
    names = set(members(path))
    assert {"things_polygon.shp", "things_point.shp"} <= names


def test_geojson_sequence_has_a_feature_per_record(tmp_path: Path) -> None:
    import json

    path = written(tmp_path, table([row(1), row(2, None)], epsg=4326), "geojsonseq")
    features = [json.loads(text) for text in path.read_text().split("\x1e")[1:]]
    assert features[0]["id"] == "c.1"
    assert features[0]["properties"]["requirements"] == {"zh": ["一"]}
    assert features[1]["geometry"] is None


def test_kml_leaves_out_what_xml_cannot_hold(tmp_path: Path) -> None:
    name = "海\x00\x0b沧\ufffe\uffff区\ufffd"
    path = written(tmp_path, table([row(1, name=name)], epsg=4326), "kml")
    block = next(KmlSource(path).blocks())
    assert block.columns["name_zh"] == ["海沧区\ufffd"]


def test_kml_is_read_back_with_its_properties(tmp_path: Path) -> None:
    path = written(tmp_path, table([row(1)], epsg=4326), "kml")
    block = next(KmlSource(path).blocks())
    assert (block.columns["code"], block.columns["name_zh"]) == (["c.1"], ["海沧区"])


@pytest.mark.parametrize(
    ("schema", "kind"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "format": "date"}, "date"),
        ({"type": "string", "format": "date-time"}, "moment"),
        ({"type": ["integer", "null"]}, "integer"),
        ({"type": "array"}, "json"),
    ],
)
def test_kinds_follow_schemas(schema: dict[str, Any], kind: str) -> None:
    assert kind_of(schema) == kind
