"""A small picture of a whole raster, on its own cells."""

from pathlib import Path

from shanhai.cartography import Style
from shanhai_tiles.drawing import Range, encode, index_of
from shanhai_tiles.handles import Handles, require_band
from shanhai_tiles.raster import Cells
from shanhai_tiles.sampling import Part

MOST_PIXELS = 2048
"""Along the longer side."""


def draw_preview(
    rasters: Handles, path: Path, band: int, style: Style, drawn: Range | None, side: int
) -> bytes:
    """A PNG whose longer side has at most `side` pixels, and never more than the raster has cells.

    Raises:
        LayerUnreadable: the file is damaged.
        InvalidInput: the file has no such band.
    """
    with rasters.open(path) as raster:
        require_band(band, raster.bands)
        height, width = raster.shape(0)
        scale = min(1.0, side / max(height, width))
        shape = (max(1, round(height * scale)), max(1, round(width * scale)))
        values = raster.read_whole(band, shape)
        cells = Cells(values, raster.nodata(band), Part(0, 0, *shape), shape)
    return encode(index_of(cells, style, drawn), style, "png")
