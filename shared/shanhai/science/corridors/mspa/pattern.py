"""Morphological spatial pattern analysis of a binary raster, and its classes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.corridors.mspa.thinning import anchored_skeleton
from shanhai.science.grid import BoolArray, ClassArray, IntArray
from shanhai.science.kernels import compiled
from shanhai.science.zoning.patches import Connectivity, label_patches, within
from shanhai.vocabulary import Label


class Mspa(IntEnum):
    """Codes of the pattern raster."""

    BACKGROUND = 0
    CORE = 1
    ISLET = 2
    EDGE = 3
    PERFORATION = 4
    BRIDGE = 5
    LOOP = 6
    BRANCH = 7
    MISSING = 255


LABELS: Mapping[Mspa, Label] = MappingProxyType(
    {
        Mspa.BACKGROUND: Label("背景", "Background"),
        Mspa.CORE: Label("核心区", "Core"),
        Mspa.ISLET: Label("孤岛", "Islet"),
        Mspa.EDGE: Label("边缘区", "Edge"),
        Mspa.PERFORATION: Label("孔隙", "Perforation"),
        Mspa.BRIDGE: Label("桥接区", "Bridge"),
        Mspa.LOOP: Label("环道区", "Loop"),
        Mspa.BRANCH: Label("支线", "Branch"),
        Mspa.MISSING: Label("缺测", "Missing"),
    }
)

Steps = NDArray[np.int32]
Depth = NDArray[np.uint16]
Labels = NDArray[np.int32]

UNREACHED = -1


@compiled
def steps_from(core: BoolArray, land: BoolArray, corners: bool) -> Steps:
    """Steps over land to the nearest core cell: 0 in it, −1 where no way leads to one."""
    height, width = core.shape
    steps = np.full((height, width), UNREACHED, dtype=np.int32)
    waiting = np.empty(np.count_nonzero(land), dtype=np.int32)
    last = 0
    for row in range(height):
        for col in range(width):
            if core[row, col]:
                steps[row, col] = 0
                waiting[last] = row * width + col
                last += 1
    first = 0
    while first < last:
        row, col = waiting[first] // width, waiting[first] % width
        first += 1
        for down in range(max(row - 1, 0), min(row + 2, height)):
            for across in range(max(col - 1, 0), min(col + 2, width)):
                if not corners and down != row and across != col:
                    continue
                if land[down, across] and steps[down, across] == UNREACHED:
                    steps[down, across] = steps[row, col] + 1
                    waiting[last] = down * width + across
                    last += 1
    return steps


@compiled
def depth_within(land: BoolArray, background: BoolArray, offsets: IntArray, ranks: Depth) -> Depth:
    """Rank of the distance from each land cell to the background, 0 beyond the offsets.

    Args:
        land: Cells to tell it of.
        background: Cells to measure to.
        offsets: Row and column steps, nearest first.
        ranks: Rank of the length of each, from 1.
    """
    height, width = land.shape
    depth = np.zeros((height, width), dtype=np.uint16)
    for row in range(height):
        for col in range(width):
            if not land[row, col]:
                continue
            for number in range(len(offsets)):
                down, across = row + offsets[number, 0], col + offsets[number, 1]
                inside = 0 <= down < height and 0 <= across < width
                if inside and background[down, across]:
                    depth[row, col] = ranks[number]
                    break
    return depth


@compiled
def nearest_class(
    cells: BoolArray, classes: ClassArray, offsets: IntArray, ranks: Depth
) -> ClassArray:
    """The class nearest to each cell, of equally near ones the lowest; 0 beyond the offsets."""
    height, width = cells.shape
    found = np.zeros((height, width), dtype=np.uint8)
    for row in range(height):
        for col in range(width):
            if not cells[row, col]:
                continue
            best, rank = 0, 0
            for number in range(len(offsets)):
                if best and ranks[number] > rank:
                    break
                down, across = row + offsets[number, 0], col + offsets[number, 1]
                if not (0 <= down < height and 0 <= across < width):
                    continue
                here = classes[down, across]
                if here and (best == 0 or here < best):
                    best, rank = here, ranks[number]
            found[row, col] = best
    return found


@compiled
def joins_cores(pieces: Labels, count: int, cores: Labels, corners: bool) -> BoolArray:
    """Which pieces touch cores of different number; the first entry stands for no piece."""
    height, width = pieces.shape
    touched = np.zeros(count + 1, dtype=np.int32)
    joins = np.zeros(count + 1, dtype=np.bool_)
    for row in range(height):
        for col in range(width):
            piece = pieces[row, col]
            if piece == 0:
                continue
            for down in range(max(row - 1, 0), min(row + 2, height)):
                for across in range(max(col - 1, 0), min(col + 2, width)):
                    if not corners and down != row and across != col:
                        continue
                    core = cores[down, across]
                    if core and touched[piece] == 0:
                        touched[piece] = core
                    elif core and touched[piece] != core:
                        joins[piece] = True
    return joins


EDGE_WIDTHS = (1, 50)
"""Least and greatest edge width accepted, cells."""

BYTES_PER_CELL = 28
"""What the analysis takes at most beyond its input; measured on land broken by single cells."""


@dataclass(frozen=True, slots=True)
class MspaParameters:
    """What the analysis takes for connected, and how deep an edge is.

    Attributes:
        connectivity: 8 joins land that shares a corner, 4 only such as shares a side; the
            background hangs together by the other one.
        edge_width: s, cells; a core lies farther than that from the background.
        transition: Whether cells of an edge or perforation that a connector passes through count
            as its own.

    Source: Soille and Vogt 2009; defaults as in the GuidosToolbox.
    """

    connectivity: Connectivity = 8
    edge_width: int = 1
    transition: bool = True

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        if self.connectivity not in (4, 8):
            raise InvalidInput(
                f"connectivity is {self.connectivity}; it must be 4 or 8",
                message_zh=f"连通性为 {self.connectivity}，须为 4 或 8",
                pointer="/connectivity",
            )
        least, greatest = EDGE_WIDTHS
        if not least <= self.edge_width <= greatest:
            raise InvalidInput(
                f"edge_width is {self.edge_width} cells; it must lie in {least} to {greatest}",
                message_zh=f"边缘宽度为 {self.edge_width} 个像元，须在 {least} 至 {greatest} 之间",
                pointer="/edge_width",
            )

    @property
    def dual(self) -> Connectivity:
        """By which the background hangs together."""
        return 4 if self.connectivity == 8 else 8

    @property
    def reach(self) -> int:
        """Largest square of a distance below s + 1, cells²."""
        return (self.edge_width + 1) ** 2 - 1


DEFAULT_PARAMETERS = MspaParameters()


def memory_needed(shape: tuple[int, int]) -> int:
    """Bytes that `spatial_pattern` takes at most beyond its input."""
    return BYTES_PER_CELL * shape[0] * shape[1]


def spatial_pattern(
    foreground: BoolArray,
    missing: BoolArray | None = None,
    parameters: MspaParameters = DEFAULT_PARAMETERS,
) -> ClassArray:
    """The part that each cell plays in the shape of the foreground.

    Args:
        foreground: Habitat, fewer than 2³¹ cells. What lies outside the raster counts as missing.
        missing: Cells of which nothing is known: they are neither foreground, whatever
            `foreground` says there, nor the background that makes an edge.
        parameters: Connectivity, edge width, transition.

    Returns:
        Codes of `Mspa`; turned or mirrored input gives the turned or mirrored result.

    Raises:
        InvalidInput: the arrays differ in shape.

    Source: Soille and Vogt 2009, as the rules of the documentation put it.
    """
    land, background, unknown = _split(foreground, missing)
    core = land & ~_near(background, parameters.reach)
    steps = steps_from(core, land, parameters.connectivity == 8)
    islet = land & (steps == UNREACHED)
    shell = land & (steps > 0) & _near(core, parameters.reach)
    perforation = shell & _lines_hole(core | shell, background, parameters)
    connectors = _connectors(core, background, steps, parameters)
    remainder = land & ~(core | islet | shell)
    codes = np.zeros(land.shape, dtype=np.uint8)
    codes[core], codes[islet], codes[shell] = Mspa.CORE, Mspa.ISLET, Mspa.EDGE
    codes[perforation] = Mspa.PERFORATION
    codes[unknown] = Mspa.MISSING
    if parameters.transition:
        passing = shell & (connectors > 0)
        codes[passing] = connectors[passing]
    codes[remainder] = _branches(remainder, connectors, parameters)[remainder]
    return codes


def _split(
    foreground: BoolArray, missing: BoolArray | None
) -> tuple[BoolArray, BoolArray, BoolArray]:
    """Land, background, and what is neither."""
    unknown = np.zeros(foreground.shape, dtype=np.bool_) if missing is None else missing
    if unknown.shape != foreground.shape:
        raise InvalidInput(
            f"missing has the shape {unknown.shape} and foreground {foreground.shape}; "
            "they must be equal",
            message_zh=f"缺测掩膜形状为 {unknown.shape}，前景为 {foreground.shape}，两者须相同",
            pointer="/missing",
        )
    land = np.ascontiguousarray(foreground & ~unknown)
    return land, ~(land | unknown), unknown


def _near(mask: BoolArray, reach: int) -> BoolArray:
    """Cells whose squared distance to the mask is at most `reach`."""
    return within(mask.view(np.uint8), 1, reach)


def _lines_hole(body: BoolArray, background: BoolArray, parameters: MspaParameters) -> BoolArray:
    """Cells as near to the background of a closed hole of the body as an edge is to the outside."""
    holes, count = label_patches((~body).view(np.uint8), parameters.dual)
    closed = np.ones(count + 1, dtype=np.bool_)
    for side in (holes[0], holes[-1], holes[:, 0], holes[:, -1]):
        closed[side] = False
    closed[0] = False
    return _near(background & closed[holes], parameters.reach)


def _connectors(
    core: BoolArray, background: BoolArray, steps: NDArray[np.int32], parameters: MspaParameters
) -> ClassArray:
    """Bridge or loop at the cells of the skeleton between the cores, 0 elsewhere."""
    offsets, ranks = _offsets(parameters.reach)
    depth = depth_within(steps > 0, background, offsets, ranks)
    skeleton = anchored_skeleton(core, depth, steps, parameters.connectivity)
    pieces, count = label_patches(skeleton.view(np.uint8), parameters.connectivity)
    cores, _ = label_patches(core.view(np.uint8), parameters.connectivity)
    joins = joins_cores(pieces, count, cores, parameters.connectivity == 8)
    kinds = np.where(joins, Mspa.BRIDGE, Mspa.LOOP).astype(np.uint8)
    kinds[0] = 0
    return np.asarray(kinds[pieces])


def _branches(
    remainder: BoolArray, connectors: ClassArray, parameters: MspaParameters
) -> ClassArray:
    """Class of the nearest connector, bridge before loop; branch where none is near enough."""
    offsets, ranks = _offsets(parameters.edge_width**2)
    nearest = nearest_class(remainder, connectors, offsets, ranks)
    nearest[nearest == 0] = Mspa.BRANCH
    return nearest


def _offsets(reach: int) -> tuple[IntArray, NDArray[np.uint16]]:
    """Steps of a squared length of at most `reach`, nearest first, and the ranks of the lengths."""
    side = np.arange(-math.isqrt(reach), math.isqrt(reach) + 1)
    rows, cols = (steps.ravel() for steps in np.meshgrid(side, side, indexing="ij"))
    squares = rows * rows + cols * cols
    order = np.argsort(squares, kind="stable")
    order = order[squares[order] <= reach]
    _, ranks = np.unique(squares[order], return_inverse=True)
    return np.stack([rows[order], cols[order]], axis=1), (ranks + 1).astype(np.uint16)
