"""Areas side by side with crooked common borders, for whoever must keep these in common."""

import numpy as np
import shapely
from numpy.typing import NDArray

WEST, SOUTH = 117.0, 24.0
CELL_DEGREES = 0.4
POINTS = 80
"""Corners of each common border."""


def crooked_coverage(side: int, *, seed: int = 5) -> list[shapely.Polygon]:
    """`side` times `side` areas from 117° E, 24° N on, row by row from the south-west."""
    rng = np.random.default_rng(seed)
    across = rng.uniform(-1, 1, (side + 1, side, POINTS))
    upward = rng.uniform(-1, 1, (side, side + 1, POINTS))
    return [_area(row, column, across, upward) for row in range(side) for column in range(side)]


def _area(
    row: int, column: int, across: NDArray[np.float64], upward: NDArray[np.float64]
) -> shapely.Polygon:
    south, north = (_border(across[row + up, column]) for up in (0, 1))
    west, east = (_border(upward[row, column + right]) for right in (0, 1))
    ring = np.concatenate(
        [
            south[:-1],
            np.add(east[:-1, ::-1], [1, 0]),
            np.add(north, [0, 1])[:0:-1],
            (west[:, ::-1])[:0:-1],
        ]
    )
    corner = np.array([WEST, SOUTH]) + CELL_DEGREES * np.array([column, row])
    return shapely.Polygon(np.round(corner + CELL_DEGREES * ring, 9))


def _border(noise: NDArray[np.float64]) -> NDArray[np.float64]:
    """From (0, 0) to (1, 0), crooked in between."""
    along = np.linspace(0, 1, POINTS)
    return np.stack([along, 0.05 * np.sin(np.pi * along) * noise], axis=-1)
