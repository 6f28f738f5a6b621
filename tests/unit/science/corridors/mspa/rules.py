"""The rules of the pattern once more, as they are written: slow, with sets of cells."""

from itertools import combinations

import numpy as np
from scipy import ndimage

from shanhai.science.corridors.mspa.pattern import MspaParameters
from shanhai.science.grid import BoolArray, ClassArray

Cell = tuple[int, int]
Cells = set[Cell]

CORE, ISLET, EDGE, PERFORATION, BRIDGE, LOOP, BRANCH, MISSING = 1, 2, 3, 4, 5, 6, 7, 255


def neighbours(cell: Cell, connectivity: int) -> Cells:
    row, col = cell
    return {
        (row + down, col + across)
        for down in (-1, 0, 1)
        for across in (-1, 0, 1)
        if (down or across) and (connectivity == 8 or not (down and across))
    }


def pieces(cells: Cells, connectivity: int) -> list[Cells]:
    left, found = set(cells), []
    while left:
        piece, front = set(), {left.pop()}
        while front:
            piece |= front
            front = {beside for cell in front for beside in neighbours(cell, connectivity)} & left
            left -= front
        found.append(piece)
    return found


def squared(cell: Cell, others: Cells) -> float:
    return min(((cell[0] - row) ** 2 + (cell[1] - col) ** 2 for row, col in others), default=np.inf)


def is_simple(cell: Cell, land: Cells, connectivity: int) -> bool:
    """Counted by the labelling of scipy in the 3×3 cells around."""
    window = np.array(
        [
            [(cell[0] + down, cell[1] + across) in land for across in (-1, 0, 1)]
            for down in (-1, 0, 1)
        ]
    )
    window[1, 1] = False
    rest = ~window
    rest[1, 1] = False
    sides = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=bool)
    for mask, kind in ((window, connectivity), (rest, 12 - connectivity)):
        labels, _ = ndimage.label(mask, np.ones((3, 3)) if kind == 8 else None)
        touching = labels[mask] if kind == 8 else labels[mask & sides]
        if len(set(touching.tolist())) != 1:
            return False
    return True


def is_dispensable(cell: Cell, fellows: Cells, land: Cells, connectivity: int) -> bool:
    beside = sorted(fellows & neighbours(cell, 8))
    return all(
        is_simple(cell, land - set(gone), connectivity)
        for count in range(len(beside) + 1)
        for gone in combinations(beside, count)
    )


def steps_from(core: Cells, land: Cells, connectivity: int) -> dict[Cell, int]:
    steps, front, far = dict.fromkeys(core, 0), set(core), 0
    while front:
        far += 1
        front = {beside for cell in front for beside in neighbours(cell, connectivity)} & land
        front -= set(steps)
        steps.update(dict.fromkeys(front, far))
    return steps


def skeleton(core: Cells, land: Cells, background: Cells, connectivity: int) -> Cells:
    steps = steps_from(core, land, connectivity)
    turn = {cell: (squared(cell, background), -steps[cell]) for cell in land - core}
    left = set(land)
    while True:
        simple = {cell for cell in left - core if is_simple(cell, left, connectivity)}
        for key in sorted({turn[cell] for cell in simple}):
            fellows = {cell for cell in simple if turn[cell] == key}
            going = {c for c in fellows if is_dispensable(c, fellows - {c}, left, connectivity)}
            if going:
                left -= going
                break
        else:
            return left - core


def classes(foreground: BoolArray, missing: BoolArray, parameters: MspaParameters) -> ClassArray:
    def cells_of(mask: BoolArray) -> Cells:
        return {(int(row), int(col)) for row, col in np.argwhere(mask)}

    c, s = parameters.connectivity, parameters.edge_width
    height, width = foreground.shape
    land, background = cells_of(foreground & ~missing), cells_of(~foreground & ~missing)
    core = {cell for cell in land if squared(cell, background) >= (s + 1) ** 2}
    islet = {cell for piece in pieces(land, c) if not piece & core for cell in piece}
    shell = {x for x in land - core - islet if squared(x, core) < (s + 1) ** 2}
    outside = {(row, col) for row in range(height) for col in range(width)} - core - shell
    holes = [
        hole
        for hole in pieces(outside, 12 - c)
        if not any(row in (0, height - 1) or col in (0, width - 1) for row, col in hole)
    ]
    lining = {cell for hole in holes for cell in hole & background}
    perforation = {cell for cell in shell if squared(cell, lining) < (s + 1) ** 2}
    bridges: set[Cell] = set()
    loops: set[Cell] = set()
    cores = pieces(core, c)
    for piece in pieces(skeleton(core, land - islet, background, c), c):
        rim = {beside for cell in piece for beside in neighbours(cell, c)}
        (bridges if sum(bool(rim & one) for one in cores) > 1 else loops).update(piece)

    def connector(cell: Cell) -> int:
        to_bridge, to_loop = squared(cell, bridges), squared(cell, loops)
        if min(to_bridge, to_loop) > s * s:
            return BRANCH
        return BRIDGE if to_bridge <= to_loop else LOOP

    codes = np.zeros(foreground.shape, dtype=np.uint8)
    codes[missing] = MISSING
    for cell in land:
        if cell in core:
            codes[cell] = CORE
        elif cell in islet:
            codes[cell] = ISLET
        elif cell not in shell or (parameters.transition and cell in bridges | loops):
            codes[cell] = connector(cell)
        else:
            codes[cell] = PERFORATION if cell in perforation else EDGE
    return codes
