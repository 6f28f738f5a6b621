import io

import numpy as np
import pytest
from numpy.typing import ArrayLike
from PIL import Image

from shanhai.cartography import ZONES, RampStyle
from shanhai.vocabulary import Label
from shanhai_tiles.drawing import Range, encode, index_of, palette_of, rgb
from shanhai_tiles.raster import Cells

RAMP = RampStyle(Label("甲", "A"), "1", ("#000000", "#ffffff"), 0.0, 1.0)


def cells(values: ArrayLike, valid: ArrayLike | None = None) -> Cells:
    values = np.asarray(values)
    return Cells(values, np.ones(values.shape, bool) if valid is None else np.asarray(valid))


def image_of(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))


@pytest.mark.parametrize("format_", ["png", "webp"])
def test_classes_have_their_colours_and_nothing_else_is_drawn(format_: str):
    index = index_of(cells([[1, 5, 9, 2]], [[True, True, True, False]]), ZONES, None)
    pixels = image_of(encode(index, palette_of(ZONES), format_))
    assert tuple(pixels[0, 0]) == (*rgb("#1b6e3c"), 255)
    assert tuple(pixels[0, 1]) == (*rgb("#f0a35e"), 255)
    assert pixels[0, 2:, 3].tolist() == [0, 0]


def test_jpeg_is_white_where_there_is_nothing():
    index = np.zeros((16, 16), dtype=np.uint8)
    assert (image_of(encode(index, palette_of(ZONES), "jpg")) == 255).all()


def test_a_ramp_spans_its_range_and_holds_its_ends_beyond_it():
    index = index_of(cells([[-9.0, 0.0, 0.5, 1.0, 9.0]]), RAMP, Range(0, 1))
    assert index.tolist() == [[1, 1, 128, 255, 255]]
    assert palette_of(RAMP)[[1, 128, 255], 0].tolist() == [0, 128, 255]


def test_nan_under_an_invalid_pixel_stays_transparent():
    index = index_of(cells([[np.nan, 1.0]], [[False, True]]), RAMP, Range(0, 1))
    assert index.tolist() == [[0, 255]]
