"""Where a place lies among the tiles of web mercator."""

import math


def tile_of(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    """Column and row of the tile that holds a place."""
    across = 2**zoom
    north = math.asinh(math.tan(math.radians(lat)))
    return int((lon + 180) / 360 * across), int((1 - north / math.pi) / 2 * across)
