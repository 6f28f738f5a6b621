"""Processes computed in the process of the tests, and what their files hold."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from shanhai.processes.catalogue import compute_of
from shanhai.processes.kit.task import Outcome, Task
from shanhai.raster.geotiff import read_geotiff


def silent(percent: float, stage: str) -> None:
    """Hears how far a run is, and says nothing."""


def compute(task: Task, workspace: Path) -> Outcome:
    """The outcome of a run in a new folder."""
    workspace.mkdir()
    return compute_of(task.process)(task, workspace, silent)


def band(workspace: Path, layer: str) -> np.ndarray:
    """The first band of a layer."""
    return np.asarray(read_geotiff(workspace / f"{layer}.tif").values[0])


def document(workspace: Path, name: str = "statistics.json") -> Any:
    """A document of a run."""
    return json.loads((workspace / name).read_bytes())
