"""Networks as they are computed, before there are files of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from shanhai.data.synthetic_watershed import EPSG, Watershed
from shanhai.processes.build_network.compute import build
from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.contract import BuildNetworkInputs, OmnidirectionalChoice
from shanhai.processes.build_network.omnidirectional import send_currents
from shanhai.processes.build_network.result import Built, network_flags
from shanhai.processes.kit.region import build_place, open_sources
from shanhai.processes.kit.task import Task
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner, window_runner
from shanhai.science.corridors.moving_window import WindowSettings
from shanhai.science.grid import Grid
from tests.support.computed import silent

CHOICE = OmnidirectionalChoice(radius_m=700, block_cells=3, cutoff=60)
SIDE_M = 100.0


def land(folder: Path, height: int, width: int) -> ScratchStore:
    """Resistances of 1 to 100 with barriers, among them a whole corner and a wall with a gap."""
    store = ScratchStore(folder, Grid(4547, 5e5, 3e6, SIDE_M, width, height))
    random = np.random.default_rng(5)
    resistance = random.uniform(1, 100, (height, width))
    resistance[random.random((height, width)) < 0.1] = np.nan
    resistance[: height // 2, : width // 3] = np.nan
    resistance[:, width // 2] = np.nan
    resistance[height // 2, width // 2] = 1.0
    store.create("resistance")
    store.write("resistance", store.whole, resistance)
    return store


def flow(store: ScratchStore, runner: WindowRunner, windows: WindowSettings) -> dict[str, Any]:
    """The windows that sent current over such land, and what came to its cells."""
    found = send_currents(store, runner, CHOICE, windows, silent)
    return {"windows": found.targets, "cells": list(found.cells)}


@contextmanager
def found(task: Task, folder: Path) -> Iterator[Built]:
    """The network of a task without its files."""
    inputs = BuildNetworkInputs.model_validate(task.inputs)
    with window_runner(1, None, (folder,)) as runner:
        place = build_place(task, inputs, folder, open_sources(task, task.datasets), runner)
        yield build(Scene(place, inputs, task), silent)


def flags_of(network: Built) -> list[str]:
    """Codes of what is remarkable about a network."""
    return [flag.code for flag in network_flags(network)]


def with_cover(watershed: Watershed, folder: Path, task: Task, change: Callable[..., Any]) -> Task:
    """The task with a land cover that was changed."""
    path = folder / "cover.tif"
    cover = np.nan_to_num(read_geotiff(watershed.rasters["land_cover"]).values[0]).astype(np.uint8)
    change(cover)
    write_geotiff(path, cover, transform=watershed.grid.transform, crs=f"EPSG:{EPSG}", nodata=0)
    task.files["land_cover.tif"] = str(path)
    return task
