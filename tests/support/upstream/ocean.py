"""What a simplified coast has of the landscape's sea."""

import numpy as np
from shapely import MultiPolygon, Polygon

from tests.support.upstream import landscape

OFF = 0.007
"""How far it lies off the true coast, degrees: 700 m."""


def simplified_ocean() -> MultiPolygon:
    """The ocean east of the coast."""
    latitudes = np.arange(26.5, 27.8, 0.01)
    longitudes = np.arange(119.8, 120.5, 0.001)
    wet = landscape.sea(longitudes[np.newaxis], latitudes[:, np.newaxis])
    coast = longitudes[wet.argmax(axis=1)]
    shore = [(float(lon) + OFF, float(lat)) for lon, lat in zip(coast, latitudes, strict=True)]
    return MultiPolygon([Polygon([*shore, (121.5, 27.8), (121.5, 26.5)])])
