"""From cells to an image: every layer is drawn as indices into a palette of 256 colours.

Index 0 is transparent. A class is its own index; a quantity uses 255 steps of its ramp.
"""

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shanhai.cartography import ClassStyle, RampStyle, Style
from shanhai_tiles.raster import Cells

STEPS = 255
MEDIA_TYPES = {"png": "image/png", "webp": "image/webp", "jpg": "image/jpeg"}

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Range:
    """The values drawn with the first and the last colour of a ramp."""

    low: float
    high: float


def rgb(color: str) -> tuple[int, int, int]:
    """Red, green and blue of `#rrggbb`."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def index_of(cells: Cells, style: Style, drawn: Range | None) -> Pixels:
    """Palette indices of cells; `drawn` is the range of a ramp."""
    if isinstance(style, ClassStyle) or drawn is None:
        return np.where(cells.valid, cells.values, 0).astype(np.uint8)
    values = np.where(cells.valid, cells.values, drawn.low).astype(np.float64)
    share = np.clip((values - drawn.low) / (drawn.high - drawn.low), 0.0, 1.0)
    return np.where(cells.valid, 1 + np.rint(share * (STEPS - 1)), 0).astype(np.uint8)


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


def encode(index: Pixels, palette: Pixels, format_: str) -> bytes:
    """The image file of palette indices; JPEG, which knows no transparency, gets white."""
    if format_ == "png":
        return _indexed_png(index, palette)
    out = io.BytesIO()
    rgba = Image.fromarray(palette[index])
    if format_ == "webp":
        rgba.save(out, "WEBP", lossless=True, quality=20, method=1)
    else:
        white = Image.new("RGBA", rgba.size, "white")
        Image.alpha_composite(white, rgba).convert("RGB").save(out, "JPEG", quality=90)
    return out.getvalue()


def _indexed_png(index: Pixels, palette: Pixels) -> bytes:
    image = Image.fromarray(index, mode="L")
    image.putpalette(palette[:, :3].tobytes())
    out = io.BytesIO()
    image.save(out, "PNG", transparency=palette[:, 3].tobytes(), compress_level=5)
    return out.getvalue()
