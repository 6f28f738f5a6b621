"""WMTS 1.0.0 by key-value pairs and by addresses, and the XML of what it refuses."""

from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import httpx
import numpy as np
import pytest

from shanhai_tiles.grids import CGCS2000_QUAD, GAUSS_KRUGER, WEB_MERCATOR
from shanhai_tiles.wmts.requests import MATRIX_SETS

NAMES = {
    "": "http://www.opengis.net/wmts/1.0",
    "ows": "http://www.opengis.net/ows/1.1",
    "xlink": "http://www.w3.org/1999/xlink",
}
HREF = f"{{{NAMES['xlink']}}}href"
CAPABILITIES = "/wmts/1.0.0/WMTSCapabilities.xml"
LON, LAT = 118.065, 24.526
TILE = {
    "SERVICE": "WMTS",
    "REQUEST": "GetTile",
    "VERSION": "1.0.0",
    "LAYER": "zones.xiamen",
    "STYLE": "default",
    "FORMAT": "image/png",
    "TILEMATRIXSET": "WebMercatorQuad",
    "TILEMATRIX": "10",
    "TILEROW": "440",
    "TILECOL": "847",
}
INFO = {**TILE, "REQUEST": "GetFeatureInfo", "I": "214", "J": "10", "INFOFORMAT": "text/html"}


def parsed(answer: httpx.Response) -> ElementTree.Element:
    return ElementTree.fromstring(answer.content)  # noqa: S314 - of the service under test


async def document(client: httpx.AsyncClient, path: str, **params: str) -> ElementTree.Element:
    answer = await client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/xml"
    return parsed(answer)


def layers_of(root: ElementTree.Element) -> dict[str, ElementTree.Element]:
    layers = root.findall("Contents/Layer", NAMES)
    return {str(one.findtext("ows:Identifier", None, NAMES)): one for one in layers}


def sets_of(root: ElementTree.Element) -> dict[str, ElementTree.Element]:
    sets = root.findall("Contents/TileMatrixSet", NAMES)
    return {str(one.findtext("ows:Identifier", None, NAMES)): one for one in sets}


async def test_both_ways_give_the_same_capabilities(client: httpx.AsyncClient) -> None:
    by_pairs = await client.get("/wmts", params={"service": "WMTS", "Request": "GetCapabilities"})
    by_address = await client.get(CAPABILITIES)
    assert by_pairs.content == by_address.content
    assert by_pairs.headers["etag"] == by_address.headers["etag"]


async def test_a_layer_says_all_a_client_needs(client: httpx.AsyncClient) -> None:
    root = await document(client, CAPABILITIES, lang="zh")
    layers = layers_of(root)
    assert "dataset.ndvi.secret" not in layers
    layer = layers["zones.xiamen"]
    assert layer.findtext("ows:Title", None, NAMES) == "zones 图层"
    assert "替代数据" in str(layer.findtext("ows:Abstract", None, NAMES))
    lower = str(layer.findtext("ows:WGS84BoundingBox/ows:LowerCorner", None, NAMES)).split()
    assert [float(one) for one in lower] == pytest.approx([117.986, 24.472], abs=0.001)
    assert [one.text for one in layer.findall("Format", NAMES)] == [
        "image/png",
        "image/webp",
        "image/jpeg",
    ]
    sets = [one.text for one in layer.findall("TileMatrixSetLink/TileMatrixSet", NAMES)]
    assert sets == [
        *("WebMercatorQuad", "WorldCRS84Quad", "CGCS2000Quad", "CGCS2000GK117", "c", "w")
    ]
    legend = layer.find("Style/LegendURL", NAMES)
    assert legend is not None
    picture = await client.get(legend.attrib[HREF])
    assert picture.headers["content-type"] == legend.attrib["format"]
    assert [one.text for one in layers["zones"].findall("Format", NAMES)] == [
        "application/vnd.mapbox-vector-tile"
    ]
    assert set(sets) <= set(sets_of(root))


async def test_titles_follow_the_language(client: httpx.AsyncClient) -> None:
    english = layers_of(await document(client, CAPABILITIES, lang="en"))["zones.xiamen"]
    assert english.findtext("ows:Title", None, NAMES) == "zones layer"


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_what_is_asked_on_stays_in_the_language(client: httpx.AsyncClient, lang: str) -> None:
    root = await document(client, CAPABILITIES, lang=lang)
    operations = {one.attrib["name"]: one for one in root.iter(f"{{{NAMES['ows']}}}Operation")}
    pairs, address = (
        one.attrib[HREF] for one in operations["GetCapabilities"].iter(f"{{{NAMES['ows']}}}Get")
    )
    for again in (
        await client.get(f"{pairs}service=WMTS&request=GetCapabilities"),
        await client.get(address),
    ):
        assert ElementTree.tostring(parsed(again)) == ElementTree.tostring(root)
    asked = operations["GetFeatureInfo"].find(".//ows:Get", NAMES)
    assert asked is not None
    page = await client.get(asked.attrib[HREF] + urlencode(INFO))
    assert f'<html lang="{lang}">' in page.text
    info, tile = (
        next(
            one.attrib["template"]
            for one in layers_of(root)["zones.xiamen"].findall("ResourceURL", NAMES)
            if one.attrib["resourceType"] == kind and one.attrib["format"] == media_type
        )
        for kind, media_type in (("FeatureInfo", "text/html"), ("tile", "image/png"))
    )
    assert info.endswith(f"?lang={lang}")
    assert tile.endswith(".png")


async def test_matrix_sets_write_corners_in_the_order_of_their_system(
    client: httpx.AsyncClient,
) -> None:
    sets = sets_of(await document(client, CAPABILITIES))
    corner, crs = {}, {}
    for name, one in sets.items():
        corner[name] = str(one.findtext("TileMatrix/TopLeftCorner", None, NAMES)).split()
        crs[name] = one.findtext("ows:SupportedCRS", None, NAMES)
    assert [float(x) for x in corner["WorldCRS84Quad"]] == [-180, 90]
    assert [float(x) for x in corner["CGCS2000Quad"]] == [90, -180]
    assert [float(x) for x in corner["c"]] == [90, -180]
    assert [float(x) for x in corner["w"]] == pytest.approx([-20037508.3428, 20037508.3428])
    assert [float(x) for x in corner["CGCS2000GK117"]] == [6291456, -24288]
    assert crs["c"] == "urn:ogc:def:crs:EPSG::4490"
    assert crs["WorldCRS84Quad"] == "urn:ogc:def:crs:OGC:1.3:CRS84"
    assert crs["CGCS2000GK117"] == "urn:ogc:def:crs:EPSG::4548"


async def test_the_national_set_counts_from_one(client: httpx.AsyncClient) -> None:
    sets = sets_of(await document(client, CAPABILITIES))
    for name in ("c", "w"):
        levels = [m.findtext("ows:Identifier", None, NAMES) for m in sets[name].iter() if len(m)]
        assert [one for one in levels if one != name] == [str(n) for n in range(1, 21)]
    first = sets["c"].find("TileMatrix", NAMES)
    assert first is not None
    assert first.findtext("MatrixWidth", None, NAMES) == "2"
    assert float(str(first.findtext("ScaleDenominator", None, NAMES))) == pytest.approx(
        2.795411320143589e8
    )


def place(name: str, zoom: int) -> dict[str, str]:
    """The tile of the middle of the world of the tests, in a set."""
    matrix_set = MATRIX_SETS[name]
    tile = matrix_set.grid.tms.tile(LON, LAT, zoom)
    return {
        "TILEMATRIXSET": name,
        "TILEMATRIX": str(zoom + matrix_set.shift),
        "TILEROW": str(tile.y),
        "TILECOL": str(tile.x),
    }


@pytest.mark.parametrize(
    ("name", "grid", "zoom"),
    [
        ("WebMercatorQuad", WEB_MERCATOR, 10),
        ("w", WEB_MERCATOR, 10),
        ("CGCS2000Quad", CGCS2000_QUAD, 9),
        ("c", CGCS2000_QUAD, 9),
        ("CGCS2000GK117", GAUSS_KRUGER[117], 6),
    ],
)
async def test_every_way_to_ask_gives_the_same_tile(
    client: httpx.AsyncClient, name: str, grid: Any, zoom: int
) -> None:
    at = place(name, zoom)
    plain = await client.get(
        f"/layers/zones.xiamen/tiles/{grid.id}/{zoom}/{at['TILECOL']}/{at['TILEROW']}.png"
    )
    pairs = await client.get("/wmts", params={**TILE, **at})
    lower = {key.lower(): value for key, value in {**TILE, **at}.items()}
    by_address = (
        f"/wmts/1.0.0/zones.xiamen/default/{name}/{at['TILEMATRIX']}"
        f"/{at['TILEROW']}/{at['TILECOL']}.png"
    )
    assert plain.status_code == 200
    for answer in (
        pairs,
        await client.get("/wmts", params=lower),
        await client.get("/wmts", params={**TILE, **at, "FORMAT": "tiles", "tk": "a-key"}),
        await client.get(by_address),
    ):
        assert answer.content == plain.content
        assert answer.headers["etag"] == plain.headers["etag"]
        assert answer.headers["content-type"] == "image/png"


@pytest.mark.parametrize("name", ["WebMercatorQuad", "c", "CGCS2000GK117"])
@pytest.mark.parametrize("layer", ["zones.xiamen", "zones"])
async def test_feature_info_is_what_lies_at_the_pixel(
    client: httpx.AsyncClient, name: str, layer: str
) -> None:
    matrix_set, zoom = MATRIX_SETS[name], MATRIX_SETS[name].grid.level_like(12)
    at = place(name, zoom)
    west, _, _, north = matrix_set.grid.bounds(zoom, int(at["TILECOL"]), int(at["TILEROW"]))
    pixels = matrix_set.grid.from_lonlat(*_arrays(LON, LAT))
    cell = matrix_set.grid.cell_at(zoom)
    i, j = int((pixels[0][0] - west) / cell), int((north - pixels[1][0]) / cell)
    format_ = "image/png" if layer == "zones.xiamen" else "application/vnd.mapbox-vector-tile"
    asked = {**INFO, **at, "LAYER": layer, "FORMAT": format_, "I": str(i), "J": str(j)}
    told = (await client.get("/wmts", params={**asked, "INFOFORMAT": "application/json"})).json()
    assert (told["lon"], told["lat"]) == pytest.approx((LON, LAT), abs=0.0003)
    point = await client.get(
        f"/layers/{layer}/point", params={"lon": told["lon"], "lat": told["lat"]}
    )
    assert told == point.json()
    by_address = await client.get(
        f"/wmts/1.0.0/{layer}/default/{name}/{at['TILEMATRIX']}/{at['TILEROW']}"
        f"/{at['TILECOL']}/{j}/{i}.json"
    )
    assert by_address.json() == told


def _arrays(*numbers: float) -> list[Any]:
    return [np.array([number]) for number in numbers]


async def test_feature_info_as_a_page_and_as_xml(client: httpx.AsyncClient) -> None:
    page = await client.get("/wmts", params={**INFO, "lang": "zh"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<caption>zones 图层</caption>" in page.text
    assert "<th>class.code</th>" in page.text
    told = await client.get("/wmts", params={**INFO, "INFOFORMAT": "text/xml"})
    root = parsed(told)
    asjson = await client.get("/wmts", params={**INFO, "INFOFORMAT": "application/json"})
    assert root.findtext("class/code") == asjson.json()["class"]["code"]
    assert root.findtext("stand_in") == "true"
    assert root.findtext("stand_in_notes/note_zh") == "以粗网格高程代替"


@pytest.mark.parametrize(
    ("change", "code", "locator"),
    [
        ({"SERVICE": None}, "MissingParameterValue", "Service"),
        ({"SERVICE": "WMS"}, "InvalidParameterValue", "Service"),
        ({"REQUEST": None}, "MissingParameterValue", "Request"),
        ({"REQUEST": "GetMap"}, "OperationNotSupported", "Request"),
        ({"VERSION": None}, "MissingParameterValue", "Version"),
        ({"VERSION": "2.0.0"}, "InvalidParameterValue", "Version"),
        ({"LAYER": None}, "MissingParameterValue", "Layer"),
        ({"LAYER": "nothing"}, "InvalidParameterValue", "Layer"),
        ({"LAYER": "dataset.ndvi.secret"}, "InvalidParameterValue", "Layer"),
        ({"STYLE": "red"}, "InvalidParameterValue", "Style"),
        ({"STYLE": None}, "MissingParameterValue", "Style"),
        ({"FORMAT": "image/gif"}, "InvalidParameterValue", "Format"),
        ({"FORMAT": "application/x-npy"}, "InvalidParameterValue", "Format"),
        ({"TILEMATRIXSET": "EPSG:3857"}, "InvalidParameterValue", "TileMatrixSet"),
        ({"TILEMATRIX": "25"}, "InvalidParameterValue", "TileMatrix"),
        ({"TILEMATRIX": "-1"}, "InvalidParameterValue", "TileMatrix"),
        ({"TILEMATRIX": "\u0663"}, "InvalidParameterValue", "TileMatrix"),
        ({"TILEMATRIX": "9" * 5000}, "InvalidParameterValue", "TileMatrix"),
        ({"TILEMATRIXSET": "c", "TILEMATRIX": "0"}, "InvalidParameterValue", "TileMatrix"),
        ({"TILEMATRIXSET": "c", "TILEMATRIX": "21"}, "InvalidParameterValue", "TileMatrix"),
        ({"TILEROW": "1024"}, "TileOutOfRange", "TileRow"),
        ({"TILECOL": "1024"}, "TileOutOfRange", "TileCol"),
        ({"TILECOL": "9" * 5000}, "TileOutOfRange", "TileCol"),
        ({"TILECOL": "one"}, "InvalidParameterValue", "TileCol"),
        ({"BAND": "2"}, "InvalidParameterValue", "band"),
        ({"lang": "fr"}, "InvalidParameterValue", "lang"),
        ({"REQUEST": "GetFeatureInfo"}, "MissingParameterValue", "I"),
        ({"REQUEST": "GetFeatureInfo", "I": "256", "J": "0"}, "PointIJOutOfRange", "I"),
        ({"REQUEST": "GetFeatureInfo", "I": "0", "J": "-1"}, "InvalidParameterValue", "J"),
        ({"REQUEST": "GetFeatureInfo", "I": "0", "J": "0"}, "MissingParameterValue", "InfoFormat"),
        (
            {"REQUEST": "GetFeatureInfo", "I": "0", "J": "0", "INFOFORMAT": "text/plain"},
            "InvalidParameterValue",
            "InfoFormat",
        ),
        (
            {"REQUEST": "GetCapabilities", "ACCEPTVERSIONS": "2.0.0"},
            "VersionNegotiationFailed",
            "AcceptVersions",
        ),
    ],
)
async def test_wrong_pairs_get_an_exception_report(
    client: httpx.AsyncClient, change: dict[str, str | None], code: str, locator: str
) -> None:
    asked = {name: value for name, value in {**TILE, **change}.items() if value is not None}
    answer = await client.get("/wmts", params=asked)
    assert answer.status_code == 400
    assert reported(answer) == (code, locator)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("nothing/default/c/10/1/1.png", 404, "InvalidParameterValue"),
        ("zones.xiamen/red/c/10/1/1.png", 404, "InvalidParameterValue"),
        ("zones.xiamen/default/c/0/0/0.png", 404, "InvalidParameterValue"),
        ("zones.xiamen/default/c/1/1/0.png", 404, "TileOutOfRange"),
        ("zones.xiamen/default/c/1/0/0.gif", 404, "InvalidParameterValue"),
        ("zones.xiamen/default/c/1/0/0/256/0.json", 404, "PointIJOutOfRange"),
        ("zones.xiamen/default/c/1/0/0/0/0.txt", 404, "InvalidParameterValue"),
        ("dataset.npp.truncated/default/w/12/1756/3393.png", 409, "NoApplicableCode"),
        ("nowhere", 404, "InvalidParameterValue"),
    ],
)
async def test_wrong_addresses_get_an_exception_report(
    client: httpx.AsyncClient, path: str, status: int, code: str
) -> None:
    answer = await client.get(f"/wmts/1.0.0/{path}")
    assert answer.status_code == status, answer.text
    assert reported(answer)[0] == code


def reported(answer: httpx.Response) -> tuple[str | None, str | None]:
    assert answer.headers["content-type"] == "text/xml"
    assert answer.headers["cache-control"] == "no-store"
    root = parsed(answer)
    assert root.tag == f"{{{NAMES['ows']}}}ExceptionReport"
    found = root.find("ows:Exception", NAMES)
    assert found is not None
    assert found.findtext("ows:ExceptionText", None, NAMES)
    return found.get("exceptionCode"), found.get("locator")


async def test_faults_speak_chinese_and_hold_nothing_xml_cannot(client: httpx.AsyncClient) -> None:
    answer = await client.get("/wmts", params={**TILE, "STYLE": "<\x00&\ud7ff", "lang": "zh"})
    assert reported(answer) == ("InvalidParameterValue", "Style")
    assert "可用：default" in answer.text


async def test_without_identity_the_refusal_is_xml_too(
    guarded: httpx.AsyncClient, world: Any
) -> None:
    refused = await guarded.get(CAPABILITIES)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    assert reported(refused) == ("NoApplicableCode", None)
    key = {"Authorization": f"Bearer {world.key}"}
    allowed = await guarded.get(CAPABILITIES, headers=key)
    assert "dataset.ndvi.secret" in layers_of(parsed(allowed))
    assert allowed.headers["cache-control"].startswith("private")


async def test_capabilities_are_told_whatever_the_version(client: httpx.AsyncClient) -> None:
    """The standard has `AcceptVersions` for that, and the definition allows what is taken."""
    asked = {"SERVICE": "WMTS", "REQUEST": "GetCapabilities", "VERSION": "9"}
    assert (await client.get("/wmts", params=asked)).status_code == 200
    operation = (await client.get("/openapi.json")).json()["paths"]["/wmts"]["get"]
    schemas = {one["name"]: one["schema"] for one in operation["parameters"]}
    assert {name for name, schema in schemas.items() if "enum" in schema} == {
        "SERVICE",
        "REQUEST",
        "lang",
    }
