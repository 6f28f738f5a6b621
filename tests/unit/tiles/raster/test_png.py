"""Our PNG against a reader of others'."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from shanhai_tiles.raster.images import IndexedPng


def palette_of(colours: int) -> np.ndarray:
    """So many opaque colours after a transparent one."""
    palette = np.zeros((256, 4), np.uint8)
    palette[1 : colours + 1, :3] = np.random.default_rng(3).integers(0, 255, (colours, 3))
    palette[1 : colours + 1, 3] = 255
    return palette


def pixels_of(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))


@pytest.mark.parametrize(("colours", "depth"), [(1, 1), (3, 2), (5, 4), (15, 4), (16, 8), (255, 8)])
@pytest.mark.parametrize("shape", [(256, 256), (512, 512), (5, 7), (1, 1)])
def test_pictures_are_read_back_as_they_are(
    colours: int, depth: int, shape: tuple[int, int]
) -> None:
    palette = palette_of(colours)
    index = np.random.default_rng(5).integers(0, colours + 1, shape).astype(np.uint8)
    png = IndexedPng.of(palette)
    assert png.depth == depth
    np.testing.assert_array_equal(pixels_of(png.encode(index)), palette[index])


@pytest.mark.parametrize("colour", [0, 3])
def test_one_colour_is_written_once(colour: int) -> None:
    png, index = IndexedPng.of(palette_of(5)), np.full((256, 256), colour, np.uint8)
    assert png.encode(index) is png.encode(index)
    assert (pixels_of(png.encode(index)) == palette_of(5)[colour]).all()


def test_the_palette_ends_with_the_last_colour_that_is_seen() -> None:
    written = IndexedPng.of(palette_of(5)).encode(np.eye(8, dtype=np.uint8))
    assert struct.pack(">I", 18) + b"PLTE" in written
    assert struct.pack(">I", 1) + b"tRNS\x00" in written


def test_gaps_between_colours_stay_transparent() -> None:
    palette = palette_of(9)
    palette[4, 3] = 0
    index = np.arange(10, dtype=np.uint8)[None]
    np.testing.assert_array_equal(pixels_of(IndexedPng.of(palette).encode(index)), palette[index])
