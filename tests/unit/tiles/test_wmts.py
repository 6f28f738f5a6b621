"""What WMTS says of a raster with several bands, and how texts become tiles and reports."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from shanhai.cartography import style_of
from shanhai.vocabulary import Label, Visibility
from shanhai_tiles.layers.catalogue import RasterLayer
from shanhai_tiles.layers.documents import Links
from shanhai_tiles.raster.resampling import RasterFrame
from shanhai_tiles.wmts.capabilities import capabilities
from shanhai_tiles.wmts.faults import WmtsFault, report
from shanhai_tiles.wmts.requests import MATRIX_SETS, Pairs, PixelPosition, read_tile

NAMES = {"": "http://www.opengis.net/wmts/1.0", "ows": "http://www.opengis.net/ows/1.1"}
LAYER = RasterLayer(
    name="dataset.rain & sun",
    title=Label("雨 <1>", "rain <1>"),
    theme="rainfall",
    style=style_of("rainfall"),
    uri="file",
    version="0" * 16,
    crs="EPSG:4548",
    frame=RasterFrame("EPSG:4548", (100.0, 0.0, 600_000.0, 0.0, -100.0, 2_720_000.0), 160, 120),
    bands=({}, {}, {}),
    unit="mm",
    native_resolution_m=100.0,
    visibility=Visibility.PUBLIC,
    region_id=1,
    stand_in=False,
    sources=(),
    job=None,
)


def read(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314 - written by the code under test


def test_bands_are_a_dimension_of_which_addresses_tell() -> None:
    layer = read(capabilities([LAYER], Links("http://t"), "zh")).find("Contents/Layer", NAMES)
    assert layer is not None
    assert layer.findtext("ows:Title", None, NAMES) == "雨 <1>"
    assert layer.findtext("Dimension/ows:Identifier", None, NAMES) == "band"
    assert [one.text for one in layer.findall("Dimension/Value", NAMES)] == ["1", "2", "3"]
    template = layer.findall("ResourceURL", NAMES)[0].attrib["template"]
    assert template == (
        "http://t/wmts/1.0.0/dataset.rain%20%26%20sun/{Style}"
        "/{TileMatrixSet}/{TileMatrix}/{TileRow}/{TileCol}.png?band={band}"
    )


def test_whose_band_the_legend_is_is_told_before_its_address() -> None:
    for bands, told in ((LAYER.bands, "Legend of band 1; add band=N for another"), (({},), None)):
        document = capabilities([replace(LAYER, bands=bands)], Links("http://t"), "en")
        style = read(document).find("Contents/Layer/Style", NAMES)
        assert style is not None
        assert style.findtext("ows:Abstract", None, NAMES) == told
        # In the order of the schema.
        names = [one.tag.partition("}")[2] for one in style]
        assert names == [*(["Abstract"] if told else []), "Identifier", "LegendURL"]


def test_one_band_is_no_dimension() -> None:
    single = replace(LAYER, bands=({},))
    layer = read(capabilities([single], Links("http://t"), "en")).find("Contents/Layer", NAMES)
    assert layer is not None
    assert layer.find("Dimension", NAMES) is None
    assert "band" not in layer.findall("ResourceURL", NAMES)[0].attrib["template"]


def test_no_layer_is_a_document_too() -> None:
    root = read(capabilities([], Links("http://t"), "en"))
    assert len(root.findall("Contents/*", NAMES)) == 0


def test_a_band_is_read_and_one_too_many_is_refused() -> None:
    assert read_tile(LAYER, PixelPosition("c", "1", "0", "1", "default", "3"), "png").band == 3
    for band in ("0", "4", "03", "two"):
        with pytest.raises(WmtsFault, match="1 to 3"):
            read_tile(LAYER, PixelPosition("c", "1", "0", "1", "default", band), "png")


def test_level_n_of_the_national_degrees_is_ours_less_one() -> None:
    asked = read_tile(LAYER, PixelPosition("c", "18", "131071", "262143"), "png")
    assert (asked.grid.id, asked.zoom) == ("CGCS2000Quad", 17)
    asked = read_tile(LAYER, PixelPosition("w", "18", "0", "262143"), "png")
    assert (asked.grid.id, asked.zoom) == ("WebMercatorQuad", 18)


@pytest.mark.parametrize("identifier", ["0", "21", "", "1.0", "+1", " 1", "²", "001"])
def test_levels_the_national_set_does_not_have(identifier: str) -> None:
    with pytest.raises(WmtsFault, match="1–20"):
        MATRIX_SETS["c"].zoom(identifier)


def test_keys_are_read_in_any_case() -> None:
    pairs = Pairs({"tilematrixset": "c", "TileMatrix": "1", "TILEROW": "0", "tilecol": "1"})
    with pytest.raises(WmtsFault, match="Style is missing"):
        _ = pairs.place
    assert Pairs(
        {"style": "", "tilematrixset": "c", "TileMatrix": "1", "TILEROW": "0", "tilecol": "1"}
    ).place == (PixelPosition("c", "1", "0", "1", ""))


def test_a_report_holds_whatever_was_sent() -> None:
    answer = report(400, "<&\x00\x1b\ud800", "en", None, 'a"<b')
    root = read(bytes(answer.body).decode())
    one = root.find("ows:Exception", NAMES)
    assert one is not None
    assert one.attrib == {"exceptionCode": "InvalidParameterValue", "locator": 'a"<b'}
    assert one.findtext("ows:ExceptionText", None, NAMES) == "<&\ufffd\ufffd\ufffd"
