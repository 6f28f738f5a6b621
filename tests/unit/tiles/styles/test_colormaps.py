from dataclasses import replace

import numpy as np
import pytest

from shanhai.cartography import ZONES, RampStyle, style_of
from shanhai.errors import InvalidInput
from shanhai.vocabulary import Label, Visibility
from shanhai_tiles.layers.catalogue import RasterLayer
from shanhai_tiles.raster.images import index_of, ramp_colors
from shanhai_tiles.raster.reader import Cells
from shanhai_tiles.raster.resampling import RasterFrame, TilePart
from shanhai_tiles.request import (
    COLORMAPS,
    DIVERGING,
    SEQUENTIAL,
    colors_named,
    parse_rescale,
    recoloured,
)

LAYER = RasterLayer(
    name="ratio.xiamen",
    title=Label("甲", "A"),
    theme="ratio",
    style=style_of("ratio"),
    uri="objects/a.tif",
    version="0" * 16,
    crs="EPSG:4548",
    frame=RasterFrame("EPSG:4548", (100, 0, 600_000, 0, -100, 2_720_000), 10, 10),
    bands=(),
    unit="1",
    native_resolution_m=None,
    visibility=Visibility.PUBLIC,
    region_id=1,
    stand_in=False,
    sources=(),
    job=None,
)


def lightness(name: str) -> np.ndarray:
    """CIE L* of 64 colours of a ramp (IEC 61966-2-1 to luminance, CIE 15:2004 eq. 8.3)."""
    channels = ramp_colors(colors_named(name), 64) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(luminance > 216 / 24389, 116 * np.cbrt(luminance) - 16, luminance * 24389 / 27)


@pytest.mark.parametrize("name", SEQUENTIAL)
def test_lightness_of_a_sequential_ramp_runs_one_way(name: str) -> None:
    steps = np.diff(lightness(name))
    assert (steps > -0.2).all() or (steps < 0.2).all()
    assert abs(steps.sum()) > 50


@pytest.mark.parametrize("name", DIVERGING)
def test_a_diverging_ramp_is_lightest_in_the_middle(name: str) -> None:
    found = lightness(name)
    middle = int(found.argmax())
    assert 24 <= middle <= 40
    assert (np.diff(found[: middle + 1]) > -0.2).all()
    assert (np.diff(found[middle:]) < 0.2).all()


def test_a_ramp_may_be_reversed() -> None:
    assert colors_named("viridis")[0] == "#440154"
    assert colors_named("viridis_r") == COLORMAPS["viridis"][::-1]


@pytest.mark.parametrize(
    "text",
    [
        *("1", "1,1", "2,1", "a,b", "nan,1", "0,inf", "-1e308,1e308", "0,1e39", "-3e38,3e38"),
        *("1e-320,2e-320", "0,1e-40", "1e9,1000000001"),
    ],
)
def test_ranges_whose_ends_single_precision_does_not_tell_apart_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="low,high") as refusal:
        parse_rescale(LAYER, text)
    assert refusal.value.faults[0].pointer == "rescale"


@pytest.mark.parametrize("text", ["0,1", "-1e38,1e38", "0,1e-30", "1e9,1000000100"])
def test_a_range_is_drawn_from_end_to_end(text: str) -> None:
    drawn = parse_rescale(LAYER, text)
    assert drawn is not None
    values = np.array([[drawn.low, drawn.high]], np.float32)
    cells = Cells(values, None, TilePart(0, 0, 1, 2), (1, 2))
    found = index_of(cells, LAYER.style, drawn)
    assert found.tolist() == [[1, 255]]


def test_an_unknown_ramp_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="'jet'; there are viridis, cividis") as refusal:
        colors_named("jet")
    assert "可用" in refusal.value.message_zh
    assert refusal.value.faults[0].pointer == "colormap"


def test_a_recoloured_layer_differs_in_its_colours_alone() -> None:
    shown = recoloured(LAYER, "cividis")
    assert isinstance(shown, RasterLayer)
    assert isinstance(shown.style, RampStyle)
    assert shown.style.colors == COLORMAPS["cividis"]
    assert replace(shown, style=LAYER.style) == LAYER
    assert recoloured(LAYER, None) is LAYER


def test_classes_keep_their_colours() -> None:
    with pytest.raises(InvalidInput, match="this layer has no ramp"):
        recoloured(replace(LAYER, style=ZONES), "viridis")
