"""Reading what a caller asked of a layer, refusing what it cannot give."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from shanhai.cartography import RampStyle
from shanhai.errors import InvalidInput, NotFound
from shanhai.storage.artifacts import ArtifactStore
from shanhai_tiles.errors import LayerUnreadable
from shanhai_tiles.grids import TILE_SIZE
from shanhai_tiles.layers.catalogue import Layer, RasterLayer
from shanhai_tiles.layers.documents import formats_of
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
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InvalidInput(
            f"rescale is {text[:80]!r}; it must be low,high: two numbers, the first smaller",
            message_zh=f"rescale 为 {text[:80]!r}；应为“低，高”两个数，且低小于高",
            pointer="rescale",
        )
    return ValueRange(low, high)


def path_of(layer: RasterLayer, artifacts: ArtifactStore) -> Path:
    """The layer's file in the artifact store; callers' text never names a file.

    Raises:
        LayerUnreadable: it is not there.
    """
    try:
        return artifacts.local_path(layer.uri)
    except (NotFound, InvalidInput) as error:
        raise LayerUnreadable from error
