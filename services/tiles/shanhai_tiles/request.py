"""Reading what a caller asked of a layer, refusing what it cannot give; the ramps by name.

All ramps are perceptually sound: lightness runs one way in sequential ramps, and from both ends to
the middle in diverging ones, and none mixes what colour-blind readers cannot tell apart. Each is
given by equally spaced colours.

Sources: viridis, magma, inferno and plasma, van der Walt and Smith (2015), in the public domain
(CC0); cividis, Nuñez, Anderton and Renslow (2018), PLoS ONE 13(7), CC0; the others by Cynthia
Brewer, colorbrewer2.org (Harrower and Brewer 2003), Apache License 2.0: this product includes
color specifications and designs developed by Cynthia Brewer (https://colorbrewer.org/).
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from shanhai.cartography import RampStyle, is_range
from shanhai.errors import InvalidInput
from shanhai.storage.artifacts import ArtifactStore
from shanhai_tiles.grids import TILE_SIZE
from shanhai_tiles.layers.catalogue import Layer, RasterLayer, band_count, formats_of
from shanhai_tiles.raster import dataset_pool
from shanhai_tiles.raster.images import ValueRange

_ROW = re.compile(r"^(?P<row>[0-9]{1,9})(?P<double>@2x)?$")


@dataclass(frozen=True, slots=True)
class TileRow:
    """The last part of a tile's address: its row, and how many pixels its side has."""

    number: int
    size: int


def parse_row(text: str, layer: Layer) -> TileRow:
    """`5` or, for rasters, `5@2x`."""
    found = _ROW.match(text)
    if found is None or (found["double"] and not isinstance(layer, RasterLayer)):
        raise InvalidInput(
            f"tile row is {text[:40]!r}; it must be a whole number, with @2x for double size"
            " of raster tiles only",
            message_zh=f"瓦片行号 {text[:40]!r} 无效；应为整数，栅格瓦片可加 @2x",
            pointer="y",
        )
    return TileRow(int(found["row"]), TILE_SIZE * (2 if found["double"] else 1))


def parse_format(layer: Layer, suffix: str) -> str:
    """A suffix this kind of layer comes in."""
    formats = formats_of(layer)
    if suffix not in formats:
        raise InvalidInput(
            f"format is {suffix[:40]!r}; {layer.kind} layers come as {', '.join(formats)}",
            message_zh=f"格式 {suffix[:40]!r} 无效；该图层可用：{', '.join(formats)}",
            pointer="format",
        )
    return suffix


def parse_rescale(layer: Layer, text: str | None) -> ValueRange | None:
    """`low,high` for layers drawn by a ramp."""
    if text is None:
        return None
    if not isinstance(layer, RasterLayer) or not isinstance(layer.style, RampStyle):
        raise InvalidInput(
            "rescale is given; this layer has no ramp to rescale",
            message_zh="该图层不是色带图层，不支持 rescale",
            pointer="rescale",
        )
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low = high = math.nan
    if not is_range(low, high):
        raise InvalidInput(
            f"rescale is {text[:80]!r}; it must be low,high: two numbers of single"
            " precision, the first smaller",
            message_zh=f"rescale 为 {text[:80]!r}；应为“低，高”两个单精度数，且低小于高",
            pointer="rescale",
        )
    return ValueRange(low, high)


def require_band(layer: Layer, band: int) -> None:
    """Refuse a band the layer does not have."""
    dataset_pool.require_band(band, band_count(layer))


def source_of(layer: RasterLayer, artifacts: ArtifactStore) -> dataset_pool.StoredRaster:
    """The layer's file; callers' text never names a file."""
    return dataset_pool.StoredRaster(artifacts, layer.uri)


REVERSED = "_r"

SEQUENTIAL: Mapping[str, str] = MappingProxyType(
    {
        "viridis": "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c 1fa088 28ae80"
        " 3fbc73 5ec962 84d44b addc30 d8e219 fde725",
        "cividis": "00224e 002e6a 1a386f 32436d 434e6c 535a6d 61656f 6f7073 7d7c78 8c8878 9b9476"
        " aba072 bcae6c cdbb63 dec958 f0d846 fee838",
        "magma": "000004 0a0822 1d1147 36106b 51127c 6a1c81 832681 9c2e7f b73779 d0416f e75263"
        " f56b5c fc8961 fea772 fec488 fde2a3 fcfdbf",
        "inferno": "000004 0b0724 210c4a 3d0965 57106e 71196e 8a226a a32c61 bc3754 d24644 e45a31"
        " f1731d f98e09 fcac11 f9cb35 f2ea69 fcffa4",
        "plasma": "0d0887 310597 4c02a1 6600a7 7e03a8 9511a1 aa2395 bc3587 cc4778 da5a6a e66c5c"
        " f0804e f89540 fdac33 fdc527 f8df25 f0f921",
        "blues": "f7fbff deebf7 c6dbef 9ecae1 6baed6 4292c6 2171b5 08519c 08306b",
        "greens": "f7fcf5 e5f5e0 c7e9c0 a1d99b 74c476 41ab5d 238b45 006d2c 00441b",
        "oranges": "fff5eb fee6ce fdd0a2 fdae6b fd8d3c f16913 d94801 a63603 7f2704",
        "purples": "fcfbfd efedf5 dadaeb bcbddc 9e9ac8 807dba 6a51a3 54278f 3f007d",
        "ylgnbu": "ffffd9 edf8b1 c7e9b4 7fcdbb 41b6c4 1d91c0 225ea8 253494 081d58",
        "ylorbr": "ffffe5 fff7bc fee391 fec44f fe9929 ec7014 cc4c02 993404 662506",
    }
)
"""For what runs from little to much."""

DIVERGING: Mapping[str, str] = MappingProxyType(
    {
        "brbg": "543005 8c510a bf812d dfc27d f6e8c3 f5f5f5 c7eae5 80cdc1 35978f 01665e 003c30",
        "puor": "7f3b08 b35806 e08214 fdb863 fee0b6 f7f7f7 d8daeb b2abd2 8073ac 542788 2d004b",
        "rdbu": "67001f b2182b d6604d f4a582 fddbc7 f7f7f7 d1e5f0 92c5de 4393c3 2166ac 053061",
        "rdylbu": "a50026 d73027 f46d43 fdae61 fee090 ffffbf e0f3f8 abd9e9 74add1 4575b4 313695",
    }
)
"""For what lies on either side of a middle."""

COLORMAPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        name: tuple(f"#{color}" for color in text.split())
        for name, text in {**SEQUENTIAL, **DIVERGING}.items()
    }
)


def colors_named(name: str) -> tuple[str, ...]:
    """The colours of a ramp; with `_r` after its name, the other way round.

    Raises:
        InvalidInput: there is none of this name.
    """
    colors = COLORMAPS.get(name.removesuffix(REVERSED))
    if colors is None:
        known = ", ".join(COLORMAPS)
        raise InvalidInput(
            f"colormap is {name[:40]!r}; there are {known}, each also reversed with {REVERSED}",
            message_zh=f"colormap 为 {name[:40]!r}；可用：{known}，名称后加 {REVERSED} 表示反向",
            pointer="colormap",
        )
    return colors[::-1] if name.endswith(REVERSED) else colors


def recoloured(layer: Layer, name: str | None) -> Layer:
    """The layer drawn by another ramp, so that its tiles, tags and legend all know of it.

    Raises:
        InvalidInput: there is no such ramp, or the layer is drawn by none.
    """
    if name is None:
        return layer
    if not isinstance(layer, RasterLayer) or not isinstance(layer.style, RampStyle):
        raise InvalidInput(
            "colormap is given; this layer has no ramp, its colours stand for what they name",
            message_zh="该图层不是色带图层，颜色有固定含义，不支持 colormap",
            pointer="colormap",
        )
    return replace(layer, style=replace(layer.style, colors=colors_named(name)))
