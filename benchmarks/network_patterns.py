"""The shape of habitat and the connectivity of its patches, beside the plain way to each."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse.csgraph import shortest_path

from benchmarks.report import Row, Setup, Table
from benchmarks.timing import alternate, seconds_of
from benchmarks.workbench import Workbench
from shanhai.science.corridors.connectivity import dispersal_graph, patch_importance
from shanhai.science.corridors.mspa.pattern import MspaParameters, memory_needed, spatial_pattern
from shanhai.science.corridors.patches import core_patches, patch_distances

SIDE = 2000
CELL_M = 30.0
EDGE_WIDTHS = (1, 3)
NODES = 500
SAMPLED = 4
"""Of the plain ways that need one search a patch, so many are run."""
ROUNDS = 3
SETUP = Setup(warm="compiled kernels; the input in memory")


def run(bench: Workbench) -> Table:
    """Pattern of four million cells, distances between its patches, dPC of 500 patches."""
    table = Table("network_patterns", "pattern and connectivity", "plain way", setup=SETUP)
    land = habitat(1.5, 0.5)
    table.rows = [_pattern(land, edge_width) for edge_width in EDGE_WIDTHS]
    table.rows += [_distances(habitat(10.0, 0.7)), _importance()]
    return table


def habitat(smoothing: float, quantile: float) -> NDArray[np.bool_]:
    """Land in clumps, always the same; the smoother the larger."""
    noise = np.random.default_rng(1).standard_normal((SIDE, SIDE), dtype=np.float32)
    smooth = ndimage.gaussian_filter(noise, smoothing)
    return np.asarray(smooth > np.quantile(smooth, quantile))


def _pattern(land: NDArray[np.bool_], edge_width: int) -> Row:
    """Beside the one distance transform that any such analysis starts with."""
    parameters = MspaParameters(edge_width=edge_width)
    samples = alternate(
        lambda number: seconds_of(lambda: spatial_pattern(land, None, parameters)),
        lambda number: seconds_of(lambda: ndimage.distance_transform_edt(land)),
        rounds=ROUNDS,
    )
    facts = {"cells": land.size, "stated MiB": memory_needed((SIDE, SIDE)) / 2**20}
    return Row(f"MSPA {SIDE}², edge {edge_width}; scipy distance transform", *samples, facts=facts)


def _distances(land: NDArray[np.bool_]) -> Row:
    """Per patch, beside a distance transform from each."""
    patches = core_patches(land, CELL_M, 10.0)

    def one_by_one() -> None:
        for number in range(1, SAMPLED + 1):
            ndimage.distance_transform_edt(patches.labels != number)

    samples = alternate(
        lambda number: seconds_of(
            lambda: patch_distances(patches.labels, patches.count, CELL_M),
            operations=patches.count,
        ),
        lambda number: seconds_of(one_by_one, operations=SAMPLED),
        rounds=ROUNDS,
    )
    facts = {"patches": patches.count}
    return Row("distances between patches, per patch; a transform each", *samples, facts=facts)


def _importance() -> Row:
    """Per patch, beside a search of all shortest ways without it."""
    rng = np.random.default_rng(2)
    places, areas = rng.uniform(0, 60_000, (NODES, 2)), rng.uniform(10, 500, NODES)
    distances = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    graph = dispersal_graph(areas, distances)

    def one_by_one() -> None:
        for patch in range(SAMPLED):
            rest = np.delete(np.arange(NODES), patch)
            ways = shortest_path(graph.direct[np.ix_(rest, rest)], method="FW", directed=False)
            areas[rest] @ np.exp(-graph.rate * ways) @ areas[rest]

    samples = alternate(
        lambda number: seconds_of(lambda: patch_importance(graph), operations=NODES),
        lambda number: seconds_of(one_by_one, operations=SAMPLED),
        rounds=ROUNDS,
    )
    facts = {"patches": NODES, "s in all": samples[0].median * NODES}
    return Row("dPC, per patch; scipy anew without it", *samples, facts=facts)
