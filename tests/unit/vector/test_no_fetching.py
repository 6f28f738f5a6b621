"""Whatever an uploaded file names, nothing is fetched to read it."""

import json
import socket
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import shapely

from shanhai.errors import InvalidInput
from shanhai.vector.open_source import open_source
from shanhai.vector.sources import Wishes
from shanhai.vector.tables import FeatureColumn, FeatureTable
from shanhai.vector.writer import write_table

SQUARE = shapely.MultiPolygon([shapely.box(118, 24, 118.5, 24.5)])
LONG = " " * 300_000


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket somebody who follows an address would connect to."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        yield server


def asked_for(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except TimeoutError:
        return False
    return True


def address(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}/crs"


def read_all(path: Path, folder: Path) -> None:
    folder.mkdir()
    source = open_source(path, folder, Wishes())
    for _ in source.blocks():
        pass


def collection(crs: str = "", geometry_crs: str = "", properties: str = "{}") -> str:
    shape = json.dumps({"type": "Point", "coordinates": [118.1, 24.5]})[:-1]
    shape += f", {geometry_crs}}}" if geometry_crs else "}"
    feature = f'{{"type": "Feature", "properties": {properties}, "geometry": {shape}}}'
    head = f'{{"type": "FeatureCollection", {crs + ", " if crs else ""}'
    return f'{head}"features": [{feature}]}}'


def link(url: str, name: str = '"crs"', kind: str = "link") -> str:
    return f'{name}: {{"type": "{kind}", "properties": {{"href": "{url}", "url": "{url}"}}}}'


def named(name: str) -> str:
    return f'"crs": {{"type": "name", "properties": {{"name": "{name}"}}}}'


GEOJSON: dict[str, Callable[[str], str]] = {
    "link": lambda url: collection(link(url)),
    "link of the type proj4": lambda url: collection(
        link(url).replace('"href"', '"type": "proj4", "href"')
    ),
    "type URL": lambda url: collection(link(url, kind="URL")),
    "upper case": lambda url: collection(link(url, name='"CRS"', kind="LINK")),
    "escaped": lambda url: collection(link(url, name='"\\u0063r\\u0073"')),
    "escaped by halves": lambda url: collection(link(url, name='"\\u0043\\u0052S"')),
    "single quotes": lambda url: collection(link(url, name="'crs'")),
    "comment between": lambda url: collection(
        link(url, name='"crs" /* a */').replace(": ", ":/*b*/", 1)
    ),
    "type twice": lambda url: collection(link(url).replace('"type"', '"Type": "name", "type"', 1)),
    "two members": lambda url: collection(f"{named('EPSG:4326')}, {link(url)}"),
    "of a geometry": lambda url: collection(geometry_crs=link(url)),
    "far behind": lambda url: collection(
        properties=json.dumps({"a": LONG}), geometry_crs=link(url)
    ),
    "far into itself": lambda url: collection(link(url).replace("{", "{" + LONG, 1)),
    "behind a long member": lambda url: collection(
        link(url).replace("{", '{"a": "' + LONG.replace(" ", "x") + '", ', 1)
    ),
    "at the end": lambda url: collection()[:-1] + LONG + ", " + link(url) + "}",
    "sequence": lambda url: "\n".join(
        [collection()[len('{"type": "FeatureCollection", "features": [') : -2]] * 2
        + [f'{{"type": "Feature", {link(url)}, "properties": {{}}, "geometry": null}}']
    ),
    "named by an address": lambda url: collection(named(url)),
    "named by a path of curl": lambda url: collection(named(f"/vsicurl/{url}")),
    "named by a nested path": lambda url: collection(named(f"/vsizip//vsicurl/{url}/a.zip")),
}


@pytest.mark.parametrize("kind", GEOJSON)
def test_no_system_of_a_geojson_is_fetched(
    tmp_path: Path, listener: socket.socket, kind: str
) -> None:
    path = tmp_path / "upload"
    path.write_text(GEOJSON[kind](address(listener)), encoding="utf-8")
    with suppress(InvalidInput):  # refused is as good as read without a look elsewhere
        read_all(path, tmp_path / "opened")
    assert not asked_for(listener)


@pytest.mark.parametrize("kind", ["link", "type URL", "at the end", "far into itself"])
def test_a_geojson_with_a_link_for_its_system_is_refused(
    tmp_path: Path, listener: socket.socket, kind: str
) -> None:
    path = tmp_path / "upload"
    path.write_text(GEOJSON[kind](address(listener)), encoding="utf-8")
    with pytest.raises(InvalidInput) as refused:
        read_all(path, tmp_path / "opened")
    assert refused.value.faults[0].pointer == "/inputs/upload"
    assert address(listener) not in refused.value.message


def things() -> FeatureTable:
    return FeatureTable(
        "things",
        (FeatureColumn("code", "text"),),
        [[[shapely.to_wkb(SQUARE), "a"]]],
        "MultiPolygon",
        4490,
    )


def write_gpkg(path: Path, url: str, definition: str) -> None:
    made = path.with_suffix(".gpkg")
    write_table(made, things(), "gpkg")
    with sqlite3.connect(made) as connection:
        connection.execute(
            "UPDATE gpkg_spatial_ref_sys SET definition = ?, organization = 'none',"
            " organization_coordsys_id = 99999 WHERE srs_id = 4490",
            (definition.format(url=url),),
        )
    made.rename(path)


def write_shapefile(path: Path, url: str, projection: str) -> None:
    made = path.with_suffix(".zip")
    write_table(made, things(), "shp")
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(path, "w") as new:
        for member in old.infolist():
            content = old.read(member)
            if member.filename.endswith(".prj"):
                content = projection.format(url=url).encode()
            new.writestr(member, content)


def write_zip_of(path: Path, url: str, name: str, content: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, content.format(url=url))


def write_text(path: Path, url: str, content: str) -> None:
    path.write_text(content.format(url=url), encoding="utf-8")


VRT = (
    '<OGRVRTDataSource><OGRVRTLayer name="a"><SrcDataSource>/vsicurl/{url}</SrcDataSource>'
    "</OGRVRTLayer></OGRVRTDataSource>"
)
GML = (
    '<FeatureCollection xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:gml="http://www.opengis.net/gml" xsi:schemaLocation="{url} {url}"></FeatureCollection>'
)
KML_LINK = (
    '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><NetworkLink><Link><href>{url}</href>'
    "</Link></NetworkLink><Placemark><styleUrl>{url}#a</styleUrl><Point>"
    "<coordinates>118,24</coordinates></Point></Placemark></Document></kml>"
)
KML_ENTITY = (
    '<!DOCTYPE kml [<!ENTITY x SYSTEM "{url}">]><kml><Document><name>&x;</name></Document></kml>'
)
TOPOLOGY = (
    '{{"type": "Topology", "objects": {{}}, "arcs": [],'
    ' "crs": {{"type": "link", "properties": {{"href": "{url}"}}}}}}'
)
ESRI = (
    '{{"geometryType": "esriGeometryPoint", "spatialReference": {{"url": "{url}"}},'
    ' "features": []}}'
)
SERVICE = (
    '{{"links": [{{"rel": "next", "href": "{url}"}}], "type": "FeatureCollection",'
    ' "features": [], "next": "{url}"}}'
)
OTHERS: dict[str, tuple[Callable[..., None], tuple[str, ...]]] = {
    "VRT": (write_text, (VRT,)),
    "GML": (write_text, (GML,)),
    "KML with a network link": (write_text, (KML_LINK,)),
    "KML with an entity": (write_text, (KML_ENTITY,)),
    "TopoJSON": (write_text, (TOPOLOGY,)),
    "Esri JSON": (write_text, (ESRI,)),
    "page of a service": (write_text, (SERVICE,)),
    "path of curl": (write_text, ("/vsicurl/{url}",)),
    "CSV": (write_text, ("code,geometry,crs\na,/vsicurl/{url},{url}\n",)),
    "GeoPackage, address": (write_gpkg, ("{url}",)),
    "GeoPackage, path of curl": (write_gpkg, ("/vsicurl/{url}",)),
    "shapefile, address": (write_shapefile, ("{url}",)),
    "shapefile, path of curl": (write_shapefile, ("/vsicurl/{url}",)),
    "zip of GeoJSON": (write_zip_of, ("a.geojson", TOPOLOGY)),
    "zip of VRT": (write_zip_of, ("a.shp", VRT)),
    "zip of KML": (write_zip_of, ("doc.kml", KML_LINK)),
}


# GDAL warns of systems it cannot parse.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", OTHERS)
def test_no_other_file_is_followed(tmp_path: Path, listener: socket.socket, kind: str) -> None:
    write, told = OTHERS[kind]
    path = tmp_path / "upload"
    write(path, address(listener), *told)
    with suppress(InvalidInput):
        read_all(path, tmp_path / "opened")
    assert not asked_for(listener)
