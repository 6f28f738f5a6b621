import io
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from shanhai.cartography import ZONES, style_of
from shanhai.raster.cog import band_statistics
from shanhai.vocabulary import ZONE_CLASSES, Label, Lang, Visibility
from shanhai_tiles.layers.catalogue import RasterLayer
from shanhai_tiles.raster.images import ValueRange
from shanhai_tiles.raster.resampling import RasterFrame
from shanhai_tiles.styles import legend as legends
from shanhai_tiles.styles.legend import LegendDescription, heading, legend_of, png, svg


def raster(theme: str, **statistics: float | None) -> RasterLayer:
    return RasterLayer(
        name=f"{theme}.test",
        title=Label("图层", "Layer"),
        theme=theme,
        style=style_of(theme),
        uri="objects/none.tif",
        version="0" * 16,
        crs="EPSG:4548",
        frame=RasterFrame("EPSG:4548", (100, 0, 6e5, 0, -100, 27e5), 10, 10),
        bands=(statistics,),
        unit=getattr(style_of(theme), "unit", ""),
        native_resolution_m=None,
        visibility=Visibility.PUBLIC,
        region_id=1,
        stand_in=False,
        sources=(),
        job=None,
    )


def test_classes_are_listed_in_both_languages() -> None:
    document = LegendDescription.of(legend_of(raster("zones")), "zh").as_json()
    assert [entry["value"] for entry in document["entries"]] == [1, 2, 3, 4, 5]
    assert document["entries"][0]["label"] == "严格保护与管控区"
    assert document["entries"][0]["label_en"] == "Strict protection and control zone"
    assert document["entries"][0]["color"] == ZONES.entries[0].color


def test_a_ramp_without_fixed_ends_takes_the_layers_own() -> None:
    document = LegendDescription.of(
        legend_of(raster("dem", p2=10.0, p98=910.0, min=0.0, max=1000.0)), "en"
    ).as_json()
    values = [entry["value"] for entry in document["entries"]]
    assert (values[0], values[-1]) == (10, 910)
    assert document["unit"] == "m"


@pytest.mark.parametrize(
    ("high", "told"),
    [
        (51_640.4, "51,640"),
        (0.012345, "0.01235"),
        (7, "7"),
        (3.2e10, "32,000,000,000"),
        (5e-5, "0.00005"),
    ],
)
def test_numbers_of_a_ramp_are_written_as_people_write_them(high: float, told: str) -> None:
    legend = legend_of(raster("dem", p2=0.0, p98=high, min=0.0, max=high))
    assert legend.entries[-1].label.zh == told


def test_a_constant_layer_still_has_a_range() -> None:
    drawn = raster("dem", p2=5.0, p98=5.0, min=5.0, max=5.0).range_of(1)
    assert drawn == ValueRange(5.0, 6.0)


@pytest.mark.parametrize("constant", [2.0**24, 1e17, -1e30])
def test_the_range_of_a_large_constant_has_a_width_in_float32(constant: float) -> None:
    same = dict.fromkeys(("p2", "p98", "min", "max"), constant)
    drawn = raster("dem", **same).range_of(1)
    assert drawn is not None
    assert np.float32(drawn.high) > np.float32(drawn.low)


def test_a_band_without_a_valid_cell_has_a_range() -> None:
    empty = band_statistics(lambda: [np.full((4, 4), np.nan)]).document()
    layer = raster("dem", **empty)
    assert layer.range_of(1) == ValueRange(0.0, 1.0)
    entries = legend_of(layer).entries
    assert (entries[0].value, entries[-1].value) == (0.0, 1.0)


def test_rescale_moves_the_legend() -> None:
    entries = legend_of(raster("ratio"), ValueRange(-0.5, 0.5)).entries
    assert (entries[0].value, entries[-1].value) == (-0.5, 0.5)


def test_svg_is_well_formed_and_escaped() -> None:
    legend = legends.Legend(Label("<甲&乙>", "<a&b>"), "plain", "", ())
    root = ET.fromstring(svg(legend, "en"))  # noqa: S314 - our own text
    assert [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")] == ["<a&b>"]


@pytest.mark.parametrize(
    ("theme", "color"), [("zones", ZONE_CLASSES[0].color), ("ratio", "#1b6e3c")]
)
def test_png_shows_the_colours(theme: str, color: str) -> None:
    legend = legend_of(raster(theme))
    image = Image.open(io.BytesIO(png(legend, "en"))).convert("RGB")
    colors = {color for _, color in image.getcolors(1 << 20) or []}
    assert tuple(bytes.fromhex(color[1:])) in colors
    assert image.width == 380


def test_ground_that_shows_through_is_told_of() -> None:
    legend = legend_of(raster("ratio"))
    assert "无数据" in svg(legend, "zh")
    told = legends.LegendDescription.of(legend, "zh").as_json()
    assert told["no_data"] == {"label": "无数据", "label_zh": "无数据", "label_en": "No data"}
    height = Image.open(io.BytesIO(png(legend, "en"))).height
    bare = replace(legend, no_data=False)
    assert height - Image.open(io.BytesIO(png(bare, "en"))).height == legends.LINE
    assert legends.LegendDescription.of(bare, "zh").as_json()["no_data"] is None


def test_without_a_chinese_font_pictures_are_lettered_in_english(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(legends, "_cjk_font", lambda: None)
    assert legends.drawable_language("zh") == "en"
    assert legends.drawable_language("en") == "en"


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(
    "letters", ["12", "Aa", "–—", "²³", "×→", "≤≥", "−‰", "µ⁴", "供给", "（，"]
)
def test_letters_and_signs_are_drawn_as_themselves(letters: str, lang: Lang) -> None:
    """A font draws the same box for all that it lacks."""
    plain = (legends.Legend(Label(one, one), "plain", "", ()) for one in letters)
    first, second = (png(legend, lang) for legend in plain)
    assert first != second


def test_breaks_of_lines_are_not_drawn() -> None:
    broken, whole = (legends.Legend(Label(one, one), "plain", "", ()) for one in ("a\nb", "ab"))
    assert png(broken, "zh") == png(whole, "zh")


def test_a_plain_number_has_no_unit_in_the_heading() -> None:
    assert heading(legend_of(raster("ratio")), "en") == "Comprehensive: supply–demand ratio"
    assert heading(legend_of(raster("dem", p2=0.0, p98=1.0)), "en") == "Elevation (m)"
