"""From cells to an image: every layer is drawn as indices into a palette of 256 colours.

Index 0 is transparent. A class is its own index; a quantity uses 255 steps of its ramp.
"""

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

from shanhai.cartography import RampStyle, Style
from shanhai_tiles.png import IndexedPng, Pixels
from shanhai_tiles.raster import Cells

STEPS = 255
MEDIA_TYPES = {"png": "image/png", "webp": "image/webp", "jpg": "image/jpeg"}


@dataclass(frozen=True, slots=True)
class Range:
    """The values drawn with the first and the last colour of a ramp."""

    low: float
    high: float


def rgb(color: str) -> tuple[int, int, int]:
    """Red, green and blue of `#rrggbb`."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def index_of(cells: Cells, style: Style, drawn: Range | None) -> Pixels:
    """Palette indices of a tile's pixels; `drawn` is the range of a ramp."""
    index = np.zeros(cells.shape, np.uint8)
    if isinstance(style, RampStyle):
        index[cells.part.slices] = _steps_of(cells, drawn or Range(0, 1))
    else:
        index[cells.part.slices] = _classes_of(cells, style)
    return index


def _steps_of(cells: Cells, drawn: Range) -> Pixels:
    """The step of the ramp, from 1, of each value; 0 where there is none."""
    values = cells.values
    if values.dtype.kind != "f":
        values = values.astype(np.float32)
    scaled = values - values.dtype.type(drawn.low)
    scaled *= (STEPS - 1) / (drawn.high - drawn.low)
    # A half more than the step, so that cutting rounds; NaN becomes the lowest, and is taken out.
    scaled += 1.5
    np.fmin(np.fmax(scaled, 1.0, out=scaled), STEPS + 0.5, out=scaled)
    steps: Pixels = scaled.astype(np.uint8)
    steps *= cells.valid
    return steps


def _classes_of(cells: Cells, style: Style) -> Pixels:
    """The class of each pixel, 0 where there is none or one that is not drawn."""
    values = cells.values
    if values.dtype != np.uint8:
        known = cells.valid & (values >= 0) & (values < len(palette_of(style)))
        values = np.where(known, values, 0).astype(np.uint8)
    shown = np.where(palette_of(style)[:, 3] > 0, np.arange(256), 0).astype(np.uint8)
    if cells.nodata is not None and 0 <= cells.nodata < len(shown):
        shown[int(cells.nodata)] = 0
    return shown.take(values)


@lru_cache(maxsize=64)
def palette_of(style: Style) -> Pixels:
    """The 256 colours of a style, red, green, blue, alpha; unused ones are transparent."""
    palette = np.zeros((256, 4), dtype=np.uint8)
    if isinstance(style, RampStyle):
        palette[1:, :3] = ramp_colors(style.colors, STEPS)
        palette[1:, 3] = 255
    else:
        for entry in style.entries:
            palette[entry.value] = (*rgb(entry.color), 255)
    palette.setflags(write=False)
    return palette


def ramp_colors(colors: tuple[str, ...], steps: int) -> Pixels:
    """`steps` colours interpolated between equally spaced ones."""
    stops = np.array([rgb(color) for color in colors], dtype=np.float64)
    at = np.linspace(0, len(colors) - 1, steps)
    channels = [np.interp(at, np.arange(len(colors)), stops[:, channel]) for channel in range(3)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)


@lru_cache(maxsize=64)
def _png_of(style: Style) -> IndexedPng:
    return IndexedPng.of(palette_of(style))


def encode(index: Pixels, style: Style, format_: str) -> bytes:
    """The image file of palette indices; JPEG, which knows no transparency, gets white."""
    if format_ == "png":
        return _png_of(style).encode(index)
    out = io.BytesIO()
    rgba = Image.fromarray(palette_of(style)[index])
    if format_ == "webp":
        rgba.save(out, "WEBP", lossless=True, quality=20, method=1)
    else:
        white = Image.new("RGBA", rgba.size, "white")
        Image.alpha_composite(white, rgba).convert("RGB").save(out, "JPEG", quality=90)
    return out.getvalue()
