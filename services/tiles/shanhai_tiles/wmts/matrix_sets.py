"""The tile matrix sets of WMTS: the grids under their own names, and the national service's.

Clients of China's national map service ask for `c` (degrees of CGCS2000, levels from 1) and `w`
(web mercator). Level `n` of `c` has the cells of level `n - 1` of CGCS2000Quad. Scale denominators
are the standard's, for pixels of 0.28 mm, and corners are written in the axis order of the system:
the national service itself reckons with 96 dpi and swaps the corner of `w`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shanhai_tiles.grids import (
    CGCS2000_QUAD,
    GRIDS,
    WEB_MERCATOR,
    Bounds,
    TileGrid,
    grids_over,
)
from shanhai_tiles.wmts.faults import INVALID, WmtsFault

NATIONAL_LEVELS = 20


@dataclass(frozen=True, slots=True)
class MatrixSet:
    """A grid with the identifiers of its levels.

    Attributes:
        id: Its name in WMTS.
        grid: The grid.
        shift: What a level's identifier is greater by than the level.
        first: The first identifier.
        last: The last one.
    """

    id: str
    grid: TileGrid
    shift: int
    first: int
    last: int

    def zoom(self, identifier: str) -> int:
        """The grid's level of an identifier.

        Raises:
            WmtsFault: the set has none of this name.
        """
        plain = identifier.isascii() and identifier.isdigit() and len(identifier) <= len("99")
        if not plain or not self.first <= int(identifier) <= self.last:
            given, known = repr(identifier[:40]), f"{self.first}–{self.last}"
            raise WmtsFault(
                INVALID,
                "TileMatrix",
                f"TileMatrix is {given}; {self.id} has {known}",
                f"TileMatrix 为 {given}；{self.id} 的级别为 {known}",
            )
        return int(identifier) - self.shift


def _whole(grid: TileGrid) -> MatrixSet:
    return MatrixSet(grid.id, grid, 0, 0, grid.deepest)


NATIONAL = (
    MatrixSet("c", CGCS2000_QUAD, 1, 1, NATIONAL_LEVELS),
    MatrixSet("w", WEB_MERCATOR, 0, 1, NATIONAL_LEVELS),
)
MATRIX_SETS: Mapping[str, MatrixSet] = MappingProxyType(
    {one.id: one for one in (*map(_whole, GRIDS.values()), *NATIONAL)}
)


def matrix_sets_over(bounds: Bounds) -> list[MatrixSet]:
    """The sets to offer for a box in degrees."""
    return [*(MATRIX_SETS[grid.id] for grid in grids_over(bounds)), *NATIONAL]


def matrix_set_named(identifier: str) -> MatrixSet:
    """The set of this name.

    Raises:
        WmtsFault: there is none.
    """
    found = MATRIX_SETS.get(identifier)
    if found is None:
        raise WmtsFault(
            INVALID,
            "TileMatrixSet",
            f"TileMatrixSet {identifier[:40]!r} is unknown; the capabilities list those there are",
            f"没有名为 {identifier[:40]!r} 的 TileMatrixSet；可用的见能力文档",
        )
    return found
