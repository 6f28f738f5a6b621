"""Images of palette indices: every layer is drawn in at most 256 colours and written as PNG."""

import io
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from isal.isal_zlib import compress
from numpy.typing import NDArray
from PIL import Image

from shanhai.cartography import RampStyle, Style
from shanhai_tiles.raster.reader import Cells

Pixels = NDArray[np.uint8]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FAST = 1
_PALETTE_COLOURS = 3
_DEPTHS = (1, 2, 4, 8)
OPAQUE = 255


@dataclass(frozen=True, slots=True)
class IndexedPng:
    """How pictures of one palette are written.

    Attributes:
        depth: Bits of an index.
        palette: The chunks of colours and of their opacity.
    """

    depth: int
    palette: bytes

    @classmethod
    def of(cls, palette: Pixels) -> "IndexedPng":
        """For up to 256 colours, red, green, blue, alpha; none after the last visible is kept."""
        visible = np.flatnonzero(palette[:, 3])
        count = int(visible[-1]) + 1 if visible.size else 1
        depth = next(bits for bits in _DEPTHS if count <= 1 << bits)
        alpha = palette[:count, 3]
        seen_through = np.flatnonzero(alpha != OPAQUE)
        kept = int(seen_through[-1]) + 1 if seen_through.size else 0
        opacity = _chunk(b"tRNS", alpha[:kept].tobytes()) if kept else b""
        return cls(depth, _chunk(b"PLTE", palette[:count, :3].tobytes()) + opacity)

    def encode(self, index: Pixels) -> bytes:
        """The file of a picture; indices are smaller than the number of colours."""
        first = index[0, 0]
        if index[0, -1] == first and (index == first).all():
            return _plain(self, index.shape[0], index.shape[1], int(first))
        return self.written(index)

    def written(self, index: Pixels) -> bytes:
        """The file of a picture, pixel by pixel."""
        height, width = index.shape
        header = struct.pack(">IIBBBBB", width, height, self.depth, _PALETTE_COLOURS, 0, 0, 0)
        packed = _packed(index, self.depth)
        rows = np.zeros((height, packed.shape[1] + 1), np.uint8)
        rows[:, 1:] = packed
        return b"".join(
            (
                _SIGNATURE,
                _chunk(b"IHDR", header),
                self.palette,
                _chunk(b"IDAT", compress(rows.data, _FAST)),
                _chunk(b"IEND", b""),
            )
        )


@lru_cache(maxsize=256)
def _plain(png: IndexedPng, height: int, width: int, index: int) -> bytes:
    """The file of a picture of one colour."""
    return png.written(np.full((height, width), index, np.uint8))


def _packed(index: Pixels, depth: int) -> Pixels:
    """Several indices to the byte, the first in its highest bits."""
    share = 8 // depth
    if share == 1:
        return index
    width = -(-index.shape[1] // share)
    padded = index
    if width * share != index.shape[1]:
        padded = np.zeros((index.shape[0], width * share), np.uint8)
        padded[:, : index.shape[1]] = index
    packed: Pixels = padded[:, ::share] << np.uint8(8 - depth)
    for place in range(1, share):
        packed |= padded[:, place::share] << np.uint8(8 - depth * (place + 1))
    return packed


def _chunk(name: bytes, data: bytes) -> bytes:
    checked = name + data
    return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))


STEPS = 255
MEDIA_TYPES = {"png": "image/png", "webp": "image/webp", "jpg": "image/jpeg"}


@dataclass(frozen=True, slots=True)
class ValueRange:
    """The values drawn with the first and the last colour of a ramp."""

    low: float
    high: float


def rgb(color: str) -> tuple[int, int, int]:
    """Red, green and blue of `#rrggbb`."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def index_of(cells: Cells, style: Style, drawn: ValueRange | None) -> Pixels:
    """Palette indices of a tile's pixels; `drawn` is the range of a ramp."""
    index = np.zeros(cells.shape, np.uint8)
    if isinstance(style, RampStyle):
        index[cells.part.slices] = _steps_of(cells, drawn or ValueRange(0, 1))
    else:
        index[cells.part.slices] = _classes_of(cells, style)
    return index


def _steps_of(cells: Cells, drawn: ValueRange) -> Pixels:
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
