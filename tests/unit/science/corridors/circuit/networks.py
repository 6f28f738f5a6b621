"""Small circuits solved another way: dense matrices and their pseudo-inverse."""

import math
from collections.abc import Mapping

import numpy as np

from shanhai.science.corridors.circuit.solver import CircuitSettings
from shanhai.science.corridors.spacing import square_cells
from shanhai.science.grid import FloatArray, IntArray

UNIT = square_cells(1.0)

BESIDE = [(0, 1), (1, 0), (1, 1), (1, -1)]


def node_numbers(resistance: FloatArray, regions: IntArray) -> dict[tuple[int, int], int]:
    """Node of each passable cell and of each cell of a region, one for a region."""
    alive = {int(k) for k in np.unique(regions[np.isfinite(resistance)]) if k}
    numbers: dict[object, int] = {}
    nodes = {}
    for cell in np.ndindex(resistance.shape):
        region = int(regions[cell])
        key: object = ("region", region) if region else cell
        if region in alive or (not region and np.isfinite(resistance[cell])):
            nodes[cell] = numbers.setdefault(key, len(numbers))
    return nodes


def dense(
    resistance: FloatArray, nodes: Mapping[tuple[int, int], int], settings: CircuitSettings
) -> FloatArray:
    """The Laplacian, link by link."""
    laplacian = np.zeros((max(nodes.values()) + 1,) * 2)
    for cell, node in nodes.items():
        for down, across in BESIDE[: settings.neighbours // 2]:
            beside = cell[0] + down, cell[1] + across
            if beside not in nodes or nodes[beside] == node:
                continue
            one, other = resistance[cell], resistance[beside]
            length = math.hypot(down, across)
            if settings.joining == "average_resistance":
                flow = 1 / (length * (one + other) / 2)
            else:
                flow = (1 / one + 1 / other) / 2 / length
            ends = [node, nodes[beside]]
            laplacian[np.ix_(ends, ends)] += flow * np.array([[1, -1], [-1, 1]])
    return laplacian


def node_currents(laplacian: FloatArray, potential: FloatArray) -> FloatArray:
    """The larger of what flows into and out of each node."""
    flows = -laplacian * (potential[:, None] - potential[None])
    np.fill_diagonal(flows, 0.0)
    into: FloatArray = np.where(flows > 0, flows, 0).sum(axis=1)
    out: FloatArray = np.where(flows < 0, -flows, 0).sum(axis=1)
    return np.maximum(into, out)
