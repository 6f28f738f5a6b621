import io

import numpy as np
import pytest
from numpy.typing import ArrayLike
from PIL import Image

from shanhai.cartography import ZONES, RampStyle
from shanhai.vocabulary import ZONE_CLASSES, Label
from shanhai_tiles.raster.images import ValueRange, encode, index_of, palette_of, rgb
from shanhai_tiles.raster.reader import Cells
from shanhai_tiles.raster.resampling import TilePart

RAMP = RampStyle(Label("甲", "A"), "1", ("#000000", "#ffffff"), 0.0, 1.0)


def cells(values: ArrayLike, nodata: float | None = None) -> Cells:
    """One row of values as the first pixels of a tile as wide."""
    values = np.asarray(values)
    return Cells(values, nodata, TilePart(0, 0, *values.shape), (3, values.shape[1]))


def image_of(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))


@pytest.mark.parametrize("format_", ["png", "webp"])
def test_classes_have_their_colours_and_nothing_else_is_drawn(format_: str) -> None:
    index = index_of(cells([[1, 5, 9, 2]], 2), ZONES, None)
    pixels = image_of(encode(index, ZONES, format_))
    assert tuple(pixels[0, 0]) == (*rgb(ZONE_CLASSES[0].color), 255)
    assert tuple(pixels[0, 1]) == (*rgb(ZONE_CLASSES[4].color), 255)
    assert pixels[0, 2:, 3].tolist() == [0, 0]


def test_jpeg_is_white_where_there_is_nothing() -> None:
    index = np.zeros((16, 16), dtype=np.uint8)
    assert (image_of(encode(index, ZONES, "jpg")) == 255).all()


def test_a_ramp_spans_its_range_and_holds_its_ends_beyond_it() -> None:
    index = index_of(cells([[-9.0, 0.0, 0.5, 1.0, 9.0]]), RAMP, ValueRange(0, 1))
    assert index[0].tolist() == [1, 1, 128, 255, 255]
    assert palette_of(RAMP)[[1, 128, 255], 0].tolist() == [0, 128, 255]


def test_nan_nodata_and_pixels_beside_the_raster_stay_transparent() -> None:
    index = index_of(cells([[np.nan, 1.0, -9999.0, np.inf]], -9999.0), RAMP, ValueRange(0, 1))
    assert index[0].tolist() == [0, 255, 0, 0]
    assert not index[1:].any()


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_classes_may_be_stored_in_any_type(dtype: str) -> None:
    index = index_of(cells(np.array([[3, 200, 0, 1]], dtype), 0), ZONES, None)
    assert index[0].tolist() == [3, 0, 0, 1]
