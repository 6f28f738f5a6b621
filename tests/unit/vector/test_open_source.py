"""What people send is opened as what it is, or refused."""

import io
import json
import sqlite3
import stat
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry.base import BaseGeometry

from shanhai.errors import InvalidInput, UnsupportedFile
from shanhai.file_limits import ZipLimits
from shanhai.vector import geojson_kml
from shanhai.vector.formats import FILE_FORMATS, FormatName
from shanhai.vector.gdal import KEPT, SKIPPED, pyogrio
from shanhai.vector.gdal_source import extract_shapefile
from shanhai.vector.open_source import open_source
from shanhai.vector.sources import SourceInfo, Wishes
from shanhai.vector.tables import FeatureColumn, FeatureTable
from shanhai.vector.writer import write_table

COLUMNS = (
    FeatureColumn("code", "text"),
    FeatureColumn("name_zh", "text"),
    FeatureColumn("rank", "integer"),
)
SQUARE = shapely.MultiPolygon([shapely.box(118, 24, 118.5, 24.5)])
ROWS: list[list[Any]] = [
    [shapely.to_wkb(SQUARE), "a.1", "海沧区", 1],
    [shapely.to_wkb(SQUARE), "a.2", "=1+1", 2],
    [None, "a.3", None, 3],
]
Read = Callable[..., tuple[SourceInfo, list[dict[str, Any]], list[bytes | None]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def opened(path: Path, **wishes: str) -> Any:
        folder = tmp_path / "opened"
        folder.mkdir()
        source = open_source(path, folder, Wishes(**wishes))
        rows: list[dict[str, Any]] = []
        shapes: list[bytes | None] = []
        for block in source.blocks():
            names = list(block.columns)
            rows += [
                dict(zip(names, v, strict=True)) for v in zip(*block.columns.values(), strict=True)
            ]
            shapes += block.geometry
        return source.info, rows, shapes

    return opened


def shape_of(content: bytes | None) -> BaseGeometry:
    shape = shapely.from_wkb(content)
    assert shape is not None
    return shape


def written(folder: Path, name: FormatName, **options: Any) -> Path:
    epsg = 4326 if FILE_FORMATS[name].only_degrees else 4490
    path = folder / "upload"
    made = folder / f"made{FILE_FORMATS[name].suffix}"
    write_table(
        made, FeatureTable("things", COLUMNS, [ROWS], "MultiPolygon", epsg), name, **options
    )
    return made.rename(path)


@pytest.mark.parametrize("name", FILE_FORMATS)
def test_every_format_comes_back(tmp_path: Path, read: Read, name: FormatName) -> None:
    info, rows, shapes = read(written(tmp_path, name))
    assert [row["code"] for row in rows] == ["a.1", "a.2", "a.3"]
    assert [row["name_zh"] for row in rows] == ["海沧区", "=1+1", None]
    assert [int(row["rank"]) for row in rows] == [1, 2, 3]
    assert shape_of(shapes[0]).normalize().equals(SQUARE)
    assert shapes[2] is None
    assert (info.crs is None) == (name == "csv")


@pytest.mark.parametrize("told_by", [".cpg", "content", "parameter"])
def test_shapefile_in_gbk(tmp_path: Path, read: Read, told_by: str) -> None:
    path = written(tmp_path, "shp", encoding="GBK")
    if told_by != ".cpg":
        path = without(path, ".cpg")
    wishes = {"encoding": "GBK"} if told_by == "parameter" else {}
    info, rows, _ = read(path, **wishes)
    assert (info.encoding, info.encoding_from) == ("gb18030", told_by)
    assert info.samples == ("海沧区",)
    assert rows[0]["name_zh"] == "海沧区"


def test_shapefile_is_never_read_with_replacement_characters(tmp_path: Path, read: Read) -> None:
    path = written(tmp_path, "shp", encoding="GBK")
    with pytest.raises(InvalidInput, match="not valid utf-8"):
        read(path, encoding="UTF-8")


def written_by_gdal(path: Path, columns: dict[str, str], encoding: str) -> Path:
    """A zipped shapefile whose names and texts GDAL cuts at so many bytes."""
    folder = _new(path.parent / "shapes")
    values = [np.array([value], dtype=object) for value in columns.values()]
    points = np.array([shapely.to_wkb(shapely.Point(118, 24))], dtype=object)
    with warnings.catch_warnings(action="ignore"):
        pyogrio.raw.write(
            folder / "a.shp",
            points,
            values,
            list(columns),
            driver="ESRI Shapefile",
            geometry_type="Point",
            crs="EPSG:4490",
            encoding=encoding,
        )
    with zipfile.ZipFile(path, "w") as file:
        for part in folder.iterdir():
            file.write(part, part.name)
    return path


@pytest.mark.parametrize("told_by", [".cpg", "content"])
@pytest.mark.parametrize(
    ("encoding", "fields"),
    [("UTF-8", ("行政区", "行政区_2", "note")), ("GBK", ("行政区名称", "行政区代码", "note"))],
)
def test_half_a_character_at_which_a_name_or_text_was_cut_is_left_out(
    tmp_path: Path, read: Read, encoding: str, fields: tuple[str, ...], told_by: str
) -> None:
    columns = {"行政区名称": "海沧区", "行政区代码": "湖里区", "note": "a" + "湾" * 140}
    path = written_by_gdal(tmp_path / "upload", columns, encoding)
    info, rows, _ = read(path if told_by == ".cpg" else without(path, ".cpg"))
    # The language byte that GDAL writes of GBK is known.
    assert info.encoding_from in {told_by, "language byte"}
    assert info.fields == fields
    kept = (254 - 1) // len("湾".encode(encoding))
    assert rows == [dict(zip(fields, ["海沧区", "湖里区", "a" + "湾" * kept], strict=True))]
    assert info.may_be_cut(rows[0]["note"])


@pytest.mark.parametrize("text", [b"a\xba\xba\xba", b"\xba   ", b"ab\xff\xba"])
def test_half_a_character_elsewhere_is_refused(tmp_path: Path, read: Read, text: bytes) -> None:
    path = written_by_gdal(tmp_path / "upload", {"note": "aXYZ"}, "GBK")
    changed = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
        for member in old.infolist():
            content = old.read(member)
            at = content.find(b"aXYZ")
            new.writestr(member, content if at < 0 else content[:at] + text + content[at + 4 :])
    path.write_bytes(changed.getvalue())
    with pytest.raises(InvalidInput, match="not valid gb18030"):
        read(path)


def without(path: Path, suffix: str) -> Path:
    changed = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
        for member in old.infolist():
            if not member.filename.endswith(suffix):
                new.writestr(member, old.read(member))
    path.write_bytes(changed.getvalue())
    return path


def test_shapefile_without_its_table_is_refused(tmp_path: Path, read: Read) -> None:
    with pytest.raises(InvalidInput, match=r"lacks \.dbf"):
        read(without(written(tmp_path, "shp"), ".dbf"))


def archive(path: Path, *names: str, **options: Any) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            info = zipfile.ZipInfo(name)
            info.external_attr = options.get("mode", 0o644) << 16
            file.writestr(info, b"x")
    return path


@pytest.mark.parametrize(
    "name",
    ["../a.shp", "/etc/a.shp", "a/../b.shp", "C:/a.shp", "a\\b.shp", "a//b.shp", "inner.zip"],
)
def test_member_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / "a.zip", name)
    with pytest.raises(InvalidInput, match="member"):
        extract_shapefile(path, tmp_path)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a.zip"]


def test_links_and_repeated_members_are_refused(tmp_path: Path) -> None:
    link = archive(tmp_path / "a.zip", "a.shp", mode=stat.S_IFLNK | 0o777)
    with pytest.raises(InvalidInput, match="link"):
        extract_shapefile(link, tmp_path)
    twice = archive(tmp_path / "b.zip", "a.shp", "A.shp")
    with pytest.raises(InvalidInput, match="twice"):
        extract_shapefile(twice, tmp_path)


def test_bombs_stop_while_they_unpack(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for suffix in (".shp", ".shx", ".dbf"):
            file.writestr(f"a{suffix}", b"\0" * 20_000_000)
    with pytest.raises(InvalidInput, match="unpacks to more"):
        extract_shapefile(path, tmp_path)
    assert sum(item.stat().st_size for item in tmp_path.iterdir()) < 15_000_000


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", *(f"{n}.txt" for n in range(5)))
    with pytest.raises(InvalidInput, match="members"):
        extract_shapefile(path, tmp_path, limits=ZipLimits(members=4))


def test_member_names_in_gbk_are_read(tmp_path: Path, read: Read) -> None:
    path = written(tmp_path, "shp")
    changed = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
        for member in old.infolist():
            suffix = Path(member.filename).suffix
            new.writestr(f"XX{suffix}", old.read(member))
    path.write_bytes(changed.getvalue().replace(b"XX.", "区".encode("gbk") + b"."))
    info, rows, _ = read(path)
    assert info.layer == "区"
    assert len(rows) == 3


def test_what_macos_packs_beside_a_shapefile_is_no_layer(tmp_path: Path, read: Read) -> None:
    path = written(tmp_path, "shp")
    with zipfile.ZipFile(path, "a") as file:
        for name in file.namelist():
            file.writestr(f"__MACOSX/._{name}", b"\0\5\x16\7" + bytes(100))
    assert len(read(path)[1]) == 3


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x01\x02",
        b"PK\x03\x04 but no zip",
        b"SQLite format 3\x00 but no database",
        b"fgb\x03fgb\x00 but nothing more",
        b"PAR1 but nothing PAR1",
        b"%PDF-1.7",
        b"<OGRVRTDataSource><OGRVRTLayer name='x'/></OGRVRTDataSource>",
        b"<kml><Placemark>",
        b'{"type": "FeatureCollection", "features": [',
        b'{"type": "Topology"}',
        b'name\nx,"unclosed',
    ],
)
def test_damaged_and_foreign_files_are_refused(tmp_path: Path, read: Read, content: bytes) -> None:
    path = tmp_path / "upload"
    path.write_bytes(content)
    with pytest.raises(InvalidInput) as refused:
        read(path)
    assert str(tmp_path) not in str(refused.value)


def test_kml_with_entities_is_refused(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "upload"
    path.write_text('<!DOCTYPE kml [<!ENTITY a "b">]><kml><Placemark/></kml>')
    with pytest.raises(InvalidInput, match="document type"):
        read(path)


def test_kml_in_gbk_is_refused_with_what_to_do(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "upload"
    path.write_bytes('<?xml version="1.0" encoding="GBK"?><kml>区</kml>'.encode("gbk"))
    with pytest.raises(InvalidInput, match="UTF-8"):
        read(path)


def test_kml_with_holes_parts_and_heights(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "upload"
    ring = "<LinearRing><coordinates>{}</coordinates></LinearRing>"
    outer = ring.format("0,0,0 9,0,0 9,9,0 0,9,0 0,0,0")
    inner = ring.format("1,1 2,1 2,2 1,2 1,1")
    path.write_text(
        f"""<kml xmlns="http://www.opengis.net/kml/2.2"><Document>
        <Placemark id="k1"><name>湾</name><MultiGeometry><Polygon>
          <outerBoundaryIs>{outer}</outerBoundaryIs><innerBoundaryIs>{inner}</innerBoundaryIs>
        </Polygon></MultiGeometry>
        <ExtendedData><Data name="rank"><value>3</value></Data></ExtendedData></Placemark>
        <Placemark><Point><coordinates>1,2,30</coordinates></Point></Placemark>
        <Placemark><Point><coordinates>a,b</coordinates></Point></Placemark>
        </Document></kml>""",
        encoding="utf-8",
    )
    info, rows, shapes = read(path)
    assert info.fields == ("id", "name", "rank")
    assert rows[0] == {"id": "k1", "name": "湾", "rank": "3"}
    assert shape_of(shapes[0]).area == 80
    assert shape_of(shapes[1]).has_z
    assert shapes[2] is None


def test_csv_reads_coordinates_in_columns_and_gbk(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "upload"
    path.write_bytes("code;经度;纬度;名称\r\na;118.1;24.5;海沧\r\nb;;;\r\n".encode("gbk"))
    info, rows, shapes = read(path)
    assert (info.encoding, info.fields) == ("gb18030", ("code", "名称"))
    assert rows[0] == {"code": "a", "名称": "海沧"}
    assert shape_of(shapes[0]).coords[0] == (118.1, 24.5)
    assert shapes[1] is None


def test_csv_has_names_over_several_lines(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "upload"
    path.write_text('code,"面积\n（公顷）"\na,1\n')
    info, rows, _ = read(path)
    assert info.fields == ("code", "面积\n（公顷）")
    assert rows == [{"code": "a", "面积\n（公顷）": "1"}]


def test_csv_tells_rows_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_text("code,wkt\na,POINT (1 2)\nb,POINT (1\nc\nd,nonsense\n")
    block = next(iter(open_source(path, tmp_path, Wishes()).blocks()))
    assert sorted(block.broken) == [1, 2, 3]


@pytest.mark.parametrize("broken", ['c,"never closed\nd,4\n', 'c,"closed"too early\nd,4\n'])
def test_a_malformed_csv_tells_where(tmp_path: Path, read: Read, broken: str) -> None:
    path = tmp_path / "upload"
    path.write_text(f'code,name\na,1\nb,"over two\nlines"\n{broken}')
    with pytest.raises(UnsupportedFile, match="row that begins in line 5") as refused:
        read(path)
    assert "第 5 行" in str(refused.value.message_zh)


def test_geopackage_of_several_layers_wants_a_name(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "made.gpkg"
    for name in ("one", "two"):
        import pyarrow as pa

        schema = pa.schema([("code", pa.string()), ("geometry", pa.binary())])
        rows = [{"code": name, "geometry": shapely.to_wkb(SQUARE)}]
        batch = pa.RecordBatch.from_pylist(rows, schema=schema)
        pyogrio.write_arrow(
            pa.RecordBatchReader.from_batches(schema, [batch]),
            path,
            layer=name,
            driver="GPKG",
            geometry_name="geometry",
            geometry_type="MultiPolygon",
            crs="EPSG:4490",
        )
    with pytest.raises(InvalidInput, match="one, two"):
        open_source(path, _new(tmp_path / "a"), Wishes())
    assert read(path, layer="two")[1][0]["code"] == "two"


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_geopackage_with_a_view_is_refused(tmp_path: Path, read: Read) -> None:
    path = written(tmp_path, "gpkg")
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE VIEW harm AS SELECT * FROM things")
    connection.close()
    with pytest.raises(InvalidInput, match="view"):
        read(path)


def test_renamed_files_are_told_by_their_content(tmp_path: Path, read: Read) -> None:
    path = tmp_path / "upload"
    path.write_text(
        json.dumps(
            {
                "type": "FeatureCollection",
                "features": [
                    {"type": "Feature", "id": "x", "geometry": None, "properties": {"code": "g.1"}}
                ],
            }
        )
    )
    info, rows, _ = read(path)
    assert info.format == "GeoJSON"
    assert rows[0]["code"] == "g.1"


def test_every_driver_of_this_gdal_is_kept_or_skipped() -> None:
    assert set(pyogrio.list_drivers()) <= KEPT | set(SKIPPED)


@pytest.mark.parametrize("window", [1, 7, 1024**2])
def test_geojson_is_read_through_windows_of_any_size(
    tmp_path: Path, read: Read, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(geojson_kml, "WINDOW", window)
    collection = {
        "type": "FeatureCollection",
        "name": '区 \u001e\\"',
        "features": [
            {
                "type": "Feature",
                "id": number,
                "geometry": shapely.geometry.mapping(SQUARE),
                "properties": {"code": f"a.{number}", "rank": number * 1000, "more": [1, {"a": 2}]},
            }
            for number in range(3)
        ],
        "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4548"}},
    }
    path = tmp_path / "upload"
    path.write_text(json.dumps(collection, indent=1))
    info, rows, shapes = read(path)
    assert (info.crs, info.fields) == ("EPSG:4548", ("id", "code", "rank", "more"))
    assert [row["rank"] for row in rows] == [0, 1000, 2000]
    assert rows[2]["more"] == [1, {"a": 2}]
    assert shape_of(shapes[2]).equals(SQUARE)


def test_memory_that_is_refused_is_told_before_a_library_ends_the_process(
    tmp_path: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "geojsonseq")
    monkeypatch.setattr(geojson_kml, "ROOM", 2**60)
    with pytest.raises(MemoryError, match="bytes are refused"):
        read(path)


@pytest.mark.parametrize(
    "crs",
    [
        {"type": "link", "properties": {"href": "http://127.0.0.1:9/x", "type": "proj4"}},
        {"type": "name", "properties": {"href": "http://127.0.0.1:9/x"}},
        {"type": "url", "properties": {"url": "http://127.0.0.1:9/x"}},
        "EPSG:4490",
    ],
)
def test_a_system_by_link_is_refused(tmp_path: Path, read: Read, crs: Any) -> None:
    path = tmp_path / "upload"
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": []}))
    with pytest.raises(InvalidInput, match="links are not followed"):
        read(path)


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"FeatureCollection","features":[] junk',
        '{"type":"FeatureCollection","features":[{}{}]}',
        '{"type":"FeatureCollection","features":{}}',
        '{"features":[' + "[" * 100_000,
        '{"type":"FeatureCollection","features":[]}]',
        "{1:2}",
    ],
)
def test_malformed_geojson_is_refused(tmp_path: Path, read: Read, text: str) -> None:
    path = tmp_path / "upload"
    path.write_text(text)
    with pytest.raises(InvalidInput, match="GeoJSON"):
        read(path)


def test_values_that_are_no_text_or_too_large_are_named(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    line = '{{"type":"Feature","geometry":null,"properties":{{"code":"a","name_zh":{}}}}}\n'
    path.write_text("".join(line.format(value) for value in ('"\\ud800"', 10**30, '"区"')))
    (block,) = open_source(path, tmp_path, Wishes()).blocks()
    assert sorted(block.broken) == [0, 1]
    assert block.broken[1].en == "'name_zh': has a value that cannot be kept"
    assert list(block.columns["code"]) == ["a", "a", "a"]
