"""Networks as they are computed, before there are files of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from shanhai.data.synthetic_watershed import EPSG, Watershed
from shanhai.processes.build_network.compute import build
from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.contract import BuildNetworkInputs
from shanhai.processes.build_network.result import Built, network_flags
from shanhai.processes.kit.region import build_place, open_sources
from shanhai.processes.kit.task import Task
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from shanhai.raster.windows import window_runner


def silent(percent: float, stage: str) -> None:
    """Hears how far a run is, and says nothing."""


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
